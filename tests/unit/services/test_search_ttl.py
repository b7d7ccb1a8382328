"""Old searches go, all others stay."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from workflow_audit.domain.redaction import redactor
from workflow_audit.errors import PoliciesUnknownError
from workflow_audit.models.policy import PolicySpec
from workflow_audit.models.retention import Retention
from workflow_audit.models.search import Metadata
from workflow_audit.services.preparing import ApplyingPolicy
from workflow_audit.services.search_ttl import SearchTtl

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass
class Policies:
    """The time to live by namespace."""

    times: dict[str, str]

    async def applying(
        self, search: Metadata, timeout_seconds: float | None = None
    ) -> ApplyingPolicy:
        assert timeout_seconds == 0
        if search.namespace not in self.times:
            raise PoliciesUnknownError("nobody told")
        rules = PolicySpec(retention=Retention(searchTTL=self.times[search.namespace]))
        return ApplyingPolicy("default", rules, redactor(rules.redaction))

    def times_to_live(self) -> list[str]:
        return list(self.times.values())


@dataclass
class Cluster:
    """Searches that are done."""

    searches: list[Metadata]
    removed: list[str] = field(default_factory=list)

    async def done(self) -> AsyncIterator[Metadata]:
        for search in self.searches:
            yield search

    async def remove(self, search: Metadata) -> bool:
        self.removed.append(search.name)
        return True


def search(name: str, age: timedelta, namespace: str = "day") -> Metadata:
    return Metadata(namespace, name, uuid4(), 1, NOW - age)


def ttl(cluster: Cluster, **times: str) -> SearchTtl:
    return SearchTtl(Policies(times), cluster.done, cluster.remove, lambda: NOW, 1e9)


async def test_what_goes_and_what_stays() -> None:
    cluster = Cluster(
        [
            search("old", timedelta(hours=25)),
            search("young", timedelta(hours=23)),
            search("from-the-future", timedelta(hours=-1)),
            search("kept-for-good", timedelta(days=9999), "forever"),
            search("of-an-unknown-policy", timedelta(days=9999), "unknown"),
            search("short", timedelta(minutes=2), "minute"),
        ]
    )
    await ttl(cluster, day="24h", forever="0s", minute="60s").once()
    assert cluster.removed == ["old", "short"]


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        pytest.param(["24h"], 300, id="at-the-most-five-minutes"),
        pytest.param(["24h", "5m"], 30, id="a-tenth-of-the-shortest"),
        pytest.param(["1s"], 1, id="at-the-least-a-second"),
        pytest.param(["0s"], 300, id="none"),
    ],
)
def test_how_often_it_looks(times: list[str], seconds: float) -> None:
    policies = {str(number): time for number, time in enumerate(times)}
    assert ttl(Cluster([]), **policies).period_seconds() == seconds


async def test_a_shorter_time_counts_at_once() -> None:
    cluster, looks = Cluster([]), asyncio.Queue[int]()

    async def done() -> AsyncIterator[Metadata]:
        looks.put_nowait(1)
        for search in cluster.searches:
            yield search

    policies = Policies({"day": "24h"})
    ttl = SearchTtl(policies, done, cluster.remove, lambda: NOW, 1e9)
    task = asyncio.create_task(ttl.run())
    await asyncio.sleep(0)
    assert looks.empty()
    policies.times["second"] = "1s"
    ttl.policies_changed()
    await asyncio.wait_for(looks.get(), 60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
