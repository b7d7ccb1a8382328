"""Partitions: made ahead, race-safe, bounded, and without stopping anybody."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import psycopg
import pytest
from store_support import WRITER, TestDatabase, an_event, utc_now

from workflow_audit.errors import DatabaseUnavailableError, EventRefusedError
from workflow_audit.models.event import Written
from workflow_audit.store.partitions import ensure_ahead, ensure_partition
from workflow_audit.store.writer import EventWriter

pytestmark = pytest.mark.database

MADE = "SELECT relid::regclass::text FROM pg_partition_tree('audit_events') WHERE isleaf ORDER BY 1"


async def test_this_month_and_the_next_two_are_made_ahead(database: TestDatabase) -> None:
    today = utc_now().date()
    async with database.pool() as pool:
        assert await ensure_ahead(pool, today) == 2, "this month's is there already"
        assert await ensure_ahead(pool, today) == 0
        assert await ensure_ahead(pool, today, months=12) == 10
    assert len(database.rows(MADE)) == 13


async def test_months_follow_each_other_over_the_end_of_a_year(database: TestDatabase) -> None:
    async with database.pool() as pool:
        await ensure_ahead(pool, date(2023, 11, 30), months=3)
    assert [name for (name,) in database.rows(MADE)][:4] == [
        "audit_events_2023_11",
        "audit_events_2023_12",
        "audit_events_2024_01",
        "audit_events_2024_02",
    ]


@pytest.mark.parametrize("day", [date(2019, 12, 31), date(1, 1, 1), date(9999, 12, 31)])
async def test_a_day_out_of_bounds_is_refused(database: TestDatabase, day: date) -> None:
    async with database.pool() as pool:
        with pytest.raises(EventRefusedError, match="is out of bounds"):
            await ensure_partition(pool, day)
    assert len(database.rows(MADE)) == 1


async def test_the_bounds_themselves_are_accepted(database: TestDatabase) -> None:
    async with database.pool() as pool:
        assert await ensure_partition(pool, date(2020, 1, 1))
        assert await ensure_partition(pool, utc_now().date() + timedelta(days=390))
        with pytest.raises(EventRefusedError):
            await ensure_partition(pool, utc_now().date() + timedelta(days=400))


def test_of_many_callers_at_once_one_makes_it(database: TestDatabase) -> None:
    def ensure(_: int) -> bool:
        with database.connected(WRITER) as connection:
            return bool(
                connection.execute("SELECT audit_ensure_partition('2022-05-17')").fetchone()[0]  # type: ignore[index]
            )

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(ensure, range(16)))
    assert sorted(made) == [False] * 15 + [True]


async def test_a_long_query_does_not_keep_a_partition_from_being_made(
    database: TestDatabase,
) -> None:
    with database.connected() as reader:
        reader.execute("BEGIN; SELECT count(*) FROM audit_events")
        async with database.pool() as pool:
            assert await asyncio.wait_for(ensure_partition(pool, date(2022, 5, 17)), 5)


async def test_a_table_in_the_way_is_named_and_the_event_waits(database: TestDatabase) -> None:
    with database.connected() as admin:
        admin.execute("CREATE TABLE audit_events_2022_05 (x int)")
    async with database.pool() as pool, EventWriter(pool) as writer:
        late = an_event(1, at=utc_now().replace(year=2022, month=5, day=17))
        with pytest.raises(DatabaseUnavailableError, match="exists, but is no partition"):
            await writer.write(late, timeout_seconds=1)
        with database.connected() as admin:
            admin.execute("DROP TABLE audit_events_2022_05")
        assert isinstance(await writer.write(late), Written)


def test_privileges_given_by_default_do_not_reach_partitions(database: TestDatabase) -> None:
    with database.connected() as admin:
        admin.execute(
            "ALTER DEFAULT PRIVILEGES FOR ROLE workflow_audit_owner IN SCHEMA public "
            "GRANT ALL ON TABLES TO PUBLIC, workflow_audit_writer"
        )
        admin.execute("SELECT audit_ensure_partition('2022-05-17')")
    with database.connected(WRITER) as writer, pytest.raises(psycopg.errors.InsufficientPrivilege):
        writer.execute("TRUNCATE audit_events_2022_05")
