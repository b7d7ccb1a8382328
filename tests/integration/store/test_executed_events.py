"""The event of a search that the operator ran is found as it was written, and no other is."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from store_support import READER, RETENTION, WRITER, TestDatabase, an_event

from workflow_audit.errors import DatabaseUnavailableError
from workflow_audit.models.event import AuditEvent
from workflow_audit.store.pool import Database
from workflow_audit.store.stored import ExecutedEvents
from workflow_audit.store.writer import EventWriter

pytestmark = [pytest.mark.database]


def executed(number: int, **changes: Any) -> AuditEvent:
    return replace(
        an_event(number),
        event_metadata={"requested_by": "ada", "policy": "default", "catalogue": "C/all"},
        **changes,
    )


FAILED: dict[str, Any] = {
    "event_outcome": "failure",
    "event_data": {"failure": {"code": "CatalogueTimeout", "message": "späť \U0001f680"}},
    "error_code": "CatalogueTimeout",
    "error_message": "späť \U0001f680",
    "duration_ms": 5000,
    "top_workflow_id": None,
    "top_confidence": None,
}
SUCCEEDED: dict[str, Any] = {
    "event_data": {"results": {"workflows": [{"scoring": {"confidence": 0.1 + 0.2, "b": 1e-7}}]}},
    "duration_ms": 45,
    "top_workflow_id": "pod-oom",
    "top_confidence": 0.1 + 0.2,
}


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        pytest.param(7100, FAILED, id="failed"),
        pytest.param(7101, SUCCEEDED, id="succeeded"),
        pytest.param(7102, {}, id="plain"),
    ],
)
async def test_it_comes_as_it_was_written(
    shared_database: TestDatabase, number: int, changes: dict[str, Any]
) -> None:
    event = executed(number, **changes)
    async with shared_database.pool() as pool, EventWriter(pool) as writer:
        written = await writer.write(event)
        found = await ExecutedEvents(pool).find(event.event_id, event.event_date, 10)
    assert found is not None
    assert found.event == event
    assert found.recorded_at == written.recorded_at


async def test_one_that_is_not_there_is_none(shared_database: TestDatabase) -> None:
    event = executed(7200)
    async with shared_database.pool() as pool, EventWriter(pool) as writer:
        await writer.write(event)
        found = ExecutedEvents(pool)
        other_day = event.event_date + timedelta(days=1)
        far_away = event.event_date.replace(year=1971)
        assert await found.find(event.event_id, other_day) is None
        assert await found.find(event.event_id, far_away) is None
        assert await found.find(an_event(7201).event_id, event.event_date) is None


async def test_what_others_found_is_not_told(shared_database: TestDatabase) -> None:
    """The writer may not read what events say, but for what it has just shown itself."""
    event = an_event(7300)
    async with shared_database.pool() as pool, EventWriter(pool) as writer:
        await writer.write(event)
        assert await ExecutedEvents(pool).find(event.event_id, event.event_date) is None


def test_nobody_else_may_ask(shared_database: TestDatabase) -> None:
    call = b"has_function_privilege(%s, 'public.audit_executed_event(uuid, date)', 'EXECUTE')"
    may = {
        login: shared_database.rows(f"SELECT {call.decode()}", login)[0][0]
        for login in (WRITER, READER, RETENTION)
    }
    assert may == {WRITER: True, READER: False, RETENTION: False}


async def test_a_database_that_is_away_is_said(shared_database: TestDatabase) -> None:
    event = executed(7400)
    gone = replace(shared_database.address(), url=shared_database.url(WRITER) + "-is-not-there")
    async with Database(gone) as pool:
        with pytest.raises(DatabaseUnavailableError):
            await ExecutedEvents(pool).find(event.event_id, event.event_date, 0.5)
