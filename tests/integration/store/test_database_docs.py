"""The pages about the database say what is so, and their SQL runs."""

import re
from pathlib import Path

import pytest
from psycopg.types.json import Jsonb
from retention_support import RUN, call, days_ago, old_event, place_hold, record, remove, rules
from store_support import CLUSTER, READER, RETENTION, TestDatabase

from workflow_audit.store.migrating import PREPARE_SQL

pytestmark = pytest.mark.database

DOCS = Path(__file__).parents[3] / "docs"


def sql_blocks(page: str = "how-to/database.md") -> list[str]:
    return re.findall(r"```sql\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def test_the_columns_are_those_of_the_database(shared_database: TestDatabase) -> None:
    lines = (DOCS / "reference/audit-event.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    documented = [(name.strip("`"), *rest[:3]) for name, *rest in cells if len(rest) == 5]
    actual = shared_database.rows(
        "SELECT attname, format_type(atttypid, atttypmod), "
        "       CASE WHEN attnotnull THEN 'no' ELSE 'yes' END, "
        "       coalesce(regexp_replace(pg_get_expr(adbin, adrelid), '::[a-z ]+', ''), '') "
        "  FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum "
        " WHERE attrelid = 'audit_events'::regclass AND attnum > 0 ORDER BY attnum"
    )
    assert documented[2:] == actual


def test_the_sql_for_administrators_is_the_shipped_one() -> None:
    assert PREPARE_SQL in sql_blocks()


def test_the_sql_runs(database: TestDatabase) -> None:
    """In the order of the page; what concerns the server is rolled back."""
    results = []
    with database.connected() as admin:
        for block in sql_blocks():
            if "CREATE DATABASE" in block:
                continue  # not in a transaction; the test's own database stands for it
            admin.execute("BEGIN")
            cursor = admin.execute(block.encode())
            results.append(cursor.fetchall() if cursor.description else [])
            admin.execute("ROLLBACK")
    assert results[-1] == [], "every table is guarded"
    assert len(results) >= 5


def test_the_sql_about_retention_runs_as_the_reader_and_finds_something(
    database: TestDatabase,
) -> None:
    record(database, [old_event(1)])
    with database.connected(RETENTION) as retention:
        place_hold(retention, name="case-17", workflow_ids=["x"])
        remove(database, days_ago(100), rules(1))
        call(retention, "audit_finish_run", RUN, str(CLUSTER), Jsonb({}))
    making_the_login, *queries = sql_blocks("how-to/retention.md")
    assert making_the_login.startswith("CREATE ROLE")
    assert len(queries) == 4
    with database.connected(READER) as reader:
        for query in queries:
            assert len(reader.execute(query.encode()).fetchall()) == 1, query


def test_the_check_of_the_guards_finds_what_is_unguarded(database: TestDatabase) -> None:
    check = sql_blocks()[-1]
    partition = database.rows(
        "SELECT relid::regclass::text FROM pg_partition_tree('audit_events') WHERE isleaf"
    )
    with database.connected() as admin:
        admin.execute(f"ALTER TABLE {partition[0][0]} DISABLE TRIGGER audit_refuse_change".encode())
        assert admin.execute(check.encode()).fetchall() == partition
