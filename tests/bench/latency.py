"""(4) From the creation's acknowledgement to the committed row, and to the status Recorded.

Searches come on a fixed schedule whatever happens to the earlier ones: a slow answer delays
nothing and hides nothing.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
import psycopg

from bench.cluster import Cluster, searches
from bench.committed import CommitWitness, recorded_times
from bench.context import Bench
from bench.corpus import Corpus
from bench.figures import Limit, latency_figures
from bench.operating import running_operator
from bench.sizes import Rate
from bench.watching import SearchWatch
from workflow_audit.domain.events import event_id
from workflow_audit.local.progress import reported

LEAD_SECONDS = 0.2
WARM_UP_PER_SECOND = 25
STATUS_LIMITS = {95: Limit("<", 50)}
COMMIT_AIMS = {50: Limit("<=", 5, "aim"), 95: Limit("<=", 15, "aim")}


@dataclass(frozen=True)
class Offer:
    """One search that was created on schedule; times are `time.monotonic()`."""

    name: str
    event_id: UUID
    due: float
    sent: float
    acknowledged: float


@dataclass(frozen=True)
class Offering:
    """Creates searches in one namespace and tells the witness which rows to expect."""

    corpus: Corpus
    namespace: str
    requester: Cluster
    commits: CommitWitness
    cluster_id: UUID

    async def at(self, rate: Rate) -> list[Offer]:
        """Create all searches of a rate, each when it is due."""
        begin = time.monotonic() + LEAD_SECONDS
        async with asyncio.TaskGroup() as group:
            tasks = []
            for number in range(rate.count):
                due = begin + number / rate.per_second
                await asyncio.sleep(max(due - time.monotonic(), 0))
                tasks.append(group.create_task(self._offer(number, due)))
        return [task.result() for task in tasks]

    async def _offer(self, number: int, due: float) -> Offer:
        body = orjson.dumps(self.corpus.manifest(number))
        sent = time.monotonic()
        answer = await self.requester.request("POST", searches(self.namespace), body)
        acknowledged = time.monotonic()
        metadata = orjson.loads(answer)["metadata"]
        ident = event_id(self.cluster_id, UUID(metadata["uid"]))
        self.commits.expect(ident, datetime.fromisoformat(metadata["creationTimestamp"]).date())
        return Offer(metadata["name"], ident, due, sent, acknowledged)


async def measure_latency(bench: Bench) -> None:
    """Measure each rate with one operator, which was warmed up."""
    async with running_operator(bench.environment):
        for rate in bench.sizes.rates:
            warm_up = Rate(WARM_UP_PER_SECOND, max(bench.sizes.warm_up // WARM_UP_PER_SECOND, 1))
            await _rate(bench, warm_up, f"warm-up-{rate.per_second}", keep=False)
            await _rate(bench, rate, f"latency-{rate.per_second}", keep=True)


async def _rate(bench: Bench, rate: Rate, namespace: str, *, keep: bool) -> None:
    environment = bench.environment
    async with (
        Cluster(environment) as administrator,
        Cluster.as_requester(environment, bench.sizes.connections) as requester,
        CommitWitness(environment, rate.per_second) as commits,
    ):
        await administrator.make_namespace(namespace)
        await requester.connect()
        cluster_id = await administrator.cluster_id()
        offering = Offering(bench.corpus, namespace, requester, commits, cluster_id)
        title = f"{rate.per_second} searches a second for {rate.seconds} s"
        with reported(title) as report:
            async with SearchWatch(administrator, namespace) as watch:
                offers = await offering.at(rate)
                await watch.wait_recorded(rate.count, lambda n: report.update(f"{n} recorded"))
                await commits.wait_all()
        await administrator.remove_searches(namespace)
    if keep:
        _add_latencies(bench, rate, offers, watch, commits)
        inserted = await asyncio.to_thread(_recorded_at, bench, namespace)
        bounds = [inserted[offer.event_id] - offer.acknowledged for offer in offers]
        bench.details[f"latency at {rate.per_second}/s"] = {
            "sent late, most ms": 1000 * max(offer.sent - offer.due for offer in offers),
            "acknowledged -> recorded_at, a lower bound, ms": {
                figure.name[-3:]: figure.value for figure in latency_figures(4, "", bounds)
            },
            "looks at the table": commits.looks,
            "longest look, ms": 1000 * commits.longest_look,
        }


def _add_latencies(
    bench: Bench, rate: Rate, offers: list[Offer], watch: SearchWatch, commits: CommitWitness
) -> None:
    def add(name: str, seconds: list[float], limits: dict[int, Limit] | None = None) -> None:
        bench.add(latency_figures(4, f"{rate.per_second}/s: {name}", seconds, limits))

    slowest = min(other.per_second for other in bench.sizes.rates) == rate.per_second
    visible = [commits.seen[offer.event_id] - offer.acknowledged for offer in offers]
    recorded = [watch.recorded[offer.name] - offer.acknowledged for offer in offers]
    add("acknowledged -> row committed", visible, COMMIT_AIMS if slowest else None)
    add("acknowledged -> status Recorded", recorded, STATUS_LIMITS)
    add("creation due -> acknowledged", [offer.acknowledged - offer.due for offer in offers])


def _recorded_at(bench: Bench, namespace: str) -> dict[UUID, float]:
    with psycopg.connect(bench.environment.postgres.superuser_url) as connection:
        return recorded_times(connection, namespace)
