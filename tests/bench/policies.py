"""(10) Many policies: time until all are Ready, what it asks of the API server, and memory."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from bench.accounting import MIB, cpu_seconds, difference, resident_bytes
from bench.cluster import Cluster, Counters, in_parallel
from bench.context import Bench
from bench.figures import Figure, Limit
from bench.operating import Operator, running_operator
from workflow_audit.local.progress import Reporter, reported
from workflow_audit.models.kinds import AUDIT_POLICY

LOOK_SECONDS = 0.5
SETTLED_SECONDS = 5.0
"""After the last policy is Ready: what comes later would show."""

WRITES = ('verb="APPLY"', 'verb="PATCH"', 'verb="POST"', 'verb="DELETE"')
RESOURCES = "roles|rolebindings|configmaps|auditpolicies"
MEMORY_LIMIT = Limit("<", 150)


@dataclass(frozen=True)
class Asked:
    """What the API server was asked to write, in all."""

    writes: float

    @classmethod
    def between(cls, before: Counters, after: Counters) -> "Asked":
        def total(counters: Counters) -> float:
            return sum(counters.total("apiserver_request_total", verb) for verb in WRITES)

        return cls(total(after) - total(before))


async def measure_policies(bench: Bench) -> None:
    """Create all policies while an operator runs; then start another one that finds all done."""
    count, namespaces = bench.sizes.policies, bench.sizes.policy_namespaces
    title = f"{count} policies in {namespaces} namespaces"
    async with Cluster(bench.environment) as administrator:
        with reported(title) as report:
            await in_parallel(
                [f"policies-{number}" for number in range(namespaces)],
                bench.sizes.connections,
                administrator.make_namespace,
            )
            async with running_operator(bench.environment) as operator:
                used = cpu_seconds(operator.pids)
                began = time.monotonic()
                before = await administrator.counters(RESOURCES)
                await in_parallel(
                    list(_policies(count, namespaces)),
                    bench.sizes.connections,
                    lambda job: administrator.request("POST", *job),
                )
                created = time.monotonic() - began
                ready = await _until_ready(administrator, count, report) - began
                cpu = difference(used, cpu_seconds(operator.pids))
                await asyncio.sleep(SETTLED_SECONDS)
                first = Asked.between(before, await administrator.counters(RESOURCES))
                memory = resident_bytes(operator.pid)
        with reported("a restart with them"):
            again = await _restart(bench, administrator)
    sample = title

    def figure(name: str, value: float, unit: str, limit: Limit | None = None) -> Figure:
        return Figure(number=10, name=name, value=value, unit=unit, sample=sample, limit=limit)

    bench.add(
        [
            figure("policies: all created", created, "s"),
            figure("policies: all Ready", ready, "s"),
            figure("policies: writes of the operator, each", first.writes / count - 1, ""),
            figure("policies: operator's memory", memory / MIB, "MiB", MEMORY_LIMIT),
            figure("policies: writes after a restart", again.writes, "", Limit("=", 0)),
            *(
                figure(f"CPU until all Ready: {name}", 1000 * seconds / count, "ms a policy")
                for name, seconds in sorted(cpu.items(), key=lambda each: -each[1])
            ),
            figure("CPU until all Ready: cores in use", sum(cpu.values()) / ready, ""),
        ]
    )


def _policies(count: int, namespaces: int) -> Iterator[tuple[str, bytes]]:
    """Give path and body of each policy; each asks for a role, a binding and a dashboard."""
    for number in range(count):
        spec: dict[str, Any] = {
            "priority": number // namespaces,
            "access": {"readers": [{"kind": "Group", "name": f"team-{number}"}]},
            "dashboard": {"enabled": True},
            "retention": {"days": 30 + number % 100},
        }
        body = {
            "apiVersion": AUDIT_POLICY.resource.api_version,
            "kind": AUDIT_POLICY.name,
            "metadata": {"name": f"policy-{number}"},
            "spec": spec,
        }
        path = AUDIT_POLICY.resource.path(f"policies-{number % namespaces}")
        yield path, orjson.dumps(body)


async def _until_ready(administrator: Cluster, count: int, report: Reporter) -> float:
    while True:
        found = (await administrator.get(AUDIT_POLICY.resource.path()))["items"]
        ready = sum(map(_is_ready, found))
        report.update(f"{ready} of {count} ready", ready, count)
        if ready == count:
            return time.monotonic()
        await asyncio.sleep(LOOK_SECONDS)


def _is_ready(policy: dict[str, Any]) -> bool:
    conditions = policy.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


async def _restart(bench: Bench, administrator: Cluster) -> Asked:
    before = await administrator.counters(RESOURCES)
    async with running_operator(bench.environment) as operator:
        await _until_known(operator, bench.sizes.policies)
        await asyncio.sleep(SETTLED_SECONDS)
        return Asked.between(before, await administrator.counters(RESOURCES))


async def _until_known(operator: Operator, count: int) -> None:
    name = 'workflow_audit_policies{ready="true"}'
    while True:
        if await asyncio.to_thread(operator.metric, name) == count:
            return
        await asyncio.sleep(LOOK_SECONDS)
