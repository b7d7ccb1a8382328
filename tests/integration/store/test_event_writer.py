"""The writer on a real server: one row per event, a future per caller, neighbours apart."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from store_support import (
    READER,
    Remembering,
    TestDatabase,
    an_event,
    eventually,
    some_events,
    utc_now,
)

from workflow_audit.errors import DatabaseUnavailableError, EventRefusedError
from workflow_audit.models.event import Written
from workflow_audit.store import batches
from workflow_audit.store.rows import COLUMNS
from workflow_audit.store.sql import QUERIES
from workflow_audit.store.writer import EventWriter, WriterOptions

pytestmark = pytest.mark.database


@asynccontextmanager
async def a_writer(
    database: TestDatabase,
    observer: Remembering | None = None,
    login: str | None = None,
    **options: Any,
) -> AsyncIterator[EventWriter]:
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(database.pool(login) if login else database.pool())
        yield await stack.enter_async_context(EventWriter(pool, WriterOptions(**options), observer))


async def outcomes(writer: EventWriter, events: list[Any]) -> list[Written | BaseException]:
    return await asyncio.gather(*map(writer.write, events), return_exceptions=True)


async def test_every_column_comes_back_as_it_was_given(database: TestDatabase) -> None:
    at = datetime(utc_now().year, utc_now().month, 3, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    event = an_event(
        1,
        at=at,
        event_data={"query": {"text": "ä 😀 \\ \" ' {}, NULL\n\t"}, "n": 0.1, "deep": [[1], None]},
        error_message="",
        namespace="x" * 253,
        duration_ms=2**31 - 1,
        is_sensitive=True,
    )
    async with a_writer(database) as writer:
        written = await writer.write(event)
    assert not written.replayed
    assert written.recorded_at.utcoffset() == timedelta(0)
    ((*stored, recorded_at),) = database.rows(
        f"SELECT {', '.join(COLUMNS)}, recorded_at FROM audit_events"
    )
    assert dict(zip(COLUMNS, stored, strict=True)) == {n: getattr(event, n) for n in COLUMNS}
    assert recorded_at == written.recorded_at
    assert event.event_date.day == 2, "the UTC date is another one than the local date"


async def test_columns_that_are_empty_in_a_whole_batch_are_null(database: TestDatabase) -> None:
    event = an_event(
        1, duration_ms=None, top_workflow_id=None, top_confidence=None, error_code=None
    )
    async with a_writer(database) as writer:
        await writer.write(event)
    assert database.rows(
        "SELECT duration_ms, top_workflow_id, top_confidence FROM audit_events"
    ) == [(None, None, None)]


async def test_scores_come_back_exactly(database: TestDatabase) -> None:
    scores = [number / 10_000 for number in range(0, 10_001, 50)]
    async with a_writer(database) as writer:
        await outcomes(writer, [an_event(i, top_confidence=s) for i, s in enumerate(scores)])
    assert sorted(s for (s,) in database.rows("SELECT top_confidence FROM audit_events")) == scores


async def test_one_statement_serves_every_batch_size_and_mix_of_types(
    database: TestDatabase,
) -> None:
    async with database.pool(max_size=1) as pool, EventWriter(pool) as writer:
        for number, duration in enumerate([None, 1, 100_000, None]):
            await writer.write(an_event(number, duration_ms=duration))
        await outcomes(writer, some_events(50, first=100))
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'INSERT%'"
            )
            assert await cursor.fetchone() == (1,)


async def test_write_returns_after_commit(database: TestDatabase) -> None:
    async with a_writer(database) as writer:
        for event in some_events(20):
            await writer.write(event)
            assert event.event_id in database.event_ids()


async def test_a_replay_is_a_success_with_the_time_of_the_first_write(
    database: TestDatabase,
) -> None:
    observer = Remembering()
    async with a_writer(database, observer) as writer:
        first = await writer.write(an_event(1))
        second = await writer.write(an_event(1))
    assert (first.replayed, second.replayed) == (False, True)
    assert second.recorded_at == first.recorded_at
    assert observer.batches == [(1, 0), (0, 1)]
    assert observer.failures == []
    assert len(database.event_ids()) == 1


async def test_the_same_event_at_the_same_time_is_one_row_and_two_answers(
    database: TestDatabase,
) -> None:
    async with a_writer(database) as writer:
        answers = await outcomes(writer, [an_event(1), an_event(1), an_event(2)])
    assert [answer.replayed for answer in answers] == [False, True, False]
    assert answers[0].recorded_at == answers[1].recorded_at
    assert len(database.event_ids()) == 2


async def test_a_replay_with_another_content_is_refused_loudly(
    database: TestDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    observer = Remembering()
    async with a_writer(database, observer) as writer:
        await writer.write(an_event(1))
        with pytest.raises(
            EventRefusedError,
            match="names two events: correlation_id 'rr-other' and 'rr-2026-000001'",
        ):
            await writer.write(an_event(1, correlation_id="rr-other"))
    assert observer.failures == ["validation"]
    assert "names two events" in caplog.text


async def test_the_same_key_with_another_content_at_the_same_time_is_refused(
    database: TestDatabase,
) -> None:
    async with a_writer(database) as writer:
        answers = await outcomes(writer, [an_event(1), an_event(1, resource_id="another")])
    assert isinstance(answers[0], Written)
    assert isinstance(answers[1], EventRefusedError)


BAD = {
    "too-long-for-its-column": {"correlation_id": "x" * 256},
    "outcome-that-does-not-exist": {"event_outcome": "perhaps"},
    "date-of-another-day": {
        "event_date": date(2026, 1, 1),
        "event_timestamp": datetime(2026, 1, 2, tzinfo=UTC),
    },
    "required-value-missing": {"actor_id": None},
    "retention-beyond-the-bound": {"retention_days": 2556},
    "NUL-in-text": {"error_message": "a\x00b"},
    "NUL-in-json": {"event_data": {"text": "a\x00b"}},
    "lone-surrogate-in-text": {"error_message": "a\ud800b"},
    "lone-surrogate-in-json": {"event_data": {"text": "a\ud800b"}},
    "duration-beyond-four-bytes": {"duration_ms": 2**31},
    "number-beyond-64-bits": {"event_data": {"n": 2**70}},
    "json-that-is-no-object": {"event_data": [1]},
    "value-too-long-for-an-index": {"event_type": "workflow", "top_workflow_id": "y" * 300},
    "before-any-partition": {
        "event_date": date(2019, 12, 31),
        "event_timestamp": datetime(2019, 12, 31, tzinfo=UTC),
    },
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
async def test_one_bad_row_in_200_fails_alone(
    database: TestDatabase, changes: dict[str, Any]
) -> None:
    events = some_events(200)
    events[123] = replace(events[123], **changes)
    observer = Remembering()
    async with a_writer(database, observer) as writer:
        answers = await outcomes(writer, events)
    refused = [i for i, answer in enumerate(answers) if not isinstance(answer, Written)]
    assert refused == [123]
    assert isinstance(answers[123], EventRefusedError)
    assert "\n" not in str(answers[123])
    assert len(str(answers[123])) < 500
    assert "Failing row" not in str(answers[123])
    assert set(database.event_ids()) == {e.event_id for e in events} - {events[123].event_id}
    assert observer.failures == ["validation"]


async def test_a_batch_of_bad_rows_only_is_refused_row_by_row(database: TestDatabase) -> None:
    async with a_writer(database) as writer:
        answers = await outcomes(writer, [an_event(i, event_outcome="?") for i in range(50)])
        assert all(isinstance(answer, EventRefusedError) for answer in answers)
        assert isinstance(await writer.write(an_event(99)), Written)


async def test_a_late_event_makes_its_partition(database: TestDatabase) -> None:
    late = [
        an_event(i, at=datetime(2024, month, 5, tzinfo=UTC)) for i, month in enumerate([2, 2, 7])
    ]
    async with a_writer(database) as writer:
        answers = await outcomes(writer, [*late, *some_events(5, first=10)])
    assert [type(answer) for answer in answers] == [Written] * 8
    names = database.rows("SELECT DISTINCT tableoid::regclass::text FROM audit_events ORDER BY 1")
    assert names[:2] == [("audit_events_2024_02",), ("audit_events_2024_07",)]


async def test_events_out_of_bounds_are_refused_and_the_others_of_the_batch_are_not(
    database: TestDatabase,
) -> None:
    far = utc_now() + timedelta(days=500)
    events = [an_event(1, at=far), an_event(2), an_event(3, at=datetime(2023, 3, 1, tzinfo=UTC))]
    async with a_writer(database) as writer:
        answers = await outcomes(writer, events)
    assert isinstance(answers[0], EventRefusedError)
    assert "out of bounds" in str(answers[0])
    assert [type(answer) for answer in answers[1:]] == [Written, Written]


async def test_an_event_alone_goes_at_once(database: TestDatabase) -> None:
    async with a_writer(database, linger_ms=100) as writer:
        await writer.write(an_event(0))
        started = asyncio.get_running_loop().time()
        for number in range(1, 6):
            await writer.write(an_event(number))
        assert asyncio.get_running_loop().time() - started < 0.4


async def test_events_that_come_together_share_a_commit(database: TestDatabase) -> None:
    observer = Remembering()
    async with a_writer(database, observer, batch_rows=100) as writer:
        await outcomes(writer, some_events(250))
    assert sum(rows for rows, _ in observer.batches) == 250
    assert len(observer.batches) == 3
    assert max(rows for rows, _ in observer.batches) == 100
    assert len(observer.waits) == 250


async def test_a_cancelled_caller_loses_nothing_and_harms_nobody(database: TestDatabase) -> None:
    async with a_writer(database) as writer:
        tasks = [asyncio.create_task(writer.write(event)) for event in some_events(60)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(answer, Written) for answer in answers[1::2])
        assert isinstance(await writer.write(an_event(999)), Written)
        await eventually(lambda: writer.waiting == 0)
    ids = set(database.event_ids())
    assert {event.event_id for event in some_events(60)} <= ids


async def test_the_queue_is_bounded_and_callers_wait_for_room(database: TestDatabase) -> None:
    with database.connected() as blocker:
        blocker.execute("BEGIN; LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        async with a_writer(database, batch_rows=10, queue_rows=25) as writer:
            tasks = [asyncio.create_task(writer.write(event)) for event in some_events(100)]
            await eventually(lambda: writer.waiting >= 25)
            assert writer.waiting == 25
            with pytest.raises(DatabaseUnavailableError, match="not recorded within"):
                await writer.write(an_event(500), timeout_seconds=0.1)
            for task in tasks[90:]:  # these wait for room
                task.cancel()
            await asyncio.sleep(0)
            blocker.execute("ROLLBACK")
            answers = await asyncio.gather(*tasks[:90])
            assert len(answers) == 90
            assert writer.waiting == 0
            assert await writer.write(an_event(500))
    assert len(database.event_ids()) == 91


async def test_a_caller_that_gave_up_and_comes_again_joins_its_waiting_event(
    database: TestDatabase,
) -> None:
    with database.connected() as blocker:
        blocker.execute("BEGIN; LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        async with a_writer(database) as writer:
            for _ in range(5):
                with pytest.raises(DatabaseUnavailableError) as caught:
                    await writer.write(an_event(1), timeout_seconds=0.02)
                assert caught.value.retry_after_seconds > 0
            assert writer.waiting == 1
            blocker.execute("ROLLBACK")
            assert isinstance(await writer.write(an_event(1)), Written)
    assert len(database.event_ids()) == 1


async def test_two_writers_racing_on_the_same_events_agree(database: TestDatabase) -> None:
    events = some_events(600)
    async with a_writer(database, batch_rows=50) as one, a_writer(database, batch_rows=70) as two:
        first, second = await asyncio.gather(outcomes(one, events), outcomes(two, events[::-1]))
    second.reverse()
    assert len(database.event_ids()) == 600
    for mine, theirs in zip(first, second, strict=True):
        assert isinstance(mine, Written)
        assert isinstance(theirs, Written)
        assert mine.recorded_at == theirs.recorded_at
        assert {mine.replayed, theirs.replayed} == {True, False}


async def test_close_writes_what_waits_and_takes_no_more(database: TestDatabase) -> None:
    async with database.pool() as pool:
        writer = EventWriter(pool)
        await writer.open()
        tasks = [asyncio.create_task(writer.write(event)) for event in some_events(300)]
        await asyncio.sleep(0)
        await writer.close()
        assert all(isinstance(answer, Written) for answer in await asyncio.gather(*tasks))
        with pytest.raises(DatabaseUnavailableError, match="the program stops"):
            await writer.write(an_event(1000))
    assert len(database.event_ids()) == 300


async def test_close_gives_up_after_its_time_and_tells_the_callers(database: TestDatabase) -> None:
    with database.connected() as blocker:
        blocker.execute("BEGIN; LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        async with database.pool() as pool:
            writer = EventWriter(pool, WriterOptions(queue_rows=5))
            await writer.open()
            tasks = [asyncio.create_task(writer.write(event)) for event in some_events(12)]
            await eventually(lambda: writer.waiting == 5)
            started = asyncio.get_running_loop().time()
            await writer.close(timeout_seconds=0.3)
            assert asyncio.get_running_loop().time() - started < 8
            answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [DatabaseUnavailableError] * 12


async def test_a_missing_right_is_waited_out_and_named(database: TestDatabase) -> None:
    observer = Remembering()
    async with a_writer(database, observer, login=READER) as writer:
        with pytest.raises(
            DatabaseUnavailableError, match="permission denied for table audit_events"
        ):
            await writer.write(an_event(1), timeout_seconds=1)
        assert set(observer.failures) == {"database"}
        with database.connected() as admin:
            admin.execute(f"GRANT workflow_audit_writer TO {READER}".encode())
        try:
            assert isinstance(await writer.write(an_event(1)), Written)
        finally:
            with database.connected() as admin:
                admin.execute(f"REVOKE workflow_audit_writer FROM {READER}".encode())


async def test_a_row_that_breaks_the_server_does_not_stop_the_others(
    database: TestDatabase,
) -> None:
    with database.connected() as admin:
        admin.execute(
            "CREATE FUNCTION stumble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF NEW.namespace = 'bad' THEN RAISE internal_error; END IF; RETURN NEW; END $$; "
            "CREATE TRIGGER stumble BEFORE INSERT ON audit_events "
            "FOR EACH ROW EXECUTE FUNCTION stumble()"
        )
    events = some_events(40)
    events[7] = replace(events[7], namespace="bad")
    async with a_writer(database) as writer:
        answers = await outcomes(writer, events)
    assert isinstance(answers[7], DatabaseUnavailableError), (
        "perhaps it passes, so it is not refused"
    )
    assert len(database.event_ids()) == 39


async def test_what_is_stored_is_json_as_it_was(database: TestDatabase) -> None:
    data = json.loads('{"a": {"b": [1, 2.5, 1e-7, true, null, "\\u00e9"]}}')
    async with a_writer(database) as writer:
        await writer.write(an_event(1, event_data=data))
    assert database.rows("SELECT event_data FROM audit_events") == [(data,)]


async def test_a_bug_of_the_writer_fails_its_batch_and_not_the_next(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(rows: object) -> dict[str, Any]:
        raise LookupError("a bug")

    async with a_writer(database) as writer:
        with monkeypatch.context() as patched:
            patched.setattr(batches, "columns", broken)
            with pytest.raises(DatabaseUnavailableError, match="the writer failed: LookupError"):
                await writer.write(an_event(1))
        assert "nobody thought of" in caplog.text
        assert isinstance(await writer.write(an_event(1)), Written)


async def test_an_event_that_is_neither_written_nor_found_is_not_acknowledged(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nothing = {**QUERIES, "find_replays": QUERIES["find_replays"].replace(b" = ANY", b" <> ANY")}
    async with a_writer(database) as writer:
        await writer.write(an_event(1))
        monkeypatch.setattr(batches, "QUERIES", nothing)
        with pytest.raises(DatabaseUnavailableError, match="neither written nor found"):
            await writer.write(an_event(1))
    assert "neither written nor found" in caplog.text
