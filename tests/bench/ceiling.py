"""(1) What a bare client can do: creates and status patches, as fast as the API server takes them.

The patches are the operator's own: its bodies, its user, its admission policies, its content type.
The witness watches meanwhile, as it does while the operator works.
"""

import time
from dataclasses import dataclass
from typing import Any

import orjson

from bench.accounting import cpu_seconds, difference, server_pids
from bench.cluster import Cluster, in_parallel, searches
from bench.context import Bench
from bench.corpus import status_write
from bench.figures import MILLISECONDS, Figure, median_figure
from bench.watching import SearchWatch
from workflow_audit.local.progress import Reporter, reported

JSON_PATCH = "application/json-patch+json"


@dataclass(frozen=True)
class Ceiling:
    """One run of the bare client."""

    creates_per_second: float
    patches_per_second: float
    patch_cpu_ms: dict[str, float]
    """CPU milliseconds a patch, by program."""


async def created(bench: Bench, namespace: str, count: int, report: Reporter) -> list[Any]:
    """Create searches as the program that searches, and give them as the API server has them."""
    manifests = [orjson.dumps(bench.corpus.manifest(number)) for number in range(count)]
    connections = bench.sizes.connections
    async with Cluster.as_requester(bench.environment, connections) as requester:
        path = searches(namespace)

        async def create(manifest: bytes) -> bytes:
            return await requester.request("POST", path, manifest)

        def done(number: int) -> None:
            report.update(f"{number} of {count} created", number, count)

        return list(map(orjson.loads, await in_parallel(manifests, connections, create, done)))


async def measured_ceiling(bench: Bench, namespace: str, title: str) -> Ceiling:
    """Create searches in a new namespace, write their statuses, and remove them again."""
    count, connections = bench.sizes.ceiling, bench.sizes.connections
    environment = bench.environment
    async with (
        Cluster(environment) as administrator,
        Cluster.as_operator(environment, connections) as operator,
    ):
        await administrator.make_namespace(namespace)
        cluster_id = await administrator.cluster_id()
        with reported(title) as report:
            async with SearchWatch(administrator, namespace) as watch:
                began = time.monotonic()
                items = await created(bench, namespace, count, report)
                creates_per_second = count / (time.monotonic() - began)
                patches = [
                    (
                        searches(namespace, item["metadata"]["name"], "status"),
                        await status_write(item, cluster_id),
                    )
                    for item in items
                ]
                await operator.connect()

                async def patch(job: tuple[str, bytes]) -> None:
                    await operator.request("PATCH", job[0], job[1], JSON_PATCH)

                pids = server_pids(environment)
                before, began = cpu_seconds(pids), time.monotonic()
                await in_parallel(
                    patches,
                    connections,
                    patch,
                    lambda n: report.update(f"{n} of {count} patched", n, count),
                )
                seconds = time.monotonic() - began
                used = difference(before, cpu_seconds(pids))
                await watch.wait_recorded(count, lambda _: None)
            await administrator.remove_searches(namespace)
    return Ceiling(
        creates_per_second,
        count / seconds,
        {name: MILLISECONDS * cpu / count for name, cpu in used.items()},
    )


def ceiling_figures(bench: Bench, ceilings: list[Ceiling]) -> list[Figure]:
    """Give the figures of (1)."""
    sample = f"{len(ceilings)} x {bench.sizes.ceiling:,}, {bench.sizes.connections} connections"
    bare = [ceiling.creates_per_second for ceiling in ceilings]
    patches = [ceiling.patches_per_second for ceiling in ceilings]
    cpu = [ceiling.patch_cpu_ms["kube-apiserver"] for ceiling in ceilings]
    return [
        median_figure(1, "bare client: creates", bare, "/s", sample),
        median_figure(1, "bare client: status patches (the ceiling)", patches, "/s", sample),
        median_figure(1, "bare client: API server's CPU", cpu, "ms a patch", sample),
    ]
