"""What tests of reading have in common: events, and lists of them."""

import asyncio
from typing import Any

from retention_support import old_event, record
from store_support import WRITER, TestDatabase, an_event, utc_now

from workflow_audit.models.event import AuditEvent
from workflow_audit.models.query import EventQuery, StoredEvent
from workflow_audit.store.reader import EventReader
from workflow_audit.store.writer import EventWriter

ALL = EventQuery()


async def written(database: TestDatabase, *events: AuditEvent) -> None:
    async with database.pool(WRITER) as pool, EventWriter(pool) as writer:
        await asyncio.gather(*(writer.write(event, timeout_seconds=20) for event in events))


def numbers(events: Any) -> list[int]:
    return [int(event.columns["correlation_id"].rpartition("-")[2]) for event in events]


async def all_pages(reader: EventReader, query: EventQuery, most: int) -> list[StoredEvent]:
    found: list[StoredEvent] = []
    page = await reader.page(query, most)
    while True:
        found += page.events
        if not page.has_more:
            return found
        page = await reader.page(query, most, page.events[-1].place, page.position)


def record_five(database: TestDatabase) -> None:
    """Four that readers see, of two namespaces and two months, and one that is nobody's."""
    record(
        database,
        [
            an_event(1, at=utc_now()),
            old_event(2, 40, top_workflow_id="other"),
            an_event(3, at=utc_now(), event_outcome="failure", top_workflow_id=None),
            an_event(4, at=utc_now(), namespace="billing"),
            an_event(5, at=utc_now(), namespace=None),
        ],
    )
