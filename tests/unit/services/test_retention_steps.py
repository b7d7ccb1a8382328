"""A run of retention asks the database in order, and leaves out what it must not ask."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from unit.policies import any_policy
from workflow_audit import metrics
from workflow_audit.domain.policies import KnownPolicies
from workflow_audit.domain.retention import Removal
from workflow_audit.errors import RetentionError
from workflow_audit.models.policy import PolicyKey
from workflow_audit.models.removal import (
    Batch,
    Drop,
    Expired,
    Partition,
    Place,
    Preview,
    Previews,
    Rules,
    RunResult,
    Runs,
)
from workflow_audit.services import retention
from workflow_audit.services.retention import MOST_CLOCK_DIFFERENCE, RetentionRun

NOW = datetime(2026, 11, 24, 3, 17, tzinfo=UTC)
RUN = UUID(int=1)
POLICY = any_policy(spec={"retention": {"days": 60}})
JULY = Partition(date(2026, 7, 1), date(2026, 8, 1))
SEPTEMBER = Partition(date(2026, 9, 1), date(2026, 10, 1))


@dataclass
class Database:
    """Answers as it is told to, and notes what it was asked."""

    now: datetime = NOW
    last: RunResult | None = None
    previews: Previews | None = None
    drops: list[Drop] = field(default_factory=lambda: [Drop("dropped", 5)])
    batches: list[Batch] = field(
        default_factory=lambda: [Batch(2, 2, Place(NOW, RUN)), Batch(1, 1, Place(NOW, RUN))]
    )
    busy: bool = False
    asked: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator["Database | None"]:
        yield None if self.busy else self

    async def mirror_holds(self) -> None:
        self.asked.append("holds")

    async def runs(self) -> Runs:
        return Runs(self.now, self.last, self.previews)

    async def partitions(self) -> list[Partition]:
        return [JULY, SEPTEMBER]

    async def namespaces(self, partition: Partition) -> list[str]:
        return ["team-a"]

    async def drop_partition(self, run: UUID, partition: Partition, rules: Rules) -> Drop:
        self.asked.append(f"drop {partition.first_day:%B}")
        return self.drops.pop(0)

    async def remove_events(
        self, run: UUID, removal: Removal, rules: Rules, since: Place | None, most: int
    ) -> Batch:
        assert rules["team-a"][str(POLICY.key)].days == 60
        self.asked.append(f"remove {most} of {removal.partition.first_day:%B} {bool(since)}")
        return self.batches.pop(0)

    async def expired(self, partition: Partition, rules: Rules) -> list[Expired]:
        self.asked.append(f"count {partition.first_day:%B}")
        gone = PolicyKey("AuditPolicy", "team-a", "gone")
        return [Expired(key, 1, 10, NOW, 2) for key in (POLICY.key, gone, None)]

    async def removed_by(self, run: UUID) -> dict[PolicyKey, int]:
        return {POLICY.key: 8}

    async def note_previews(self, run: UUID, previews: dict[PolicyKey, Preview]) -> None:
        self.asked.append("note")
        self.previews = Previews(self.now, previews)

    async def finish(self, run: UUID, removed: dict[PolicyKey, int]) -> None:
        self.asked.append("finish")
        self.last = RunResult(self.now, removed)


def a_run(database: Database, policy: object = POLICY) -> RetentionRun:
    return RetentionRun(
        store=database,
        policies=lambda: KnownPolicies([policy], {"team-a": {}}),  # type: ignore[list-item]
        mirror_holds=database.mirror_holds,
        clock=lambda: NOW,
        batch_rows=2,
        pause_seconds=0,
    )


def removed_rows() -> float:
    return metrics.REGISTRY.get_sample_value("workflow_audit_retention_removed_rows_total") or 0


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "IN_USE_PAUSES_SECONDS", (0, 0))


async def test_holds_first_then_whole_months_then_batches_then_the_end() -> None:
    database, before = Database(), removed_rows()
    result = await a_run(database).run(RUN, lambda _: True)
    assert database.asked == [
        "holds",
        "drop July",
        "remove 2 of September False",
        "remove 2 of September True",
        "finish",
    ]
    assert result == Runs(NOW, RunResult(NOW, {POLICY.key: 8}))
    assert removed_rows() - before == 8
    assert metrics.REGISTRY.get_sample_value("workflow_audit_retention_duration_seconds")


async def test_a_month_that_is_kept_is_gone_through_event_by_event() -> None:
    database = Database(drops=[Drop("kept")], batches=[Batch(0, 0, None)] * 2)
    await a_run(database).run(RUN, lambda _: True)
    assert database.asked[1:-1] == [
        "drop July",
        "remove 2 of July False",
        "remove 2 of September False",
    ]


async def test_a_month_in_use_is_tried_again_then_left_and_the_run_fails() -> None:
    database = Database(drops=[Drop("in-use")] * 3)
    with pytest.raises(RetentionError, match="somebody works with the events of 2026-07"):
        await a_run(database).run(RUN, lambda _: True)
    assert database.asked.count("drop July") == 3
    assert not any("of July" in asked for asked in database.asked)
    assert "remove 2 of September True" in database.asked
    assert "finish" not in database.asked


async def test_a_month_in_use_for_a_moment_is_dropped() -> None:
    database = Database(drops=[Drop("in-use"), Drop("dropped", 5)])
    assert await a_run(database).run(RUN, lambda _: True)


DRY = any_policy(spec={"retention": {"days": 60, "dryRun": True}}, generation=3)
COUNTED = Previews(NOW, {DRY.key: Preview(3, 2, 20, NOW, 4)})


async def test_with_dry_run_things_are_only_counted() -> None:
    database = Database()
    result = await a_run(database, DRY).run(RUN, lambda _: True)
    assert database.asked == ["holds", "count July", "count September", "note", "finish"]
    assert result
    assert result.previews == COUNTED


async def test_a_preview_only_counts() -> None:
    database = Database()
    assert await a_run(database, DRY).preview(lambda _: True) == Runs(NOW, None, COUNTED)
    assert database.asked == ["holds", "count July", "count September", "note"]


async def test_without_anything_to_count_there_is_no_preview() -> None:
    database = Database()
    assert await a_run(database).preview(lambda _: True) == Runs(NOW)
    assert database.asked == ["holds"]


async def test_when_another_operator_has_just_counted_that_is_taken() -> None:
    database = Database(previews=COUNTED)
    runs = await a_run(database, DRY).preview(lambda runs: runs.previews != COUNTED)
    assert runs == Runs(NOW, None, COUNTED)
    assert database.asked == []


async def test_while_another_operator_runs_nothing_is_counted() -> None:
    database = Database(busy=True)
    assert await a_run(database, DRY).preview(lambda _: True) is None
    assert database.asked == []


async def test_while_another_operator_runs_nothing_is_asked() -> None:
    database = Database(busy=True)
    assert await a_run(database).run(RUN, lambda _: True) is None
    assert database.asked == []


async def test_when_another_operator_has_just_run_its_result_is_taken() -> None:
    database = Database(last=RunResult(NOW))
    assert await a_run(database).run(RUN, lambda _: False) == Runs(NOW, RunResult(NOW))
    assert database.asked == []


@pytest.mark.parametrize("direction", [1, -1])
async def test_of_two_clocks_that_differ_too_much_none_is_believed(direction: int) -> None:
    database = Database(NOW + direction * (MOST_CLOCK_DIFFERENCE + timedelta(seconds=1)))
    with pytest.raises(RetentionError, match=r"nothing is removed: it is 2026-11-24T03:17:00Z by"):
        await a_run(database).run(RUN, lambda _: True)
    assert database.asked == []
    database.now = NOW + direction * MOST_CLOCK_DIFFERENCE
    assert await a_run(database).run(RUN, lambda _: True)
