"""Readers get exactly the events that they ask for, page by page, and watches miss nothing."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reader_support import ALL, all_pages, numbers, record_five, written
from retention_support import days_ago, record
from store_support import READER, WRITER, TestDatabase, an_event, eventually, some_events, utc_now

from workflow_audit.errors import DatabaseUnavailableError
from workflow_audit.models.query import Condition, EventQuery, Page, StoredEvent
from workflow_audit.store.reader import EventReader
from workflow_audit.store.writer import EventWriter

pytestmark = pytest.mark.database

WINNER = "pod-oom-gitops"


async def test_what_was_written_is_read(database: TestDatabase) -> None:
    event = an_event(1, at=utc_now().replace(microsecond=123456))
    await written(database, event)
    async with database.pool(READER) as pool:
        (found,) = (await EventReader(pool, utc_now).page(ALL, 10)).events
    for name in ("event_id", "event_timestamp", "event_date", "correlation_id", "top_confidence"):
        assert found.columns[name] == getattr(event, name)
    assert b'"OOMKilled critical"' in found.event_data
    assert found.event_metadata == b'{"policy": "ClusterAuditPolicy/default"}'
    assert found.position > 0


async def test_pages_are_without_gap_and_repetition_whatever_is_written_meanwhile(
    database: TestDatabase,
) -> None:
    same_second = utc_now().replace(hour=3, minute=0, second=0)
    await written(database, *some_events(20), *(an_event(n, at=same_second) for n in range(50, 60)))
    async with database.pool(READER) as pool:
        reader = EventReader(pool, utc_now)
        found: list[StoredEvent] = []
        page = Page((), has_more=True, position=0)
        first = await reader.page(ALL, 7)
        page = first
        while True:
            found += page.events
            if not page.has_more:
                break
            await written(database, an_event(1000 + len(found), at=same_second))
            page = await reader.page(ALL, 7, page.events[-1].place, page.position)
        assert sorted(numbers(found)) == [*range(20), *range(50, 60)]
        places = [(e.columns["event_timestamp"], e.columns["event_id"]) for e in found]
        assert places == sorted(places, reverse=True)
        since = await reader.recorded_between(ALL, first.position, 10**9, 100, None)
        assert numbers(since) == [1007, 1014, 1021, 1028], "what a watch then gives"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (EventQuery("payments"), [1, 2, 3]),
        (EventQuery("billing"), [4]),
        (EventQuery("nowhere"), []),
        (EventQuery(conditions=(Condition("correlation_id", "in", ("rr-2026-000002",)),)), [2]),
        (EventQuery(conditions=(Condition("event_outcome", "not-in", ("success",)),)), [3]),
        (EventQuery(conditions=(Condition("top_workflow_id", "missing"),)), [3]),
        (EventQuery(conditions=(Condition("top_workflow_id", "exists"),)), [1, 2, 4]),
        (EventQuery(conditions=(Condition("top_workflow_id", "not-in", (WINNER,)),)), [2, 3]),
        (EventQuery(conditions=(Condition("top_workflow_id", "in", ("other", "none")),)), [2]),
        (EventQuery(conditions=(Condition("event_id", "in", (an_event(4).event_id,)),)), [4]),
        (EventQuery(conditions=(Condition("event_id", "in", (uuid4(),)),)), []),
        (EventQuery(conditions=(Condition("event_date", "in", (days_ago(40).date(),)),)), [2]),
        (EventQuery(since=days_ago(41)), [1, 2, 3, 4]),
        (EventQuery(since=days_ago(1) + timedelta(microseconds=1), until=days_ago(0.5)), []),
        (EventQuery(until=days_ago(39)), [2]),
    ],
    ids=str,
)  # fmt: skip
async def test_queries(shared_events: TestDatabase, query: EventQuery, expected: list[int]) -> None:
    async with shared_events.pool(READER) as pool:
        page = await EventReader(pool, utc_now).page(query, 10)
    assert sorted(numbers(page.events)) == expected


@pytest.fixture
def shared_events(database: TestDatabase) -> TestDatabase:
    record_five(database)
    return database


async def test_events_from_before_positions_were_kept_are_listed_and_not_watched(
    database: TestDatabase,
) -> None:
    with database.connected() as admin:
        admin.execute("ALTER TABLE audit_events ALTER COLUMN position DROP DEFAULT")
    record(database, [an_event(1)])
    with database.connected() as admin:
        admin.execute(
            "ALTER TABLE audit_events ALTER COLUMN position"
            " SET DEFAULT nextval('public.audit_positions')"
        )
    await written(database, an_event(2))
    async with database.pool(READER) as pool:
        reader = EventReader(pool, utc_now)
        assert sorted(numbers(await all_pages(reader, ALL, 1))) == [1, 2]
        assert numbers(await reader.recorded_between(ALL, 0, 10**9, 10, None)) == [2]


async def test_a_list_of_nothing_leads_to_what_comes_next_also_after_a_removal(
    database: TestDatabase,
) -> None:
    async with database.pool(READER) as pool:
        reader = EventReader(pool, utc_now)
        empty = await reader.page(ALL, 10)
        await written(database, an_event(1), an_event(2))
        told = await reader.recorded_between(ALL, empty.position, 10**9, 10, None)
        assert sorted(numbers(told)) == [1, 2]
        before = await reader.page(ALL, 10)
        remove_all(database)
        emptied = await reader.page(ALL, 10)
        assert emptied.events == []
        await written(database, an_event(3))
        for listed in (before, emptied):
            told = await reader.recorded_between(ALL, listed.position, 10**9, 10, None)
            assert numbers(told) == [3], "neither a gap nor a repetition"
            assert told[0].position > before.position, "no number is given twice"


def remove_all(database: TestDatabase) -> None:
    """As retention does with whole months, which here would be too young for it."""
    (partition,) = database.rows(PARTITIONS)[0]
    with database.connected() as admin:
        admin.execute(f"DROP TABLE {partition}".encode())
        admin.execute("SELECT audit_ensure_partition(current_date)")


PARTITIONS = (
    "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_events'::regclass"
)


async def test_no_position_becomes_visible_behind_a_later_one(database: TestDatabase) -> None:
    """Who took an earlier number and commits later holds everybody else up until then."""
    await written(database, an_event(0))
    with database.connected(WRITER) as slow:
        slow.execute("BEGIN")
        slow.execute(
            "INSERT INTO audit_events (event_id, event_timestamp, event_date, event_type,"
            " event_category, event_action, event_outcome, actor_type, actor_id, resource_type,"
            " resource_id, correlation_id, namespace, event_data) VALUES (gen_random_uuid(), now(),"
            " (now() AT TIME ZONE 'UTC')::date, 't', 'c', 'a', 'success', 's', 'i', 'r', 'x',"
            " 'rr-2026-000001', 'payments', '{}')"
        )
        second = asyncio.create_task(written(database, an_event(2)))
        await eventually(lambda: database.rows(WAITING))
        async with database.pool(READER) as pool:
            reader = EventReader(pool, utc_now)
            before = await reader.page(ALL, 10)
            assert numbers(before.events) == [0]
            slow.execute("COMMIT")
            await second
            after = await reader.recorded_between(ALL, before.position, 10**9, 10, None)
    assert numbers(after) == [1, 2]


WAITING = "SELECT FROM pg_locks WHERE relation = 'audit_turn'::regclass AND NOT granted"


async def test_a_watch_beside_many_writers_misses_nothing_and_repeats_nothing(
    database: TestDatabase,
) -> None:
    async def write(first: int) -> None:
        async with database.pool(WRITER) as pool, EventWriter(pool) as writer:
            for number in range(first, first + 150):
                await writer.write(an_event(number), timeout_seconds=20)

    seen: list[int] = []
    async with database.pool(READER) as pool:
        reader = EventReader(pool, utc_now)
        position = await reader.newest_position()
        writing = [asyncio.create_task(write(1000 * n)) for n in range(4)]
        while not all(task.done() for task in writing) or await reader.recorded_since(position):
            recorded = await reader.recorded_since(position)
            if recorded is None:
                await asyncio.sleep(0.002)
                continue
            events = await reader.recorded_between(
                ALL, position, recorded.position, 10**4, recorded.since
            )
            seen += numbers(events)
            position = recorded.position
        await asyncio.gather(*writing)
    assert len(seen) == len(set(seen)) == 600


async def test_a_reader_can_neither_change_anything_nor_hold_up_writers(
    database: TestDatabase,
) -> None:
    for statement in (
        "BEGIN; LOCK TABLE audit_turn IN ACCESS SHARE MODE",
        "SELECT nextval('audit_positions')",
        "DELETE FROM audit_events",
    ):
        with (
            database.connected(READER) as reading,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            reading.execute(statement.encode())


async def test_a_database_that_is_away_is_no_empty_page(database: TestDatabase) -> None:
    await asyncio.to_thread(database.server.stop, "fast")
    async with database.pool(READER, acquire_seconds=0.3) as pool:
        with pytest.raises(DatabaseUnavailableError):
            await EventReader(pool, utc_now).page(ALL, 10)


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=30)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    value=TEXTS | st.sampled_from(["' OR 1=1 --", "'; DROP TABLE audit_events; --", "%s", "{x}"])
)
async def test_no_value_is_ever_sql(shared_events: TestDatabase, value: str) -> None:
    query = EventQuery(value, (Condition("correlation_id", "in", (value, "x")),))
    async with shared_events.pool(READER) as pool:
        assert (await EventReader(pool, utc_now).page(query, 10)).events == []
        async with EventReader(pool, utc_now).snapshot() as now:
            assert await now.count(query, 10) == 0
