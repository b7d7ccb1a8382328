"""(2, 3) The operator empties a backlog that was created while it was down."""

import asyncio
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import psycopg

from bench.accounting import OPERATOR, cpu_seconds, difference
from bench.ceiling import ceiling_figures, created, measured_ceiling
from bench.cluster import Cluster, Counters
from bench.context import Bench
from bench.figures import MILLISECONDS, Figure, Limit, median_figure
from bench.operating import running_operator
from bench.watching import SearchWatch
from workflow_audit.local.progress import reported

SETTLE_SECONDS = 2.0
"""Between the last creation and the start, for the API server to come to rest; and after the last
status, for writes that ought not to come."""

TIMES = """
SELECT count(*), count(DISTINCT event_id),
       extract(epoch FROM max(recorded_at) - min(recorded_at))::float8
  FROM audit_events WHERE namespace = %s
"""
CHANGES = r'verb="(PATCH|APPLY|PUT|POST|DELETE)"'


@dataclass(frozen=True)
class Drain:
    """One emptied backlog."""

    searches_per_second: float
    rows_per_second: float
    whole_seconds: float
    """From the start of the operator to the last status."""

    cpu_ms: dict[str, float]
    """CPU milliseconds a search by program in that time; of the operator's, what a start without
    backlog takes is subtracted."""

    rows_per_insert: float
    """By the operator's own metric."""

    writes: list[int]
    """Versions of each search after its creation."""

    requests: float
    """Changes of searches that the API server was asked for meanwhile."""


async def measure_drains(bench: Bench) -> None:
    """Measure ceiling, drain, ceiling, drain, ..., ceiling: each drain stands between two ceilings.

    Machines drift, so a drain is compared with the mean of its two neighbours.
    """
    rounds = bench.sizes.drains if bench.wants(2, 3) else 1
    ceilings = [await measured_ceiling(bench, "ceiling-0", "ceiling")]
    drains: list[Drain] = []
    idle_cpu = await _idle_start_cpu(bench) if bench.wants(2, 3) else 0.0
    for number in range(1, rounds + 1):
        label = f"({number} of {rounds})"
        if bench.wants(2, 3):
            title = f"draining {bench.sizes.drain} searches {label}"
            drains.append(await measured_drain(bench, f"drain-{number}", title, idle_cpu))
        title = f"ceiling {label}"
        ceilings.append(await measured_ceiling(bench, f"ceiling-{number}", title))
    bench.add(ceiling_figures(bench, ceilings))
    if drains:
        patches = [ceiling.patches_per_second for ceiling in ceilings]
        ratios = [
            drain.searches_per_second / mean(neighbours)
            for drain, neighbours in zip(drains, pairwise(patches), strict=True)
        ]
        bench.add(_drain_figures(bench, drains, ratios))
    bench.details["ceilings"] = [vars(ceiling) for ceiling in ceilings]
    bench.details["drains"] = [_without_writes(drain) for drain in drains]


async def measured_drain(
    bench: Bench, namespace: str, title: str, idle_cpu: float, profile: Path | None = None
) -> Drain:
    """Create the backlog, start the operator, watch until all is recorded, remove the searches."""
    count = bench.sizes.drain
    async with Cluster(bench.environment) as administrator:
        await administrator.make_namespace(namespace)
        with reported(title) as report:
            async with SearchWatch(administrator, namespace) as watch:
                await created(bench, namespace, count, report)
                await asyncio.sleep(SETTLE_SECONDS)
                counters = await administrator.counters()
                async with running_operator(
                    bench.environment, has_backlog=True, profile=profile
                ) as operator:
                    await watch.wait_recorded(
                        count, lambda n: report.update(f"{n} of {count} recorded", n, count)
                    )
                    cpu = cpu_seconds(operator.pids)
                    ended = time.monotonic()
                    rows, batches = (
                        operator.metric(f"workflow_audit_batch_rows_{part}")
                        for part in ("sum", "count")
                    )
                    operator.end_profile()
                    await asyncio.sleep(SETTLE_SECONDS)
                    requests = _changes(counters, await administrator.counters())
        await administrator.remove_searches(namespace)
    seen = sorted(watch.recorded.values())
    used = difference({**operator.cpu_at_start, OPERATOR: idle_cpu}, cpu)
    return Drain(
        searches_per_second=(count - 1) / (seen[-1] - seen[0]),
        rows_per_second=await asyncio.to_thread(_rows_per_second, bench, namespace, count),
        whole_seconds=ended - operator.started,
        cpu_ms={name: MILLISECONDS * seconds / count for name, seconds in used.items()},
        rows_per_insert=rows / batches,
        writes=watch.writes,
        requests=requests,
    )


def _drain_figures(bench: Bench, drains: list[Drain], ratios: list[float]) -> list[Figure]:
    sample, unit = f"{len(drains)} x {bench.sizes.drain:,} searches", "ms a search"
    enough = Limit(">=", 0.75)
    speeds = [drain.searches_per_second for drain in drains]
    rows = [drain.rows_per_second for drain in drains]
    together = [drain.rows_per_insert for drain in drains]
    figures = [
        median_figure(2, "operator: backlog, statuses", speeds, "/s", sample),
        median_figure(2, "operator: share of the ceiling", ratios, "", sample, limit=enough),
        median_figure(2, "operator: rows until the last INSERT", rows, "/s", sample),
        median_figure(2, "operator: rows in one INSERT, mean", together, "", sample),
    ]
    for program in sorted(drains[0].cpu_ms, key=lambda name: -drains[0].cpu_ms[name]):
        cpu = [drain.cpu_ms[program] for drain in drains]
        figures.append(median_figure(2, f"CPU: {program}", cpu, unit, sample))
    total = [sum(drain.cpu_ms.values()) for drain in drains]
    writes = [write for drain in drains for write in drain.writes]
    requests = sum(drain.requests for drain in drains) / len(writes)
    exact = Limit("=", 1)
    average = mean(writes)
    return [
        *figures,
        median_figure(2, "CPU: all of these", total, unit, sample),
        median_figure(3, "API writes a search, on the watch", [average], "", sample, limit=exact),
        median_figure(3, "API writes a search, the most", [max(writes)], "", sample, limit=exact),
        median_figure(3, "API writes a search, asked for", [requests], "", sample, limit=exact),
    ]


async def _idle_start_cpu(bench: Bench) -> float:
    """Give the CPU seconds of a start with nothing to do."""
    with reported("a start without backlog"):
        async with running_operator(bench.environment) as operator:
            return operator.cpu_at_ready


def _changes(before: Counters, after: Counters) -> float:
    name = "apiserver_request_total"
    return after.total(name, CHANGES) - before.total(name, CHANGES)


def _rows_per_second(bench: Bench, namespace: str, count: int) -> float:
    with psycopg.connect(bench.environment.postgres.superuser_url) as connection:
        found = connection.execute(TIMES, [namespace]).fetchone()
    if found is None or found[:2] != (count, count):
        raise ValueError(f"{namespace}: {count} searches became (rows, event ids, seconds) {found}")
    return (count - 1) / float(found[2])


def _without_writes(drain: Drain) -> dict[str, Any]:
    return {name: value for name, value in vars(drain).items() if name != "writes"}
