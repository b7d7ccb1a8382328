"""(8, 9) A large backlog: the operator's memory, and a restart when all of it is recorded."""

import asyncio
from dataclasses import dataclass

from bench.accounting import MIB, OPERATOR, cpu_seconds, peak_bytes, resident_bytes
from bench.ceiling import created
from bench.cluster import ALL_SEARCHES, Cluster, Counters
from bench.context import Bench
from bench.figures import Figure, Limit, median_figure
from bench.operating import Operator, running_operator
from bench.watching import SearchWatch
from workflow_audit.local.progress import reported

NAMESPACE = "backlog"
SAMPLE_SECONDS = 0.05
AFTER_READY_SECONDS = 5.0
"""Within which a late list would still show."""

PAGE = 500
LISTS = 'verb="LIST"'
EMPTY_BYTES = 1024
"""An answer without any search is smaller, one with a single search is larger."""

MEMORY_LIMIT = Limit("<", 150)


@dataclass(frozen=True)
class Listed:
    """What lists of searches the API server answered in between two looks.

    Not how many objects its storage returned: every five to seven and a half minutes the API server
    lists everything itself, to compare its cache with etcd.
    """

    requests: float
    sent_bytes: float

    @classmethod
    def between(cls, before: Counters, after: Counters) -> "Listed":
        def grown(name: str, labels: str = "") -> float:
            return after.total(name, labels) - before.total(name, labels)

        return cls(
            requests=grown("apiserver_request_total", LISTS),
            sent_bytes=grown("apiserver_response_sizes_sum", LISTS),
        )


async def measure_backlog(bench: Bench) -> None:
    """Measure memory before, during and after a large backlog; then restarts."""
    await _memory(bench)
    if bench.wants(9):
        await _restarts(bench)


async def _memory(bench: Bench) -> None:
    count = bench.sizes.backlog
    idle = await _idle_bytes(bench) if bench.wants(8) else 0
    async with Cluster(bench.environment) as administrator:
        await administrator.make_namespace(NAMESPACE)
        with reported(f"a backlog of {count}") as report:
            async with SearchWatch(administrator, NAMESPACE) as watch:
                await created(bench, NAMESPACE, count, report)
                async with running_operator(bench.environment, has_backlog=True) as operator:
                    sampling = asyncio.create_task(_most_resident(operator))
                    await watch.wait_recorded(
                        count, lambda n: report.update(f"{n} of {count} recorded", n, count)
                    )
                    await asyncio.sleep(bench.sizes.idle_seconds)
                    after = resident_bytes(operator.pid)
                    sampling.cancel()
                    (sampled,) = await asyncio.gather(sampling)
                    most = peak_bytes(operator.pid) or sampled
    sample = f"1 operator, {count:,} searches"
    seconds = bench.sizes.idle_seconds

    def figure(name: str, value: int) -> Figure:
        return Figure(
            number=8, name=name, value=value / MIB, unit="MiB", sample=sample, limit=MEMORY_LIMIT
        )

    bench.add(
        [
            figure(f"operator's memory: idle, {seconds:g} s after its start", idle),
            figure("operator's memory: the most, with the backlog", most),
            figure(f"operator's memory: {seconds:g} s after the backlog", after),
        ]
    )
    bench.details["memory, most by samples, MiB"] = sampled / MIB


async def _idle_bytes(bench: Bench) -> int:
    with reported("an idle operator"):
        async with running_operator(bench.environment) as operator:
            await asyncio.sleep(bench.sizes.idle_seconds)
            return resident_bytes(operator.pid)


async def _most_resident(operator: Operator) -> int:
    most = 0
    try:
        while True:
            most = max(most, resident_bytes(operator.pid))
            await asyncio.sleep(SAMPLE_SECONDS)
    except asyncio.CancelledError:
        return most


async def _restarts(bench: Bench) -> None:
    seconds: list[float] = []
    cpu: list[float] = []
    later_cpu: list[float] = []
    lists: list[Listed] = []
    async with Cluster(bench.environment) as administrator:
        with reported(f"restarts with {bench.sizes.backlog} recorded searches"):
            for _ in range(bench.sizes.rounds):
                before = await administrator.counters()
                async with running_operator(bench.environment) as operator:
                    seconds.append(operator.ready - operator.started)
                    cpu.append(operator.cpu_at_ready)
                    await asyncio.sleep(AFTER_READY_SECONDS)
                    later_cpu.append(cpu_seconds({OPERATOR: operator.pid})[OPERATOR])
                    lists.append(Listed.between(before, await administrator.counters()))
        found, whole = await _full_list(administrator)
    sample = f"{bench.sizes.rounds} restarts, {found:,} recorded searches"
    sizes = [listed.sent_bytes for listed in lists]
    bench.add(
        [
            median_figure(9, "restart: until ready", seconds, "s", sample, limit=Limit("<", 3)),
            median_figure(9, "restart: CPU until ready", cpu, "s", sample),
            median_figure(9, "restart: CPU 5 s later", later_cpu, "s", sample),
            Figure(
                number=9,
                name="restart: answers to lists of searches, the most",
                value=max(sizes),
                unit="bytes",
                sample=sample,
                limit=Limit("<", EMPTY_BYTES),
                rounds=tuple(sizes),
            ),
            median_figure(9, "for comparison: a full list", [whole.sent_bytes], "bytes", sample),
        ]
    )
    bench.details["restart lists"] = [vars(listed) for listed in lists]
    bench.details["full list"] = vars(whole)
    if whole.sent_bytes < EMPTY_BYTES or not all(listed.requests for listed in lists):
        raise ValueError(f"the API server counts no lists: {whole}, {lists}")


async def _full_list(administrator: Cluster) -> tuple[int, Listed]:
    """List everything in pages, as an operator without selector would; prove the counters too."""
    before = await administrator.counters()
    more, found = "", 0
    while True:
        page = await administrator.get(f"{ALL_SEARCHES}?limit={PAGE}{more}")
        found += len(page["items"])
        token = page["metadata"].get("continue")
        if not token:
            return found, Listed.between(before, await administrator.counters())
        more = f"&continue={token}"
