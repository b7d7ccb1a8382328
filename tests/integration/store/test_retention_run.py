"""Whole runs of retention on a real database: exactly what may go goes, and leaves its trace."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from retention_support import NOW, days_ago, old_event, partitions, record, trace
from store_support import CLUSTER, RETENTION, WRITER, TestDatabase, an_event, eventually, utc_now

from unit.policies import a_policy, any_policy
from workflow_audit.domain.policies import KnownPolicies
from workflow_audit.errors import (
    DatabaseUnavailableError,
    PoliciesUnknownError,
    RetentionError,
)
from workflow_audit.models.policy import AnyPolicy, PolicyKey
from workflow_audit.models.removal import Preview, Previews, RunResult
from workflow_audit.services import retention
from workflow_audit.services.holding import HoldMirror
from workflow_audit.services.retention import RetentionRun
from workflow_audit.store.holds import HoldStore
from workflow_audit.store.pool import Database
from workflow_audit.store.retention import RetentionStore
from workflow_audit.store.writer import EventWriter

pytestmark = pytest.mark.database

RUN = UUID("0a9c1c1e-1111-4222-8333-944455566677")


def keeps(days: int, name: str = "default", namespace: str | None = None, **more: Any) -> AnyPolicy:
    return any_policy(name, {"retention": {"days": days, **more}}, namespace=namespace)


DEFAULT = keeps(30)


class Policies:
    """What the API server says; tests change it."""

    def __init__(self, *policies: AnyPolicy) -> None:
        self.known = KnownPolicies(policies, {"payments": {}, "billing": {}})
        self.asked: Callable[[], None] = lambda: None

    def __call__(self) -> KnownPolicies:
        self.asked()
        return self.known

    def become(self, *policies: AnyPolicy) -> None:
        self.known = replace(self.known, policies=policies)


def a_run(
    pool: Database,
    policies: Policies,
    *,
    clock: Callable[[], datetime] = utc_now,
    batch_rows: int = 5000,
    cluster: UUID = CLUSTER,
) -> RetentionRun:
    return RetentionRun(
        store=RetentionStore(pool, str(cluster)),
        policies=policies,
        mirror_holds=HoldMirror(policies, HoldStore(pool, str(cluster))).mirror,
        clock=clock,
        batch_rows=batch_rows,
        pause_seconds=0,
    )


async def ran(database: TestDatabase, *policies: AnyPolicy, **options: Any) -> RunResult:
    async with database.pool(RETENTION) as pool:
        result = await a_run(pool, Policies(*policies), **options).run(uuid4(), lambda _: True)
    assert result is not None
    assert result.last is not None
    return result.last


async def counted(database: TestDatabase) -> Previews:
    """What was counted last, as any operator reads it."""
    async with database.pool(RETENTION) as pool:
        previews = (await RetentionStore(pool, str(CLUSTER)).runs()).previews
    assert previews is not None
    return previews


def numbers(database: TestDatabase) -> list[str]:
    found = database.rows("SELECT correlation_id FROM audit_events ORDER BY 1")
    return [name.removeprefix("rr-2026-0000") for (name,) in found]


async def test_whole_partitions_go_first_then_single_events(database: TestDatabase) -> None:
    record(database, [old_event(n, 400) for n in range(10)])
    record(database, [old_event(n, 200) for n in range(10, 14)])
    record(database, [old_event(14, 200, retention_days=2555)])
    record(database, [an_event(15)])
    result = await ran(database, DEFAULT)
    assert numbers(database) == ["14", "15"]
    assert result.removed == {DEFAULT.key: 14}
    assert trace(database, "operation", "removed_rows", "policy", "policy_generation") == [
        ("drop_partition", 10, "ClusterAuditPolicy/default", 1),
        ("remove_events", 4, "ClusterAuditPolicy/default", 1),
        ("finish_run", 14, None, None),
    ]
    assert f"audit_events_{days_ago(400):%Y_%m}" not in partitions(database)
    assert len(set(trace(database, "run_id"))) == 1


async def test_a_second_run_finds_nothing_to_do(database: TestDatabase) -> None:
    record(database, [old_event(n, 200) for n in range(4)])
    await ran(database, DEFAULT)
    assert (await ran(database, DEFAULT)).removed == {DEFAULT.key: 0}
    assert Counter(trace(database, "operation")) == {("drop_partition",): 1, ("finish_run",): 2}


async def test_each_event_goes_by_its_own_policy_and_namespace(database: TestDatabase) -> None:
    def of(number: int, policy: str, namespace: str = "payments") -> Any:
        return old_event(number, 60, event_metadata={"policy": policy}, namespace=namespace)

    strict = keeps(50, "strict", "payments")
    long = keeps(365, "long", "payments")
    everywhere = keeps(90)
    record(
        database,
        [
            of(1, "AuditPolicy/strict"),
            of(2, "AuditPolicy/long"),
            of(3, "ClusterAuditPolicy/default"),
            of(4, "AuditPolicy/strict", "billing"),  # there is none of this name in billing
            of(5, "AuditPolicy/gone"),  # falls to the first of its namespace's own: long
        ],
    )
    result = await ran(database, strict, long, everywhere)
    assert numbers(database) == ["02", "03", "04", "05"]
    assert result.removed == {strict.key: 1, long.key: 0, everywhere.key: 0}


async def test_events_of_a_namespace_that_is_gone_fall_to_the_cluster_policy(
    database: TestDatabase,
) -> None:
    old = {"event_metadata": {"policy": "AuditPolicy/own"}, "namespace": "torn-down"}
    record(database, [old_event(1, 60, **old), old_event(2, 20, retention_days=10, **old)])
    result = await ran(database, DEFAULT)
    assert numbers(database) == ["02"]
    assert result.removed == {DEFAULT.key: 1}


async def test_without_any_policy_events_are_kept_for_seven_years(database: TestDatabase) -> None:
    record(database, [old_event(1, 2000), old_event(2, 2556)])
    await ran(database)
    assert numbers(database) == ["01"]


async def test_a_longer_time_holds_for_old_events_a_shorter_one_does_not(
    database: TestDatabase,
) -> None:
    record(database, [old_event(1, 100, retention_days=30), old_event(2, 100, retention_days=365)])
    await ran(database, keeps(200))
    assert numbers(database) == ["01", "02"]
    await ran(database, keeps(1))
    assert numbers(database) == ["02"]


async def test_a_dry_run_counts_and_touches_nothing(database: TestDatabase) -> None:
    dry = keeps(30, "dry", "payments", dryRun=True, legalHolds=[HELD])
    mine = {"event_metadata": {"policy": "AuditPolicy/dry"}}
    record(database, [old_event(n, 400, **mine) for n in range(3)])
    record(database, [old_event(n, 200, **mine) for n in range(3, 5)])
    record(database, [old_event(5, 200, correlation_id="held", **mine)])
    record(database, [old_event(6, 200, retention_days=2555, **mine)])
    record(database, [old_event(7, 200, namespace="billing")])
    result = await ran(database, dry, DEFAULT)
    assert len(numbers(database)) == 7
    assert result.removed == {dry.key: 0, DEFAULT.key: 1}
    preview = (await counted(database)).by_policy[dry.key]
    assert preview == Preview(1, 5, preview.size_bytes, days_ago(400), 1)
    assert 5 * 300 < preview.size_bytes < 5 * 3000


async def test_a_preview_counts_without_a_run(database: TestDatabase) -> None:
    dry = keeps(30, "dry", "payments", dryRun=True, legalHolds=[HELD])
    mine = {"event_metadata": {"policy": "AuditPolicy/dry"}}
    record(database, [old_event(n, 400, **mine) for n in range(3)])
    record(database, [old_event(3, 400, correlation_id="held", **mine), old_event(4, 200)])
    async with database.pool(RETENTION) as pool:
        run = a_run(pool, Policies(dry, DEFAULT))
        runs = await run.preview(lambda _: True)
    assert runs is not None
    assert runs.last is None
    assert runs.previews == await counted(database)
    assert list(runs.previews.by_policy) == [dry.key]
    assert runs.previews.by_policy[dry.key].held == 1
    assert len(numbers(database)) == 5
    operations = trace(database, "operation", "reason", "removed_rows")
    assert operations[1:] == [("preview", "counted for dryRun; nothing was touched", 0)]
    assert (await ran(database, dry, DEFAULT)).removed[DEFAULT.key] == 1


HELD = {"name": "case-1", "reason": "asked by the court", "correlationIds": ["held"]}


async def test_holds_are_placed_before_anything_goes_and_released_with_their_policy(
    database: TestDatabase,
) -> None:
    record(database, [old_event(1, 200), old_event(2, 200, correlation_id="held")])
    await ran(database, keeps(30, legalHolds=[HELD]))
    assert numbers(database) == ["held"]
    (placed, *_, finished) = trace(database, "operation", "policy", "reason")
    assert placed == ("place_hold", "ClusterAuditPolicy/default", "asked by the court")
    assert finished[0] == "finish_run"
    await ran(database, keeps(30, "another"))
    assert numbers(database) == []
    assert ("release_hold", "its policy is gone") in trace(database, "operation", "reason")
    assert database.rows("SELECT FROM legal_holds") == []


async def test_the_holds_of_a_policy_that_cannot_be_used_stay(database: TestDatabase) -> None:
    record(database, [old_event(1, 200, correlation_id="held")])
    await ran(database, keeps(30, legalHolds=[HELD]))
    await ran(database, any_policy(spec={"retention": {"days": -1}}), keeps(1, "other"))
    assert numbers(database) == ["held"]


async def test_an_older_generation_neither_changes_nor_releases_a_hold(
    database: TestDatabase,
) -> None:
    """An operator that has not heard of the change yet must not undo it."""

    def generation(number: int, *holds: dict[str, Any]) -> AnyPolicy:
        return a_policy("p", {"retention": {"legalHolds": list(holds)}}, generation=number)

    async with database.pool(RETENTION) as pool:
        policies = Policies(generation(2, HELD))
        mirror = HoldMirror(policies, HoldStore(pool, str(CLUSTER)))
        await mirror.mirror()
        for stale in (generation(1), generation(1, HELD | {"correlationIds": ["other"]})):
            policies.become(stale)
            await mirror.mirror()
            assert database.rows("SELECT correlation_ids FROM legal_holds") == [(["held"],)]
        policies.become(generation(3, HELD | {"correlationIds": ["other"]}))
        await mirror.mirror()
        assert database.rows("SELECT correlation_ids FROM legal_holds") == [(["other"],)]
        policies.become(generation(4))
        await mirror.mirror()
    assert database.rows("SELECT FROM legal_holds") == []
    assert trace(database, "operation", "policy_generation") == [
        ("place_hold", 2),
        ("place_hold", 3),
        ("release_hold", 4),
    ]


async def test_clusters_that_share_a_database_leave_each_other_alone(
    database: TestDatabase,
) -> None:
    other = UUID(int=7)
    record(database, [old_event(1, 200), old_event(2, 200, cluster_id=str(other))])
    await ran(database, keeps(30, legalHolds=[HELD]))
    assert numbers(database) == ["02"]
    result = await ran(database, keeps(30, "theirs"), cluster=other)
    assert list(result.removed.values()) == [1]
    assert len(database.rows("SELECT FROM legal_holds")) == 1


async def test_of_two_runners_one_runs(database: TestDatabase) -> None:
    record(database, [old_event(1, 200)])
    begun, go_on = asyncio.Event(), asyncio.Event()
    policies = Policies(DEFAULT)

    async with database.pool(RETENTION) as first, database.pool(RETENTION) as second:
        slow = a_run(first, policies)

        async def wait() -> None:
            begun.set()
            await go_on.wait()

        running = asyncio.create_task(replace(slow, mirror_holds=wait).run(RUN, lambda _: True))
        await begun.wait()
        assert await a_run(second, policies).run(uuid4(), lambda _: True) is None
        go_on.set()
        result = await running
        assert result
        assert result.last
        later = await a_run(second, policies).run(uuid4(), lambda runs: runs.last is None)
        assert later
        assert later.last == result.last, "who comes later takes what the other one has done"
    assert Counter(trace(database, "operation")) == {("drop_partition",): 1, ("finish_run",): 1}


async def test_a_run_whose_connection_dies_goes_on_where_it_ended(database: TestDatabase) -> None:
    record(database, [old_event(n, 200) for n in range(10)])
    record(database, [old_event(99, 200, retention_days=2555)])
    policies = Policies(DEFAULT)
    async with database.pool(RETENTION) as pool:
        run = a_run(pool, policies, batch_rows=3)
        policies.asked = lambda: kill_retention(database) if len(numbers(database)) == 5 else None
        with pytest.raises(DatabaseUnavailableError):
            await run.run(RUN, lambda _: True)
        assert len(numbers(database)) == 5, "six of ten went, in two transactions"
        assert trace(database, "operation", "removed_rows") == [("remove_events", 3)] * 2
        policies.asked = lambda: None
        result = await again(run)
    assert result.removed == {DEFAULT.key: 10}, "the attempt before counts too"
    assert numbers(database) == ["99"]
    *removals, end = trace(database, "operation", "removed_rows")[2:]
    assert {operation for operation, _ in removals} == {"remove_events"}
    assert sum(rows for _, rows in removals) == 4
    assert end == ("finish_run", 10)


async def again(run: RetentionRun) -> RunResult:
    """Try until the pool has thrown all dead connections away."""
    for _ in range(5):
        with contextlib.suppress(DatabaseUnavailableError):
            result = await run.run(RUN, lambda _: True)
            assert result
            assert result.last
            return result.last
    raise AssertionError("the database stays away")


def kill_retention(database: TestDatabase) -> None:
    database.rows(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE usename = %s AND datname = %s",
        RETENTION,
        database.name,
    )


async def test_a_run_that_is_cancelled_gives_the_lock_back(database: TestDatabase) -> None:
    policies = Policies(DEFAULT)
    begun = asyncio.Event()

    async def wait() -> None:
        begun.set()
        await asyncio.Event().wait()

    async with database.pool(RETENTION) as pool:
        running = asyncio.create_task(
            replace(a_run(pool, policies), mirror_holds=wait).run(RUN, lambda _: True)
        )
        await begun.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await eventually(lambda: not database.rows(HELD_LOCKS))
        assert await a_run(pool, policies).run(RUN, lambda _: True)


HELD_LOCKS = "SELECT FROM pg_locks WHERE locktype = 'advisory'"


@pytest.mark.parametrize("minutes", [-11, 11])
async def test_nothing_goes_while_a_clock_is_wrong(database: TestDatabase, minutes: int) -> None:
    record(database, [old_event(1, 200)])
    wrong = lambda: utc_now() + timedelta(minutes=minutes)  # noqa: E731
    with pytest.raises(RetentionError, match=r"nothing is removed: it is .* by the operator's"):
        await ran(database, DEFAULT, clock=wrong)
    assert numbers(database) == ["01"]
    assert trace(database, "operation") == []
    await ran(database, DEFAULT, clock=lambda: utc_now() + timedelta(minutes=minutes * 0.8))
    assert numbers(database) == []


async def test_nothing_goes_while_policies_are_not_known(database: TestDatabase) -> None:
    record(database, [old_event(n, 200) for n in range(10)])
    record(database, [old_event(99, 200, retention_days=2555)])
    policies = Policies(DEFAULT)

    def become_unknown() -> None:
        if len(numbers(database)) <= 8:
            raise PoliciesUnknownError("the API server does not answer")

    policies.asked = become_unknown
    async with database.pool(RETENTION) as pool:
        with pytest.raises(PoliciesUnknownError):
            await a_run(pool, policies, batch_rows=3).run(RUN, lambda _: True)
    assert len(numbers(database)) == 8, "one batch went before it became unknown"


async def test_a_policy_that_changes_during_a_run_counts_from_the_next_batch_on(
    database: TestDatabase,
) -> None:
    record(database, [old_event(n, 200) for n in range(10)])
    record(database, [old_event(99, 200, retention_days=2555)])
    policies = Policies(DEFAULT)
    policies.asked = lambda: policies.become(DEFAULT if len(numbers(database)) > 8 else keeps(365))
    async with database.pool(RETENTION) as pool:
        await a_run(pool, policies, batch_rows=3).run(RUN, lambda _: True)
    assert len(numbers(database)) == 8


async def test_a_partition_in_use_is_tried_again_then_left_and_said(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "IN_USE_PAUSES_SECONDS", (0.01, 0.01))
    record(database, [old_event(1, 400), old_event(2, 200)])
    record(database, [old_event(3, 200, retention_days=2555)])
    with database.connected() as reading:
        reading.execute("BEGIN; SELECT FROM audit_events WHERE event_date < current_date - 300")
        with pytest.raises(RetentionError, match=f"{days_ago(400):%Y-%m}"):
            await ran(database, DEFAULT)
    assert "02" not in numbers(database), "the rest is done nevertheless"
    await ran(database, DEFAULT)
    assert numbers(database) == ["03"]


async def test_recording_goes_on_while_a_partition_waits_to_be_dropped(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "IN_USE_PAUSES_SECONDS", (0.01,) * 5)
    record(database, [old_event(1, 400)])
    with database.connected() as reading:
        reading.execute("BEGIN; SELECT FROM audit_events")
        async with database.pool(WRITER) as pool, EventWriter(pool) as writer:
            running = asyncio.create_task(ran(database, DEFAULT))
            number = 100
            while not running.done():
                await writer.write(an_event(number), timeout_seconds=5)
                number += 1
    assert number > 101
    with pytest.raises(RetentionError):
        await running
    assert len(database.event_ids()) == 1 + number - 100


async def test_the_namespaces_of_a_month_are_found(database: TestDatabase) -> None:
    names = ["a", "b", "b", "payments", "zz", None]
    record(database, [old_event(n, 200, namespace=name) for n, name in enumerate(names)])
    record(database, [old_event(99, 100, namespace="of-another-month")])
    async with (
        database.pool(RETENTION) as pool,
        RetentionStore(pool, str(CLUSTER)).exclusive() as session,
    ):
        assert session
        found = {part: await session.namespaces(part) for part in await session.partitions()}
    by_month = {part.first_day: sorted(names) for part, names in found.items()}
    assert by_month[days_ago(200).date().replace(day=1)] == ["", "a", "b", "payments", "zz"]
    assert by_month[NOW.date().replace(day=1)] == []


async def test_a_partition_that_is_no_month_is_left_to_its_owner(database: TestDatabase) -> None:
    with database.connected() as admin:
        admin.execute(
            "CREATE TABLE years PARTITION OF audit_events FOR VALUES FROM (MINVALUE) "
            "TO ('2019-06-01')"
        )
        admin.execute(
            "CREATE TABLE half PARTITION OF audit_events FOR VALUES FROM ('2019-06-01') "
            "TO ('2019-06-15')"
        )
    await ran(database, keeps(1))
    assert {"years", "half"} <= set(partitions(database))


async def test_what_a_run_did_is_read_back_by_every_operator(database: TestDatabase) -> None:
    dry = keeps(30, "dry", "payments", dryRun=True)
    record(database, [old_event(1, 200, event_metadata={"policy": "AuditPolicy/dry"})])
    result = await ran(database, dry, DEFAULT)
    async with database.pool(RETENTION) as pool:
        runs = await RetentionStore(pool, str(CLUSTER)).runs()
        assert runs.last == result
        assert runs.previews
        assert PolicyKey("AuditPolicy", "payments", "dry") in runs.previews.by_policy
        assert timedelta() <= runs.now - result.finished_at < timedelta(minutes=1)
        other = await RetentionStore(pool, "another").runs()
        assert (other.last, other.previews) == (None, None)


async def test_a_login_of_another_role_is_told_what_it_lacks(database: TestDatabase) -> None:
    async with database.pool(WRITER) as pool:
        with pytest.raises(DatabaseUnavailableError, match=r"grant the login the role it needs"):
            await a_run(pool, Policies(DEFAULT)).run(RUN, lambda _: True)


async def test_a_database_that_is_away_is_said_as_such(database: TestDatabase) -> None:
    await asyncio.to_thread(database.server.stop, "fast")
    async with database.pool(RETENTION, acquire_seconds=0.3) as pool:
        with pytest.raises(DatabaseUnavailableError, match="connection refused"):
            await a_run(pool, Policies(DEFAULT)).run(RUN, lambda _: True)
    await asyncio.to_thread(database.server.start)
    with database.connected(RETENTION) as connection:
        assert isinstance(connection, psycopg.Connection)
