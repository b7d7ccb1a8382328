"""A comparison: in which order it looks, what it counts, what it hands over to be repaired."""

import tracemalloc
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from unit.searches import CLUSTER, RECORDED_AT, an_object
from unit.verified import OnePolicy, a_recorded_object, a_skipped_object, its_row
from workflow_audit.domain.events import event_id
from workflow_audit.domain.verifying import seen_search
from workflow_audit.models.event import Json
from workflow_audit.models.policy import PolicySpec
from workflow_audit.models.search import Metadata
from workflow_audit.models.verification import (
    Counts,
    FindingKind,
    Rights,
    SearchSeen,
    StoredRow,
)
from workflow_audit.services.verifying import NoRemovals, Verification

NOW = RECORDED_AT + timedelta(hours=1)
READS_ALL = Rights("a", names=True, content=True, writes=False, trace=True)


@dataclass
class World(OnePolicy):
    """Cluster, table and policies in memory; remembers in which order it was asked."""

    bodies: list[Json] = field(default_factory=list)
    stored: list[StoredRow] = field(default_factory=list)
    removed: set[UUID] = field(default_factory=set)
    failures: dict[UUID, str] = field(default_factory=dict)
    repaired: list[UUID] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    now: datetime = NOW
    rights: Rights = READS_ALL

    def add(self, *, row: bool = True, **top: Any) -> StoredRow:
        """Add a recorded search, and its row."""
        body = a_recorded_object(uid=uuid4(), **top)
        self.bodies.append(body)
        its = its_row(seen_search(body))
        if row:
            self.stored.append(its)
        return its

    async def pages(self) -> AsyncIterator[Sequence[Json]]:
        for first in range(0, len(self.bodies), 2):
            self.asked.append("searches")
            yield self.bodies[first : first + 2]

    async def moment(self) -> datetime:
        return NOW

    async def of(self, ids: Sequence[UUID], first: date, last: date) -> list[StoredRow]:
        self.asked.append("rows")
        return [r for r in self.stored if r.event_id in ids and first <= r.event_date <= last]

    async def since(self, day: date, until: date) -> AsyncIterator[list[StoredRow]]:
        for row in self.stored:
            if day <= row.event_date <= until:
                yield [row]

    async def covers(self, searches: Sequence[Metadata]) -> set[UUID]:
        return {search.uid for search in searches} & self.removed

    async def repair(self, missing: Sequence[SearchSeen]) -> list[str | None]:
        self.repaired += [search.metadata.uid for search in missing]
        return [self.failures.get(search.metadata.uid) for search in missing]

    def verification(self, **changes: Any) -> Verification:
        whole = Verification(
            pages=self.pages,
            rows=self,
            removals=self,
            policies=self,
            cluster_id=CLUSTER,
            clock=lambda: self.now,
        )
        return replace(whole, **changes)


async def test_an_empty_cluster_is_complete() -> None:
    report = await World().verification().run()
    assert report.all_there
    assert report.counts == Counts(rows=0, searches_gone=0)


async def test_searches_are_read_before_their_rows() -> None:
    world = World()
    for _ in range(3):
        world.add()
    await world.verification().run()
    assert world.asked == ["searches", "rows", "searches", "rows"]


async def test_each_search_is_counted_once() -> None:
    world = World(bodies=[an_object({}, uid=uuid4()), a_skipped_object(uid=uuid4())])
    world.add()
    world.add(row=False)
    different = world.add()
    world.stored[-1] = replace(different, correlation_id="other")
    again = world.add()
    world.stored[-1] = replace(again, recorded_at=RECORDED_AT + timedelta(minutes=1))
    report = await world.verification().run()
    counts = report.counts
    assert (counts.searches, counts.pending, counts.skipped) == (6, 1, 1)
    assert (counts.recorded, counts.missing, counts.different) == (2, 1, 1)
    assert (counts.recorded_again, counts.extra, counts.rows) == (1, 0, 3)
    assert not report.all_there
    assert [each.kind for each in report.findings] == [FindingKind.MISSING, FindingKind.DIFFERENT]


async def test_rows_without_a_search_are_gone_as_expected() -> None:
    world = World()
    world.add()
    for _ in range(3):
        row = world.add()
        world.bodies.pop()
        assert row in world.stored
    report = await world.verification().run()
    assert report.all_there
    assert (report.counts.rows, report.counts.searches_gone) == (4, 3)


async def test_what_is_recorded_meanwhile_does_not_show() -> None:
    world = World()
    world.add()
    young = world.add()
    world.bodies.pop()
    world.stored[-1] = replace(young, recorded_at=NOW + timedelta(seconds=1))
    report = await world.verification().run()
    assert (report.counts.rows, report.counts.searches_gone) == (1, 0)


async def test_a_row_that_nobody_of_ours_has_written_is_extra() -> None:
    world = World()
    row = world.add()
    world.stored.append(replace(row, event_id=uuid4()))
    report = await world.verification().run()
    assert report.counts.extra == 1
    assert not report.all_there


