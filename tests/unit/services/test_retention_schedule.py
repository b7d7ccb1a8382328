"""When retention runs, again after what failure, and what status says meanwhile."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from support.eventually import eventually_async
from workflow_audit import metrics
from workflow_audit.errors import AuditError, DatabaseUnavailableError, RetentionError
from workflow_audit.models.policy import PolicyKey
from workflow_audit.models.policy_status import RemovalPreview, RetentionStatus
from workflow_audit.models.removal import Preview, Previews, RunResult, Runs
from workflow_audit.services import retention_schedule
from workflow_audit.services.retention_schedule import (
    BUSY_SECONDS,
    LONGEST_PAUSE_SECONDS,
    LONGEST_RETRY_SECONDS,
    RetentionSchedule,
)

KEY = PolicyKey("AuditPolicy", "team-a", "own")
DRY = PolicyKey("AuditPolicy", "team-a", "dry")
TODAY = datetime(2026, 11, 24, 3, 17, tzinfo=UTC)
YESTERDAY = TODAY - timedelta(days=1)
DOWN = DatabaseUnavailableError("the database does not answer", 5)


def finished(at: datetime, removed: int = 3) -> RunResult:
    return RunResult(at, {KEY: removed, DRY: 0})


def counted(at: datetime, generation: int = 1) -> Previews:
    return Previews(at, {DRY: Preview(generation, 7, 7000, YESTERDAY, held=1)})


@dataclass
class Database:
    """Remembers the last run; other operators may run too."""

    now: datetime = TODAY
    last: RunResult | None = None
    previews: Previews | None = None
    dry_runs: dict[PolicyKey, int] = field(default_factory=dict)
    counts: int = 0
    busy: bool = False
    errors: list[AuditError] = field(default_factory=list)
    ids: list[UUID] = field(default_factory=list)
    told: int = 0

    async def runs(self) -> Runs:
        return Runs(self.now, self.last, self.previews)

    async def preview(self, is_due: Callable[[Runs], bool]) -> Runs | None:
        self.counts += 1
        if self.busy:
            return None
        assert is_due(await self.runs())
        generation = self.dry_runs[DRY]
        self.previews = counted(self.now + timedelta(microseconds=self.counts), generation)
        return await self.runs()

    async def run(self, run: UUID, is_due: Callable[[Runs], bool]) -> Runs | None:
        self.ids.append(run)
        if self.errors:
            raise self.errors.pop(0)
        if self.busy:
            return None
        assert is_due(await self.runs())
        self.last = finished(self.now + timedelta(seconds=4, microseconds=5))
        return await self.runs()

    def changed(self) -> None:
        self.told += 1

    @property
    def times(self) -> int:
        return len(self.ids)


def a_schedule(database: Database) -> RetentionSchedule:
    return RetentionSchedule(
        runs=database.runs,
        retention=database,
        dry_runs=lambda: dict(database.dry_runs),
        schedule="17 3 * * *",
        changed=database.changed,
        clock=lambda: database.now,
    )


@pytest.mark.parametrize(
    ("last", "now", "runs"),
    [
        pytest.param(None, TODAY + timedelta(hours=5), 1, id="never-before-so-at-once"),
        pytest.param(YESTERDAY, TODAY, 1, id="on-the-minute"),
        pytest.param(YESTERDAY, TODAY - timedelta(seconds=1), 0, id="a-second-before"),
        pytest.param(
            YESTERDAY - timedelta(days=3), TODAY - timedelta(hours=9), 1, id="a-missed-time"
        ),
        pytest.param(TODAY, TODAY + timedelta(hours=20), 0, id="another-operator-has-run"),
    ],
)
async def test_when_it_runs(last: datetime | None, now: datetime, runs: int) -> None:
    database = Database(now, finished(last) if last else None)
    await a_schedule(database).step()
    assert database.times == runs


@pytest.mark.parametrize(
    ("before", "seconds"),
    [(timedelta(seconds=30), 30), (timedelta(hours=9), LONGEST_PAUSE_SECONDS)],
)
async def test_it_looks_again_when_it_is_time_by_the_databases_clock(
    before: timedelta, seconds: float
) -> None:
    database = Database(TODAY - before, finished(YESTERDAY))
    assert await a_schedule(database).step() == seconds


async def test_after_a_run_it_waits_for_the_next_time() -> None:
    database = Database(last=finished(YESTERDAY))
    schedule = a_schedule(database)
    assert await schedule.step() == 0
    assert await schedule.step() > 0
    assert database.times == 1
    assert metrics.REGISTRY.get_sample_value(
        "workflow_audit_retention_last_success_timestamp_seconds"
    ) == pytest.approx(TODAY.timestamp() + 4, abs=0.001)


async def test_while_another_operator_runs_it_looks_again_soon() -> None:
    database = Database(last=finished(YESTERDAY), busy=True)
    assert await a_schedule(database).step() == BUSY_SECONDS


async def test_what_another_operator_did_is_said_too_and_once() -> None:
    database = Database(TODAY - timedelta(hours=1), finished(YESTERDAY, removed=9))
    schedule = a_schedule(database)
    assert schedule.status(KEY) == RetentionStatus()
    for _ in range(3):
        await schedule.step()
    assert database.told == 1
    assert schedule.status(KEY).removed == 9


async def test_failures_are_tried_again_under_the_same_id_with_growing_pauses() -> None:
    database = Database(last=finished(YESTERDAY), errors=[DOWN] * 9)
    schedule = a_schedule(database)
    pauses = [await schedule.step() for _ in range(10)]
    assert pauses[:3] == [15, 30, 60]
    assert max(pauses) == LONGEST_RETRY_SECONDS
    assert pauses[-1] == 0
    assert len(set(database.ids)) == 1
    database.now += timedelta(days=1)
    await schedule.step()
    assert len(set(database.ids)) == 2


async def test_after_a_success_pauses_begin_anew() -> None:
    database = Database(last=finished(YESTERDAY), errors=[DOWN, DOWN])
    schedule = a_schedule(database)
    for _ in range(3):
        await schedule.step()
    database.now += timedelta(days=1)
    database.errors = [DOWN]
    assert await schedule.step() == 15


async def test_status_after_a_run() -> None:
    database = Database(last=finished(YESTERDAY), previews=counted(TODAY, 4))
    schedule = a_schedule(database)
    await schedule.step()
    ended = TODAY + timedelta(seconds=4)
    tomorrow = TODAY + timedelta(days=1)
    assert schedule.status(KEY) == RetentionStatus(last_run=ended, next_run=tomorrow, removed=3)
    assert schedule.status(DRY).would_remove == RemovalPreview(
        at=TODAY, generation=4, rows=7, size_bytes=7000, oldest=YESTERDAY, held=1
    )
    made_since = PolicyKey("ClusterAuditPolicy", None, "new")
    assert schedule.status(made_since) == RetentionStatus(last_run=ended, next_run=tomorrow)


async def test_status_after_a_failure_and_when_it_is_over() -> None:
    wrong = RetentionError("somebody works with the events of 2019-01")
    database = Database(last=finished(YESTERDAY), errors=[wrong])
    schedule = a_schedule(database)
    await schedule.step()
    status = schedule.status(KEY)
    assert (status.failed_at, status.failure) == (TODAY, str(wrong))
    assert status.next_run == TODAY + timedelta(seconds=15)
    assert database.told == 1
    await schedule.step()
    assert schedule.status(KEY).failure is None
    assert database.told == 2


async def test_a_database_that_does_not_even_tell_is_a_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def runs() -> Runs:
        raise DOWN

    schedule = a_schedule(Database())
    schedule._runs = runs
    assert await schedule.step() == 15
    assert schedule.status(KEY).failure == str(DOWN)
    assert caplog.messages == ["retention failed: the database does not answer; again in 15 s"]


async def test_a_dry_run_is_counted_once_as_soon_as_its_policy_changes() -> None:
    database = Database(TODAY - timedelta(hours=1), finished(YESTERDAY), dry_runs={DRY: 2})
    schedule = a_schedule(database)
    assert schedule.status(DRY).would_remove is None
    assert await schedule.step() == 0
    preview = schedule.status(DRY).would_remove
    assert preview
    assert (preview.generation, preview.rows) == (2, 7)
    assert await schedule.step() > 0
    assert (database.counts, database.times) == (1, 0)
    database.dry_runs[DRY] = 3
    await schedule.step()
    preview = schedule.status(DRY).would_remove
    assert preview
    assert preview.generation == 3
    assert database.told == 2, "nobody need hear of what has not changed"


async def test_while_another_operator_counts_it_looks_again_soon() -> None:
    database = Database(last=finished(TODAY), dry_runs={DRY: 2}, busy=True)
    schedule = a_schedule(database)
    assert await schedule.step() == BUSY_SECONDS
    database.busy, database.previews = False, counted(TODAY, 2)
    assert await schedule.step() > 0
    assert database.counts == 1
    assert schedule.status(DRY).would_remove


async def test_counting_does_not_hide_that_retention_fails() -> None:
    database = Database(last=finished(YESTERDAY), errors=[DOWN, DOWN])
    schedule = a_schedule(database)
    assert await schedule.step() == 15
    database.dry_runs = {DRY: 2}
    await schedule.step()
    assert schedule.status(DRY).would_remove
    assert schedule.status(DRY).failure == str(DOWN)
    assert await schedule.step() == 30


async def test_it_wakes_for_a_policy_to_count_and_for_no_other_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention_schedule, "SETTLE_SECONDS", 0.01)
    database = Database(TODAY - timedelta(hours=1), finished(YESTERDAY))
    schedule = a_schedule(database)
    running = asyncio.create_task(schedule.run())
    await eventually_async(lambda: database.told == 1)
    schedule.policies_changed()
    assert not schedule._wake.is_set()
    for generation in range(2, 200):
        database.dry_runs = {DRY: generation}
        schedule.policies_changed()
    await eventually_async(lambda: database.counts)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert database.counts == 1
    assert database.previews == counted(database.now + timedelta(microseconds=1), 199)


async def test_it_goes_on_until_it_is_cancelled() -> None:
    database = Database()
    running = asyncio.create_task(a_schedule(database).run())
    async with asyncio.timeout(5):
        while not database.told:  # noqa: ASYNC110 - asks what was called
            await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert database.times == 1
