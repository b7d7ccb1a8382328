"""A restored database is the same: rows, sums, positions, and that nobody changes anything."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from store_support import (
    CLUSTER,
    READER,
    RETENTION,
    WRITER,
    TestDatabase,
    an_event,
    dumped,
    new_database,
    some_events,
    utc_now,
)

from support.backups import run_program
from support.statistics import a_search as an_answer
from support.statistics import a_workflow
from workflow_audit.models.event import AuditEvent
from workflow_audit.store import schema
from workflow_audit.store.summing import sum_up
from workflow_audit.store.writer import EventWriter

pytestmark = [pytest.mark.database]

LAST_MONTH = timedelta(days=35)

HOLD = """
SELECT audit_place_hold(%s, 'ClusterAuditPolicy/default', NULL, %s, 1, 'case-7', 'a test',
                        '{}', '{}', NULL, NULL)
"""

TABLES = (
    "audit_events", "retention_operations", "legal_holds", "audit_summed_up", "audit_turn",
    "audit_workflow_days", "audit_query_days", "audit_workflow_days_everywhere",
    "audit_query_days_everywhere", "workflow_audit_schema",
)  # fmt: skip


@pytest.fixture(scope="module")
def original(shared_database: TestDatabase) -> TestDatabase:
    """Events of two months, a part of them summed up, a legal hold, and a trace of it."""
    asyncio.run(record(shared_database))
    with shared_database.connected(RETENTION) as connection:
        connection.execute(HOLD, [str(CLUSTER), uuid4()])
    return shared_database


async def record(database: TestDatabase) -> None:
    old = [
        an_event(number, at=utc_now() - LAST_MONTH + timedelta(seconds=number))
        for number in range(100, 120)
    ]
    async with database.pool() as pool, EventWriter(pool) as writer:
        await writer.write_many(with_answers([*some_events(30), *old]), 30)
        await sum_up(pool, 1000)
        await writer.write_many(with_answers(some_events(5, first=50)), 30)


@contextmanager
def restored_from(
    original: TestDatabase, folder: Path, role: str = "postgres"
) -> Iterator[TestDatabase]:
    """Dump a database as a role, and restore it beside the original."""
    server, backup = original.server, folder / "audit.dump"
    dump = ("--format=custom", f"--role={role}", "--file", backup)
    with new_database(server) as copy:
        run_program(server, "pg_dump", *dump, url=original.url("postgres"))
        restore = ("--exit-on-error", f"--dbname={copy.name}", backup)
        run_program(server, "pg_restore", *restore, url=copy.url("postgres"))
        yield copy


@pytest.fixture(scope="module", params=["postgres", "workflow_audit_owner"])
def restored(
    request: pytest.FixtureRequest,
    original: TestDatabase,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[TestDatabase]:
    """What the superuser has dumped, or the owner of the tables; for tests that change nothing."""
    folder = tmp_path_factory.mktemp("backup")
    with restored_from(original, folder, request.param) as copy:
        yield copy


def with_answers(events: Sequence[AuditEvent]) -> list[AuditEvent]:
    """The same events with something to sum up."""
    data = an_answer("payments", utc_now(), [a_workflow("pod-oom-gitops", 0.6597)]).event_data
    return [replace(event, event_data=data) for event in events]


def contents(database: TestDatabase) -> dict[str, list[str]]:
    return {
        table: sorted(line for (line,) in database.rows(f"SELECT t::text FROM {table} AS t"))
        for table in TABLES
    }


def schema_of(database: TestDatabase) -> str:
    """The schema, without where PostgreSQL writes a cast once it has read a constraint as text."""
    return re.sub(r"(event_outcome_check CHECK ).*", r"\1", dumped(database))


def statistics(database: TestDatabase) -> list[tuple[object, ...]]:
    columns = "workflow_id, sum(listed), sum(won), sum(confidence_sum)"
    view = "audit_workflow_statistics_everywhere"
    return database.rows(f"SELECT {columns} FROM {view} GROUP BY 1 ORDER BY 1")


def test_all_tables_are_known_here(original: TestDatabase) -> None:
    found = original.rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition"
    )
    assert {name for (name,) in found} == set(TABLES)


def test_rows_sums_and_protections_are_the_same(
    original: TestDatabase, restored: TestDatabase
) -> None:
    assert contents(restored) == contents(original)
    assert statistics(restored) == statistics(original)
    # A dump leaves out who may connect; the next migration sees to it, and has nothing else to do.
    schema.migrate(restored.address("postgres"))
    assert schema_of(restored) == schema_of(original)
    assert contents(restored) == contents(original)


async def test_recording_goes_on_behind_the_last_position(
    original: TestDatabase, tmp_path: Path
) -> None:
    with restored_from(original, tmp_path) as copy:
        schema.migrate(copy.address("postgres"))
        ((last,),) = copy.rows("SELECT max(position) FROM audit_events")
        (new,), replayed = with_answers([an_event(9000)]), some_events(1)[0]
        async with copy.pool() as pool, EventWriter(pool) as writer:
            assert not (await writer.write(new)).replayed
            assert (await writer.write(replayed)).replayed
            await sum_up(pool, 1000)
        position = "SELECT position FROM audit_events WHERE event_id = %s"
        assert copy.rows(position, new.event_id)[0][0] > last
        assert copy.rows("SELECT count(*) FROM audit_events") == [(56,)]
        summed = copy.rows("SELECT sum(won) FROM audit_workflow_days_everywhere")
        assert summed == [(56,)]


@pytest.mark.parametrize(
    ("who", "refused"),
    [
        pytest.param("postgres", "AU001", id="superuser"),
        pytest.param("owner", "AU001", id="owner"),
        pytest.param(WRITER, "42501", id="writer"),
        pytest.param(READER, "42501", id="reader"),
        pytest.param(RETENTION, "42501", id="retention"),
    ],
)
def test_nobody_changes_or_removes_anything(restored: TestDatabase, who: str, refused: str) -> None:
    schema.migrate(restored.address("postgres"))
    before = contents(restored)
    partitions = [
        name
        for (name,) in restored.rows(
            "SELECT relid::text FROM pg_partition_tree('audit_events') WHERE isleaf"
        )
    ]
    assert len(partitions) >= 2
    with restored.connected("postgres" if who == "owner" else who) as connection:
        if who == "owner":
            connection.execute("SET ROLE workflow_audit_owner")
        if who == "postgres":
            connection.execute("SET session_replication_role = replica")
        for table in ("audit_events", *partitions):
            for change in (f"UPDATE {table} SET severity = 'low'", *_removals(table)):
                assert _refusal(connection, change) == refused, change
        trace = "retention_operations"
        for change in (f"UPDATE {trace} SET reason = 'none'", *_removals(trace)):
            assert _refusal(connection, change) == refused, change
    assert contents(restored) == before


def _removals(table: str) -> tuple[str, str]:
    return f"DELETE FROM {table}", f"TRUNCATE {table}"


def _refusal(connection: psycopg.Connection, statement: str) -> str | None:
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        return error.sqlstate
    return None