async def test_what_retention_removed_is_not_missing() -> None:
    world = World()
    row = world.add(row=False)
    world.removed.add(UUID(row.resource_id))
    report = await world.verification().run()
    assert report.all_there
    assert (report.counts.expired, report.counts.missing) == (1, 0)


async def test_nor_is_what_is_as_old_as_its_policy_lets_it_become() -> None:
    world = World(rules=PolicySpec.model_validate({"retention": {"days": 7}}))
    world.add(row=False)
    assert (await world.verification(removals=NoRemovals()).run()).counts.missing == 1
    world.now = NOW + timedelta(days=7)
    assert (await world.verification(removals=NoRemovals()).run()).counts.expired == 1


async def test_without_a_known_policy_it_is_missing() -> None:
    world = World(rules=None, now=NOW + timedelta(days=9000))
    world.add(row=False)
    assert (await world.verification().run()).counts.missing == 1


async def test_only_what_is_missing_is_repaired() -> None:
    world = World()
    lost, hopeless, expired = (world.add(row=False) for _ in range(3))
    world.add()
    world.removed.add(UUID(expired.resource_id))
    world.failures[UUID(hopeless.resource_id)] = "auditing is switched off"
    report = await world.verification(repairer=world).run()
    assert {str(uid) for uid in world.repaired} == {lost.resource_id, hopeless.resource_id}
    assert (report.counts.missing, report.counts.repaired) == (2, 1)
    (left,) = report.unrepaired
    assert (left.uid, left.why) == (hopeless.resource_id, "auditing is switched off")
    assert not report.all_there


async def test_when_all_is_repaired_everything_is_there() -> None:
    world = World()
    world.add(row=False)
    report = await world.verification(repairer=world).run()
    assert report.all_there
    assert (report.counts.missing, report.counts.repaired) == (1, 1)


async def test_names_are_bounded_and_counts_are_not() -> None:
    world = World()
    for _ in range(5):
        world.add(row=False)
    some = await world.verification(shown=2).run()
    assert (some.counts.missing, len(some.findings)) == (5, 2)
    every = await world.verification(shown=None).run()
    assert len(every.findings) == 5


async def test_since_leaves_out_what_was_created_before() -> None:
    world = World()
    world.add(created="2026-11-20T00:00:00Z", row=False)
    world.add(created="2026-11-24T00:00:00Z", row=False)
    report = await world.verification(since=RECORDED_AT).run()
    assert (report.counts.searches, report.counts.missing) == (1, 1)


async def test_where_only_searches_are_wanted_rows_are_not_counted() -> None:
    world = World()
    world.add()
    report = await world.verification(counts_rows=False).run()
    assert (report.counts.rows, report.counts.searches_gone) == (None, None)


async def test_it_tells_how_far_it_is() -> None:
    world, told = World(), []
    for _ in range(3):
        world.add()
    await world.verification(
        counts_rows=False, progress=lambda counts: told.append(counts.searches)
    ).run()
    assert told == [2, 3]


async def test_ids_are_those_of_the_cluster() -> None:
    world = World()
    row = world.add(row=False)
    (finding,) = (await world.verification().run()).findings
    assert finding.event_id == event_id(CLUSTER, UUID(row.resource_id))


PAGE = 50


@dataclass
class Large(World):
    """A cluster of many pages, each of which is gone when the next one comes."""

    page_count: int = 0

    async def pages(self) -> AsyncIterator[Sequence[Json]]:
        model = a_recorded_object()
        its = its_row(seen_search(model))
        for _ in range(self.page_count):
            ids = [uuid4() for _ in range(PAGE)]
            named = {uid: event_id(CLUSTER, uid) for uid in ids}
            self.stored = [
                replace(its, event_id=event, resource_id=str(uid)) for uid, event in named.items()
            ]
            yield [
                model
                | {"metadata": model["metadata"] | {"uid": str(uid)}}
                | {"status": model["status"] | {"eventId": str(event)}}
                for uid, event in named.items()
            ]

    async def since(self, day: date, until: date) -> AsyncIterator[list[StoredRow]]:
        for _ in range(self.page_count):
            yield [replace(row, event_id=uuid4()) for row in self.stored]


async def peak_bytes(page_count: int, **options: Any) -> int:
    """Give the most memory that a comparison has at a time; all rows are forged."""
    tracemalloc.start()
    try:
        report = await Large(page_count=page_count).verification(**options).run()
        assert report.counts.recorded == report.counts.extra == page_count * PAGE
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_memory_does_not_grow_with_the_cluster() -> None:
    await peak_bytes(1)  # what is cached by then stays
    few = await peak_bytes(2)
    assert await peak_bytes(60) < 1.3 * few
    assert await peak_bytes(60, shown=None) > 1.3 * few, "what is kept would be noticed"
