"""A page and its count are of one moment; months and equal instants are no seam."""

from collections.abc import Callable
from datetime import datetime

import psycopg
import pytest
from reader_support import ALL, all_pages, numbers, record_five, written
from retention_support import days_ago, old_event, record
from store_support import READER, WRITER, TestDatabase, an_event, utc_now

from workflow_audit.models.query import Condition, EventQuery
from workflow_audit.store.reader import EventReader

pytestmark = pytest.mark.database


@pytest.fixture
def shared_events(database: TestDatabase) -> TestDatabase:
    record_five(database)
    return database


async def test_an_offset_skips_and_a_count_ends_at_its_bound(shared_events: TestDatabase) -> None:
    async with shared_events.pool(READER) as pool:
        reader = EventReader(pool, utc_now)
        whole = await reader.page(ALL, 10)
        assert len(whole.events) == 4, "events without a namespace are nobody's"
        position, second = whole.position, whole.events[1].place
        async with reader.snapshot() as now:
            for offset in range(6):
                part = await now.page(ALL, 2, offset=offset)
                assert numbers(part.events) == numbers(whole.events[offset : offset + 2])
                assert part.has_more == (offset < 2)
            assert await now.count(ALL, 100) == await now.count(ALL, 100, position=position) == 4
            assert await now.count(ALL, 3) == 3
            assert await now.count(EventQuery("payments"), 100) == 3
            assert await now.count(EventQuery(since=days_ago(41), until=days_ago(39)), 100) == 1
            assert await now.count(ALL, 100, position=position - 2) == 3, "as the list was then"
            assert await now.count(ALL, 100, second) == 2, "behind a place"
            assert await now.count(EventQuery("nowhere"), 100) == 0


async def test_a_page_and_its_count_are_of_one_moment(database: TestDatabase) -> None:
    await written(database, an_event(1))
    async with database.pool(READER) as pool:
        async with EventReader(pool, utc_now).snapshot() as now:
            before = await now.page(ALL, 10)
            await written(database, an_event(2))
            assert await now.count(ALL, 10) == len(before.events) == 1
            assert (await now.page(ALL, 10)).position == before.position
        async with EventReader(pool, utc_now).snapshot() as now:
            assert await now.count(ALL, 10) == 2


async def test_nothing_can_be_changed_where_it_is_looked(database: TestDatabase) -> None:
    """Whatever rights its login has by mistake."""
    async with database.pool(WRITER, writes=False) as pool, pool.connection() as connection:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            async with connection.transaction():
                await connection.execute("SELECT audit_ensure_partition('2021-01-01')")


@pytest.mark.parametrize("most", [1, 3, 50])
@pytest.mark.parametrize("clock", [utc_now, lambda: days_ago(70), lambda: days_ago(-3000)])
async def test_months_are_no_seam(
    database: TestDatabase, clock: Callable[[], datetime], most: int
) -> None:
    """Whatever a reader's clock says."""
    with database.connected() as connection:
        for days in range(0, 140, 28):
            connection.execute("SELECT audit_ensure_partition(%s)", [days_ago(days).date()])
    events = [old_event(number, 7 * number) for number in range(20)]
    record(database, events)
    async with database.pool(READER) as pool:
        found = await all_pages(EventReader(pool, clock), ALL, most)
    assert numbers(found) == list(range(20))


@pytest.mark.parametrize("most", [1, 4])
async def test_an_offset_counts_events_of_the_same_instant(
    database: TestDatabase, most: int
) -> None:
    """Events have whole seconds, so many share one; also the first and the last of them."""
    instants = [days_ago(days) for days in (0, 0, 0, 1, 40, 40, 40, 40, 41, 80)]
    for at in instants:
        with database.connected() as connection:
            connection.execute("SELECT audit_ensure_partition(%s)", [at.date()])
    record(database, [an_event(number, at=at) for number, at in enumerate(instants)])
    async with database.pool(READER) as pool, EventReader(pool, utc_now).snapshot() as now:
        whole = numbers((await now.page(ALL, 100)).events)
        assert len(whole) == len(instants)
        for offset in range(len(whole) + 2):
            part = await now.page(ALL, most, offset=offset)
            assert numbers(part.events) == whole[offset : offset + most], offset
            assert part.has_more == (offset + most < len(whole))
        one_day = EventQuery(since=days_ago(41), until=days_ago(39))
        assert len((await now.page(one_day, 9, offset=2)).events) == 3
        without_an_index = EventQuery(conditions=(Condition("actor_id", "exists"),))
        for offset in range(len(whole) + 2):
            part = await now.page(without_an_index, most, offset=offset)
            assert numbers(part.events) == whole[offset : offset + most], offset
