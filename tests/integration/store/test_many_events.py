"""Many events are written at once: each for itself, none waits for room, no key names two."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from store_support import Remembering, TestDatabase, an_event, some_events, utc_now

from workflow_audit.errors import (
    DatabaseUnavailableError,
    EventConflictError,
    EventRefusedError,
    QueueFullError,
)
from workflow_audit.models.event import AuditEvent, Written
from workflow_audit.store.dates import stored_dates
from workflow_audit.store.writer import EventWriter, WriterOptions

pytestmark = pytest.mark.database


async def test_each_is_answered_in_its_place(database: TestDatabase) -> None:
    observer = Remembering()
    async with database.pool() as pool, EventWriter(pool, observer=observer) as writer:
        await writer.write(an_event(2))
        events = [
            an_event(1),
            an_event(2),
            an_event(3, event_data={"n": 2**80}),
            an_event(4, correlation_id="x" * 256),
            an_event(1),
            an_event(1, resource_name="another"),
        ]
        found = await writer.write_many(events)
        found += await writer.write_many([an_event(2, resource_name="another")])
    kinds = [type(each) if isinstance(each, Exception) else each.replayed for each in found]
    assert kinds == [
        False, True, EventRefusedError, EventRefusedError, True, EventConflictError,
        EventConflictError,
    ]  # fmt: skip
    assert "resource_name 'rr-1-x7k2p' and 'another'" in str(found[5])
    assert "resource_name 'another' and 'rr-2-x7k2p'" in str(found[6])
    assert len(database.event_ids()) == 2


async def test_more_than_a_batch_is_written(database: TestDatabase) -> None:
    options = WriterOptions(batch_rows=100, queue_rows=1000)
    async with database.pool() as pool, EventWriter(pool, options) as writer:
        found = await writer.write_many(some_events(1000))
        assert await writer.write_many([]) == []
    assert all(isinstance(each, Written) and not each.replayed for each in found)
    assert len(database.event_ids()) == 1000


async def test_no_task_is_made_for_an_event(database: TestDatabase) -> None:
    async with database.pool() as pool, EventWriter(pool) as writer:
        before = len(asyncio.all_tasks())
        writing = asyncio.create_task(writer.write_many(some_events(500)))
        await asyncio.sleep(0)
        assert writer.waiting == 500
        assert len(asyncio.all_tasks()) < before + 10  # its own, and some of the pool
        await writing


async def test_what_finds_no_room_is_told_so_at_once(database: TestDatabase) -> None:
    options = WriterOptions(queue_rows=10)
    events = some_events(12)
    async with database.pool() as pool, EventWriter(pool, options) as writer:
        writer.insist_on_room(10)
        with pytest.raises(
            QueueFullError, match="0 events wait for PostgreSQL, and there is room for 10 more"
        ):
            writer.insist_on_room(11)
        found = await writer.write_many([*events, events[0]])
        assert [type(each) for each in found] == [Written] * 10 + [QueueFullError] * 2 + [Written]
        assert await writer.write_many(events[10:])
    assert len(database.event_ids()) == 12


async def test_while_the_database_is_away_it_is_said_in_time_and_nothing_is_lost(
    database: TestDatabase,
) -> None:
    options, events = WriterOptions(queue_rows=20), some_events(20)
    async with database.pool() as pool, EventWriter(pool, options) as writer:
        database.server.stop("immediate")
        try:
            found = await writer.write_many(events, timeout_seconds=0.3)
            assert {type(each) for each in found} == {DatabaseUnavailableError}
            assert "not recorded within 0.3 s" in str(found[0])
            with pytest.raises(QueueFullError, match="20 events wait"):
                writer.insist_on_room(1)
        finally:
            database.server.start()
        again = await writer.write_many(events, timeout_seconds=60)
    assert all(isinstance(each, Written) and each.replayed for each in again)
    assert len(database.event_ids()) == 20


async def test_a_writer_that_closes_answers_all(database: TestDatabase) -> None:
    async with database.pool() as pool:
        writer = EventWriter(pool)
        writing = asyncio.create_task(writer.write_many(some_events(5)))
        await asyncio.sleep(0)
        await writer.close(timeout_seconds=0.1)
        assert {type(each) for each in await writing} == {DatabaseUnavailableError}
        late = await writer.write_many(some_events(2))
    assert {type(each) for each in late} == {DatabaseUnavailableError}


def on_day(event: AuditEvent, days: int) -> AuditEvent:
    at = event.event_timestamp - timedelta(days=days)
    return replace(event, event_timestamp=at, event_date=at.date())


async def test_the_dates_of_an_id_are_found(database: TestDatabase) -> None:
    now, events = utc_now(), [an_event(1), an_event(2), an_event(3)]
    written = [events[0], on_day(events[0], 3), on_day(events[1], 31), events[2]]
    async with database.pool() as pool, EventWriter(pool) as writer:
        assert all(isinstance(each, Written) for each in await writer.write_many(written))
        ids = [each.event_id for each in events[:2]]
        first, last = (now - timedelta(days=30)).date(), (now + timedelta(days=1)).date()
        found = await stored_dates(pool, ids, first, last)
    assert sorted(found) == sorted((each.event_id, each.event_date) for each in written[:2])


async def test_conflicts_of_one_batch_are_one_line_in_the_log(
    database: TestDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    events = some_events(20)
    async with database.pool() as pool, EventWriter(pool) as writer:
        await writer.write_many(events)
        others = [replace(event, resource_name="another") for event in events]
        found = await writer.write_many(others)
    assert {type(each) for each in found} == {EventConflictError}
    (line,) = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert "and 19 others failed" in line
