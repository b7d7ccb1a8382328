"""What the comparison reads of the table, by whose login, and in how large pages."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from store_support import CLUSTER, READER, RETENTION, WRITER, TestDatabase, an_event, some_events

from workflow_audit.models.event import AuditEvent
from workflow_audit.models.search import Metadata
from workflow_audit.models.verification import StoredRow
from workflow_audit.store import verifying
from workflow_audit.store.verifying import ComparedRows, RemovalTrace, rights
from workflow_audit.store.writer import EventWriter

pytestmark = [pytest.mark.database]

TRACE = """
INSERT INTO retention_operations (operation, cluster_id, namespace, reason, oldest, newest)
VALUES ('remove_events', %s, 'payments', 'a test', %s, %s)
"""


async def write(database: TestDatabase, events: Sequence[AuditEvent]) -> None:
    async with database.pool() as pool, EventWriter(pool) as writer:
        await writer.write_many(events, 30)


@pytest.mark.parametrize(
    ("login", "may"),
    [
        pytest.param(WRITER, {"names", "writes"}, id="writer"),
        pytest.param(READER, {"names", "content", "trace"}, id="reader"),
        pytest.param(RETENTION, {"trace"}, id="retention"),
        pytest.param("postgres", {"names", "content", "writes", "trace"}, id="superuser"),
    ],
)
async def test_each_login_may_compare_what_it_may_read(
    shared_database: TestDatabase, login: str, may: set[str]
) -> None:
    async with shared_database.pool(login) as pool:
        found = await rights(pool)
    assert {name for name, value in asdict(found).items() if value is True} == may
    assert found.login == login


@pytest.mark.parametrize("login", [WRITER, READER])
async def test_rows_come_as_they_were_written(database: TestDatabase, login: str) -> None:
    event = an_event(1)
    await write(database, [event, an_event(2)])
    async with database.pool(login) as pool:
        rows = ComparedRows(pool, await rights(pool))
        before = await rows.moment()
        found = await rows.of([event.event_id, uuid4()], event.event_date, event.event_date)
    (row,) = found
    assert (row.event_id, row.event_date) == (event.event_id, event.event_date)
    assert row.resource_name == event.resource_name
    assert row.recorded_at <= before
    assert (row.content is None) == (login == WRITER)
    if row.content:
        assert row.content.top_confidence == event.top_confidence
        assert row.content.cluster_id == str(CLUSTER)


async def test_rows_of_other_days_are_left_out(database: TestDatabase) -> None:
    event = an_event(1)
    await write(database, [event])
    day = timedelta(days=1)
    async with database.pool() as pool:
        rows = ComparedRows(pool, await rights(pool))
        assert await rows.of([event.event_id], event.event_date - day, event.event_date)
        assert not await rows.of([event.event_id], event.event_date + day, event.event_date + day)


@pytest.mark.parametrize("login", [WRITER, READER])
async def test_all_rows_come_once_over_pages_and_months(
    database: TestDatabase, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "PAGE", 7)
    events = some_events(20)
    old = [
        replace(each, event_timestamp=at, event_date=at.date(), event_id=uuid4())
        for each in some_events(9, first=100)
        if (at := each.event_timestamp - timedelta(days=45))
    ]
    await write(database, [*events, *old])
    first, last = old[0].event_date, events[0].event_date
    async with database.pool(login) as pool:
        rows = ComparedRows(pool, await rights(pool))
        pages = [page async for page in rows.since(first, last)]
        new = [page async for page in rows.since(last, last)]
    assert max(map(len, pages)) == 7
    assert ids(pages) == sorted(each.event_id for each in [*events, *old])
    assert ids(new) == sorted(each.event_id for each in events)


def ids(pages: Sequence[Sequence[StoredRow]]) -> list[UUID]:
    return sorted(row.event_id for page in pages for row in page)


@pytest.mark.parametrize("login", [READER, RETENTION])
async def test_what_retention_removed_is_known_by_its_trace(
    database: TestDatabase, login: str
) -> None:
    at = an_event(1).event_timestamp
    with database.connected() as connection:
        connection.execute(TRACE, [str(CLUSTER), at - timedelta(hours=1), at])
    covered = Metadata("payments", "covered", uuid4(), 1, at)
    others = [
        Metadata("payments", "younger", uuid4(), 1, at + timedelta(seconds=1)),
        Metadata("payments", "older", uuid4(), 1, at - timedelta(hours=2)),
        Metadata("other", "elsewhere", uuid4(), 1, at),
    ]
    async with database.pool(login) as pool:
        trace = RemovalTrace(pool, CLUSTER)
        assert await trace.covers([covered, *others]) == {covered.uid}
        assert await RemovalTrace(pool, uuid4()).covers([covered]) == set()


@pytest.mark.parametrize("login", [WRITER, READER])
async def test_pages_come_by_the_primary_key_without_a_sort(
    database: TestDatabase, login: str
) -> None:
    await write(database, some_events(500))
    day = an_event(1).event_date
    name = "verify_rows_content" if login == READER else "verify_rows_names"
    wanted = {"first": day, "next": day + timedelta(days=1), "after": UUID(int=0), "most": 10}
    with database.connected() as connection:
        connection.execute("ANALYZE audit_events")
        connection.execute("SET enable_seqscan = off")
        statement = b"EXPLAIN " + verifying.VERIFYING[name]
        plan = "\n".join(line for (line,) in connection.execute(statement, wanted))
    assert "_pkey" in plan
    assert "Sort" not in plan
