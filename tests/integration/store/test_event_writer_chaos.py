"""The writer while the database is stopped, cut off and closed: nothing lost, nothing doubled."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from store_support import WRITER, Remembering, TestDatabase, an_event, eventually, some_events

from workflow_audit.errors import DatabaseUnavailableError
from workflow_audit.models.event import AuditEvent, Written
from workflow_audit.store import pool as store_pool
from workflow_audit.store.batches import RetryOptions
from workflow_audit.store.writer import EventWriter, WriterOptions

pytestmark = [pytest.mark.database, pytest.mark.timeout(120)]

OPTIONS = WriterOptions(batch_rows=50, queue_rows=500, retry=RetryOptions(longest_seconds=0.5))


class Load:
    """Callers that write events one after the other, until told to stop."""

    def __init__(self, writer: EventWriter, callers: int = 16) -> None:
        self.acknowledged: list[AuditEvent] = []
        self.unexpected: list[BaseException] = []
        self._numbers = iter(range(1_000_000))
        self._writer = writer
        self._tasks = [asyncio.create_task(self._call()) for _ in range(callers)]
        self._going = True

    async def _call(self) -> None:
        while self._going:
            event = an_event(next(self._numbers))
            try:
                assert isinstance(await self._writer.write(event), Written)
            except Exception as error:  # noqa: BLE001
                self.unexpected.append(error)
            else:
                self.acknowledged.append(event)

    async def reaches(self, count: int) -> None:
        await eventually(lambda: len(self.acknowledged) >= count, within_seconds=40)

    async def stop(self) -> None:
        self._going = False
        await asyncio.gather(*self._tasks)


@asynccontextmanager
async def load(database: TestDatabase, observer: Remembering | None = None) -> AsyncIterator[Load]:
    async with database.pool() as pool, EventWriter(pool, OPTIONS, observer) as writer:
        running = Load(writer)
        yield running
        await running.stop()
    assert running.unexpected == []
    ids = database.event_ids()
    assert len(ids) == len(set(ids))
    assert {event.event_id for event in running.acknowledged} == set(ids)


async def test_a_crash_of_the_server_under_load_loses_and_doubles_nothing(
    database: TestDatabase,
) -> None:
    observer = Remembering()
    async with load(database, observer) as running:
        for round_number in range(1, 3):
            await running.reaches(300 * round_number)
            await asyncio.to_thread(database.server.stop, "immediate")
            await observer.fails_again()
            acknowledged = len(running.acknowledged)
            await observer.fails_again()
            assert len(running.acknowledged) == acknowledged, "nothing is acknowledged meanwhile"
            await asyncio.to_thread(database.server.start)
            await running.reaches(acknowledged + 300)
    assert set(observer.failures) == {"network"}


async def test_connections_cut_again_and_again_lose_and_double_nothing(
    database: TestDatabase,
) -> None:
    async with load(database) as running:
        for cut in range(1, 8):
            await running.reaches(100 * cut)
            database.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", WRITER
            )
        await running.reaches(1000)


async def test_a_database_that_refuses_connections_is_waited_for_and_the_cause_is_named(
    database: TestDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with psycopg.connect(database.server.superuser_url, autocommit=True) as admin:
        async with database.pool(acquire_seconds=0.5) as pool, EventWriter(pool, OPTIONS) as writer:
            await writer.write(an_event(0))
            admin.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false".encode())
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [database.name],
            )
            tasks = [asyncio.create_task(writer.write(event)) for event in some_events(20, first=1)]
            with pytest.raises(DatabaseUnavailableError) as caught:
                await writer.write(an_event(100), timeout_seconds=2)
            assert "is not currently accepting connections" in str(caught.value)
            admin.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true".encode())
            answers = await asyncio.wait_for(asyncio.gather(*tasks), 20)
            assert all(isinstance(answer, Written) for answer in answers)
            await eventually(lambda: writer.waiting == 0)
    assert len(database.event_ids()) == 22, "the event whose caller gave up is written too"
    assert len([r for r in caplog.records if "events wait" in r.message]) <= 3, "said, not repeated"


async def test_a_server_that_is_away_is_named_in_plain_words(database: TestDatabase) -> None:
    async with database.pool(acquire_seconds=0.5) as pool, EventWriter(pool, OPTIONS) as writer:
        await asyncio.to_thread(database.server.stop, "fast")
        with pytest.raises(
            DatabaseUnavailableError,
            match=r"^not recorded within 1.5 s: PostgreSQL is not available: connection refused$",
        ):
            await writer.write(an_event(1), timeout_seconds=1.5)
        await asyncio.to_thread(database.server.start)
        assert isinstance(await asyncio.wait_for(writer.write(an_event(2)), 20), Written)
        await eventually(lambda: writer.waiting == 0)
    assert len(database.event_ids()) == 2


async def test_a_writer_that_opens_before_its_database_begins_when_it_comes(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_pool, "RECONNECT_SECONDS", 0.1)
    observer = Remembering()
    await asyncio.to_thread(database.server.stop, "fast")
    async with (
        database.pool(acquire_seconds=0.5) as pool,
        EventWriter(pool, OPTIONS, observer) as writer,
    ):
        waiting = asyncio.create_task(writer.write(an_event(1)))
        await observer.fails_again()  # after 0.5 s each: the pool goes on by itself for 0.1 s
        await asyncio.to_thread(database.server.start)
        started = asyncio.get_running_loop().time()
        assert isinstance(await asyncio.wait_for(waiting, 20), Written)
        assert asyncio.get_running_loop().time() - started < 5


async def test_memory_is_bounded_while_the_database_is_away(database: TestDatabase) -> None:
    async with database.pool() as pool, EventWriter(pool, OPTIONS) as writer:
        await asyncio.to_thread(database.server.stop, "immediate")
        tasks = [asyncio.create_task(writer.write(event)) for event in some_events(2000)]
        await eventually(lambda: writer.waiting >= OPTIONS.queue_rows)
        assert writer.waiting == OPTIONS.queue_rows
        await asyncio.to_thread(database.server.start)
        await asyncio.wait_for(asyncio.gather(*tasks), 60)
    assert len(database.event_ids()) == 2000


async def test_a_server_that_became_a_standby_is_left_for_the_one_that_takes_writes(
    database: TestDatabase,
) -> None:
    async with database.pool(acquire_seconds=0.5) as pool, EventWriter(pool, OPTIONS) as writer:
        await writer.write(an_event(0))
        with database.connected() as admin:
            admin.execute(
                f"ALTER DATABASE {database.name} SET default_transaction_read_only = on".encode()
            )
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
                [WRITER],
            )
            with pytest.raises(DatabaseUnavailableError, match="read-only"):
                await writer.write(an_event(1), timeout_seconds=2)
            admin.execute(
                f"ALTER DATABASE {database.name} RESET default_transaction_read_only".encode()
            )
        assert isinstance(await asyncio.wait_for(writer.write(an_event(1)), 20), Written)
