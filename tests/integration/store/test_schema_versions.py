"""Programs of today on the schema of a later release, and migrations among those who use it."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager

import psycopg
import pytest
from store_support import LOGINS, TestDatabase, an_event, eventually, migrate_to

from support.later_release import AFTER_NEXT, EXPANDING, NEXT, later_release
from workflow_audit.errors import DatabaseError, SchemaVersionError
from workflow_audit.store import migrating, schema
from workflow_audit.store.writer import EventWriter

pytestmark = pytest.mark.database

TAKING_AWAY = "ALTER TABLE public.later_things DROP COLUMN event_id"
WAITING = "waiting for the tables"


def migrated(database: TestDatabase) -> bool:
    return schema.migrate(database.address("postgres"))


def revision(database: TestDatabase) -> str:
    ((found,),) = database.rows("SELECT version_num FROM workflow_audit_schema")
    return str(found)


async def checked(database: TestDatabase, login: str) -> str:
    async with database.pool(login) as pool:
        return await schema.check(pool)


async def test_a_schema_that_was_only_added_to_is_worked_with_by_every_role(
    database: TestDatabase,
) -> None:
    with later_release(EXPANDING):
        assert migrated(database)
    for login in ("postgres", *LOGINS.values()):
        assert await checked(database, login) == NEXT
    async with database.pool() as pool, EventWriter(pool) as writer:
        await writer.write(an_event(1), timeout_seconds=30)
    assert database.event_ids() == [an_event(1).event_id]


def test_a_rollback_runs_its_own_migration_and_changes_nothing(database: TestDatabase) -> None:
    with later_release(EXPANDING):
        migrated(database)
    assert not migrated(database)
    assert revision(database) == NEXT


async def test_a_schema_that_took_something_away_is_refused_by_programs_before(
    database: TestDatabase,
) -> None:
    with later_release(EXPANDING, TAKING_AWAY, oldest_program=NEXT):
        assert migrated(database)
        assert not migrated(database)
    words = f"has schema {AFTER_NEXT}, with which only programs work that know schema {NEXT}, "
    for login in ("postgres", *LOGINS.values()):
        with pytest.raises(SchemaVersionError, match=words):
            await checked(database, login)
    with pytest.raises(SchemaVersionError, match=words):
        migrated(database)
    with later_release(EXPANDING):
        assert await checked(database, "test_writer") == AFTER_NEXT


@contextmanager
def long_reader(database: TestDatabase) -> Iterator[None]:
    """Hold the events as a dump does, until the block ends."""
    with database.connected() as reader, reader.transaction():
        reader.execute("SELECT count(*) FROM audit_events")
        yield


class Recording:
    """One after the other, events without end."""

    def __init__(self) -> None:
        self.written = 0
        self.longest_seconds = 0.0

    async def run(self, writer: EventWriter) -> None:
        while True:
            began = time.monotonic()
            await writer.write(an_event(self.written), timeout_seconds=60)
            self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
            self.written += 1


@asynccontextmanager
async def recording(database: TestDatabase) -> AsyncIterator[Recording]:
    numbers = Recording()
    async with database.pool() as pool, EventWriter(pool) as writer:
        work = asyncio.create_task(numbers.run(writer))
        try:
            yield numbers
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


@pytest.mark.slow
async def test_writers_go_on_while_migrations_wait_behind_a_long_reader(
    database: TestDatabase, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator of today records all the time, whatever the migration of tomorrow waits for."""
    monkeypatch.setattr(migrating, "LOCK_PAUSE_SECONDS", 0.5)
    caplog.set_level(logging.WARNING)

    def waits() -> int:
        return caplog.text.count(WAITING)

    with later_release(EXPANDING), ThreadPoolExecutor(2) as threads:
        async with recording(database) as numbers:
            await eventually(lambda: numbers.written > 10)
            with long_reader(database):
                migrations = [threads.submit(migrated, database) for _ in range(2)]
                await eventually(lambda: waits() >= 1)
                before = numbers.written
                await eventually(lambda: waits() >= 4)
                assert numbers.written > before + 3
                assert revision(database) == schema.KNOWN_REVISIONS[-1]
            done = [await asyncio.wrap_future(migration) for migration in migrations]
            after = numbers.written
            await eventually(lambda: numbers.written > after + 10)
    assert sorted(done) == [False, True]
    assert revision(database) == NEXT
    assert numbers.longest_seconds < 10 * migrating.LOCK_WAIT_SECONDS
    wanted = {an_event(number).event_id for number in range(numbers.written)}
    assert wanted <= set(database.event_ids())


async def test_a_migration_that_gives_up_says_who_is_in_the_way_and_leaves_a_schema_for_all(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "LOCK_PATIENCE_SECONDS", 0)
    with later_release("CREATE TABLE public.harmless ()", EXPANDING):
        with long_reader(database), pytest.raises(DatabaseError) as caught:
            migrated(database)
        assert f"the schema is at {NEXT} and goes no further" in str(caught.value)
        assert "(postgres, unnamed)" in str(caught.value)
    assert await checked(database, "test_writer") == NEXT
    with later_release("CREATE TABLE public.harmless ()", EXPANDING):
        assert migrated(database)
    assert revision(database) == AFTER_NEXT
    assert await checked(database, "test_writer") == AFTER_NEXT


@pytest.mark.slow
def test_a_migration_killed_in_the_middle_is_completed_by_the_next(
    empty_database: TestDatabase,
) -> None:
    """The shipped program, killed while its second revision waits for a lock that it needs."""
    migrate_to(empty_database, "0002")
    command = [sys.executable, "-m", "workflow_audit", "migrate"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AUDIT_")}
    variables = inherited | {"AUDIT_DATABASE_URL": empty_database.url("postgres")}
    with long_reader(empty_database):
        with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE) as migration:
            assert migration.stderr
            assert WAITING in migration.stderr.readline().decode()
            migration.send_signal(signal.SIGKILL)
        assert revision(empty_database) == "0003"
        with empty_database.connected() as admin:
            admin.execute("SELECT audit_ensure_partition(current_date)")
            with pytest.raises(psycopg.errors.UndefinedColumn):
                admin.execute("SELECT position FROM audit_events")
    assert migrated(empty_database)
    assert revision(empty_database) == schema.NEEDED_REVISION
