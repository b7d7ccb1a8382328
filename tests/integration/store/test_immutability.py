"""Rows are append-only: every column, every role, the parent and its partitions."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from store_support import LOGINS, READER, RETENTION, WRITER, TestDatabase, an_event, dumped, utc_now

from workflow_audit.store.writer import EventWriter

pytestmark = pytest.mark.database

OWNER = "owner"
REFUSED_BY_TRIGGER = "AU001"
REFUSED_BY_RIGHTS = "42501"
WHO = {
    "postgres": REFUSED_BY_TRIGGER,  # a superuser by accident
    OWNER: REFUSED_BY_TRIGGER,
    WRITER: REFUSED_BY_RIGHTS,
    READER: REFUSED_BY_RIGHTS,
    RETENTION: REFUSED_BY_RIGHTS,
}


@pytest.fixture(scope="module")
def recorded(shared_database: TestDatabase) -> Iterator[TestDatabase]:
    """A database with one event; all tests of this module try to change it or its schema."""

    async def record() -> None:
        async with shared_database.pool() as pool, EventWriter(pool) as writer:
            await writer.write(an_event(1))

    asyncio.run(record())
    before = dumped(shared_database)
    yield shared_database
    assert dumped(shared_database) == before


@pytest.fixture
def as_(recorded: TestDatabase, who: str) -> Iterator[psycopg.Connection]:
    with recorded.connected("postgres" if who == OWNER else who) as connection:
        if who == OWNER:
            connection.execute("SET ROLE workflow_audit_owner")
        yield connection


def tables() -> tuple[str, str]:
    return "audit_events", f"audit_events_{utc_now():%Y_%m}"


def refusal(connection: psycopg.Connection, statement: str | sql.Composed) -> str | None:
    """The SQLSTATE with which a statement is refused; None when it is not."""
    try:
        connection.execute(statement.encode() if isinstance(statement, str) else statement)
    except psycopg.Error as error:
        return error.sqlstate
    return None


def contents(database: TestDatabase) -> list[tuple[str]]:
    return database.rows("SELECT audit_events::text FROM audit_events")


@pytest.mark.parametrize("who", WHO)
def test_no_column_can_be_updated(
    recorded: TestDatabase, as_: psycopg.Connection, who: str
) -> None:
    before = contents(recorded)
    columns = [
        name
        for (name,) in recorded.rows(
            "SELECT attname FROM pg_attribute "
            "WHERE attrelid = 'audit_events'::regclass AND attnum > 0 ORDER BY attnum"
        )
    ]
    assert len(columns) == 40
    found = {
        (table, column): refusal(
            as_,
            sql.SQL("UPDATE {} SET {} = DEFAULT").format(
                sql.Identifier(table), sql.Identifier(column)
            ),
        )
        for table in tables()
        for column in columns
    }
    assert set(found.values()) == {WHO[who]}
    assert contents(recorded) == before


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET severity = 'low' WHERE false",
        "UPDATE {} SET event_date = event_date + 40",
        "DELETE FROM {}",
        "DELETE FROM {} WHERE false",
        "DELETE FROM ONLY {}",
        "TRUNCATE {}",
        "TRUNCATE {} CASCADE",
        "MERGE INTO {} AS t USING (SELECT 1) ON true WHEN MATCHED THEN DELETE",
        "MERGE INTO {} AS t USING (SELECT 1) ON true WHEN MATCHED THEN UPDATE SET namespace = ''",
        "WITH gone AS (DELETE FROM {} RETURNING *) SELECT count(*) FROM gone",
        "INSERT INTO {0} TABLE {0} ON CONFLICT (event_id, event_date) DO UPDATE SET severity = '1'",
    ],
)
def test_nothing_is_changed_or_removed(
    recorded: TestDatabase, as_: psycopg.Connection, who: str, statement: str
) -> None:
    before = contents(recorded)
    for table in tables():
        assert refusal(as_, statement.format(table)) == WHO[who], table
    assert contents(recorded) == before


@pytest.mark.parametrize("who", ["postgres"])
def test_not_even_as_a_replica(recorded: TestDatabase, as_: psycopg.Connection) -> None:
    as_.execute("SET session_replication_role = replica")
    for table in tables():
        for statement in ("UPDATE {} SET severity = '1'", "DELETE FROM {}", "TRUNCATE {}"):
            assert refusal(as_, statement.format(table)) == REFUSED_BY_TRIGGER
    assert len(contents(recorded)) == 1


@pytest.mark.parametrize("who", ["postgres"])
def test_a_partition_attached_by_hand_is_guarded_too(as_: psycopg.Connection) -> None:
    as_.execute("BEGIN; CREATE TABLE by_hand (LIKE audit_events INCLUDING ALL)")
    as_.execute(
        "INSERT INTO by_hand SELECT * FROM jsonb_populate_record((SELECT r FROM audit_events r), "
        """'{"event_date": "2021-01-05", "event_timestamp": "2021-01-05T00:00:00Z"}')"""
    )
    as_.execute(
        "ALTER TABLE audit_events ATTACH PARTITION by_hand "
        "FOR VALUES FROM ('2021-01-01') TO ('2021-02-01')"
    )
    for statement in ("DELETE FROM by_hand", "UPDATE by_hand SET severity = '1'"):
        as_.execute("SAVEPOINT before")
        assert refusal(as_, statement) == REFUSED_BY_TRIGGER
        as_.execute("ROLLBACK TO before")
    as_.execute("ROLLBACK")


@pytest.mark.parametrize("who", ["postgres"])
def test_the_refusal_says_what_to_do_instead(as_: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error, match="audit events are append-only: UPDATE on") as caught:
        as_.execute("UPDATE audit_events SET severity = '1'")
    assert caught.value.diag.message_hint
    assert "A correction is a new event" in caught.value.diag.message_hint


TRIES = {
    "become-the-owner": "SET ROLE workflow_audit_owner",
    "become-a-superuser": "SET SESSION AUTHORIZATION postgres",
    "pass-triggers-as-a-replica": "SET session_replication_role = replica",
    "switch-triggers-off": "ALTER TABLE {} DISABLE TRIGGER ALL",
    "drop-a-trigger": "DROP TRIGGER audit_refuse_change ON {}",
    "add-a-trigger": "CREATE TRIGGER x BEFORE INSERT ON {} "
    "FOR EACH ROW EXECUTE FUNCTION audit_refuse_change()",
    "add-a-rule": "CREATE RULE x AS ON INSERT TO {} DO INSTEAD NOTHING",
    "add-a-policy": "CREATE POLICY x ON {} USING (false)",
    "drop-the-guard": "DROP FUNCTION audit_refuse_change() CASCADE",
    "replace-the-guard": "CREATE OR REPLACE FUNCTION public.audit_refuse_change() RETURNS trigger "
    "LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "alter-the-guard": "ALTER FUNCTION audit_refuse_change() OWNER TO CURRENT_USER",
    "call-the-guard": "SELECT audit_refuse_change()",
    "drop-a-table": "DROP TABLE {}",
    "alter-a-table": "ALTER TABLE {} ADD COLUMN x int",
    "drop-a-constraint": "ALTER TABLE {} DROP CONSTRAINT audit_events_event_date_check",
    "rename-a-table": "ALTER TABLE {} RENAME TO elsewhere",
    "move-a-table": "ALTER TABLE {} SET SCHEMA pg_temp",
    "own-a-table": "ALTER TABLE {} OWNER TO CURRENT_USER",
    "make-a-partition": "CREATE TABLE x PARTITION OF audit_events "
    "FOR VALUES FROM ('2021-01-01') TO ('2021-02-01')",
    "make-a-default-partition": "CREATE TABLE x PARTITION OF audit_events DEFAULT",
    "detach-a-partition": "ALTER TABLE audit_events DETACH PARTITION {}",
    "make-a-table": "CREATE TABLE public.x (y int)",
    "make-a-temporary-table": "CREATE TEMPORARY TABLE audit_events (y int)",
    "make-a-schema": "CREATE SCHEMA x",
    "make-an-index": "CREATE INDEX x ON {} (severity)",
    "drop-an-index": "DROP INDEX audit_events_time_idx",
    "edit-the-catalogue": "UPDATE pg_catalog.pg_trigger SET tgenabled = 'D'",
    "delete-from-the-catalogue": "DELETE FROM pg_catalog.pg_class WHERE relname = '{}'",
    "grant-to-everybody": "GRANT ALL ON {} TO PUBLIC",
    "grant-itself-the-owner": "GRANT workflow_audit_owner TO CURRENT_USER",
    "read-a-file": "COPY audit_events FROM '/etc/passwd'",
    "run-a-program": "COPY audit_events FROM PROGRAM 'true'",
    "write-a-file": "COPY {} TO '/tmp/x'",
    "shadow-the-schema-version": "UPDATE workflow_audit_schema SET version_num = '0002'",
    "stop-everybody": "DO $$ BEGIN LOCK TABLE {} IN ACCESS EXCLUSIVE MODE; END $$",
    "vacuum-full": "REINDEX TABLE {}",
    "change-the-database": "ALTER DATABASE {database} SET search_path = x",
    "make-a-publication": "CREATE PUBLICATION x FOR TABLE audit_events",
}


@pytest.mark.parametrize("who", LOGINS.values())
@pytest.mark.parametrize("statement", TRIES.values(), ids=TRIES)
def test_no_role_of_the_product_gets_around_the_guards(
    recorded: TestDatabase, as_: psycopg.Connection, who: str, statement: str
) -> None:
    before = contents(recorded)
    for table in tables():
        tried = statement.format(table, database=recorded.name)
        # Who holds some right but may not grant it is only warned by PostgreSQL.
        expected = {REFUSED_BY_RIGHTS, None} if "GRANT ALL" in tried else {REFUSED_BY_RIGHTS}
        assert refusal(as_, tried) in expected, tried
    assert contents(recorded) == before


@pytest.mark.parametrize("who", [WRITER])
def test_the_writer_reads_no_more_than_a_replay_needs(as_: psycopg.Connection) -> None:
    for column in ("event_data", "event_timestamp", "namespace", "*"):
        assert refusal(as_, f"SELECT {column} FROM audit_events") == REFUSED_BY_RIGHTS
    assert refusal(as_, "COPY audit_events TO STDOUT") == REFUSED_BY_RIGHTS
    wanted = "event_id, event_date, recorded_at, correlation_id, resource_id"
    assert refusal(as_, f"SELECT {wanted} FROM audit_events") is None


@pytest.mark.parametrize("who", [WRITER])
@pytest.mark.parametrize("column", ["recorded_at", "legal_hold", "event_hash", "hash_algorithm"])
def test_the_writer_cannot_say_what_only_others_may(as_: psycopg.Connection, column: str) -> None:
    assert (
        refusal(as_, f"INSERT INTO audit_events ({column}) VALUES (DEFAULT)") == REFUSED_BY_RIGHTS
    )


@pytest.mark.parametrize("who", LOGINS.values())
def test_partitions_are_reached_through_their_parent_only(
    as_: psycopg.Connection, who: str
) -> None:
    _, partition = tables()
    assert refusal(as_, f"SELECT event_id FROM {partition}") == REFUSED_BY_RIGHTS
    assert refusal(as_, f"INSERT INTO {partition} DEFAULT VALUES") == REFUSED_BY_RIGHTS


@pytest.mark.parametrize("who", [RETENTION])
def test_retention_reads_no_more_than_which_namespaces_there_are(as_: psycopg.Connection) -> None:
    assert refusal(as_, "SELECT namespace, event_date FROM audit_events") is None
    for column in ("event_id", "event_data", "correlation_id", "*"):
        assert refusal(as_, f"SELECT {column} FROM audit_events") == REFUSED_BY_RIGHTS
    assert refusal(as_, "SELECT audit_ensure_partition(current_date)") == REFUSED_BY_RIGHTS


@pytest.mark.parametrize("who", [READER])
def test_the_reader_reads_everything_and_writes_nothing(as_: psycopg.Connection) -> None:
    assert refusal(as_, "SELECT * FROM audit_events") is None
    assert (
        refusal(as_, "INSERT INTO audit_events (event_id) VALUES (gen_random_uuid())")
        == REFUSED_BY_RIGHTS
    )
    assert refusal(as_, "SELECT audit_ensure_partition(current_date)") == REFUSED_BY_RIGHTS


@pytest.mark.parametrize("who", ["postgres"])
def test_somebody_without_a_role_cannot_even_connect(
    recorded: TestDatabase, as_: psycopg.Connection
) -> None:
    as_.execute(
        "DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN PASSWORD 'a password of tests'"
    )
    try:
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            recorded.connected("stranger").__enter__()
    finally:
        as_.execute("DROP ROLE stranger")
