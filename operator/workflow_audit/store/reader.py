"""Reads events for those who may: pages from the newest on, and what was recorded since.

What always holds:
- A page says up to which position it has looked: with that, a watch goes on without a gap and
  without a repetition, on any replica.
- The next page is as quick as the first, however deep: it starts at a key, and nothing is skipped.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from workflow_audit.models.query import EventQuery, Page, Place, StoredEvent
from workflow_audit.store.pool import Connection, Database
from workflow_audit.store.reading_statements import (
    Statement,
    count_statement,
    event_statement,
    has_an_index_alone,
    page_statement,
    recorded_statement,
    skip_statement,
)
from workflow_audit.store.spans import EVER, spans
from workflow_audit.store.sql import READING

COLUMNS = (
    "event_id", "event_version", "event_timestamp", "event_date", "event_type", "event_category",
    "event_action", "event_outcome", "actor_type", "actor_id", "actor_ip", "resource_type",
    "resource_id", "resource_name", "correlation_id", "parent_event_id", "parent_event_date",
    "trace_id", "span_id", "namespace", "cluster_id", "severity", "duration_ms", "error_code",
    "error_message", "retention_days", "is_sensitive", "legal_hold", "recorded_at",
    "top_workflow_id", "top_confidence",
)  # fmt: skip
"""As the statement `events` gives them; JSON and the position follow."""

MOST_NEW = 1000

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Recorded:
    """What was recorded since a position."""

    position: int
    """The newest one."""

    since: date
    """The earliest date of an event among them; spares a watch the partitions before it."""


class Snapshot:
    """The table at one moment: what is recorded while somebody looks does not show."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        """Take a connection; count and offset need one in a transaction that repeats its reads."""
        self._connection = connection
        self._now = now

    async def page(
        self,
        query: EventQuery,
        most: int,
        after: Place | None = None,
        position: int | None = None,
        offset: int = 0,
    ) -> Page:
        """Give the next events of a query, the newest first.

        Args:
            query: which events.
            most: how many at the most.
            after: where the page before has ended; None for the first.
            position: up to which the page before has looked; None for the first.
            offset: how many to skip, of all there are. Each takes a look, at an index where that
                has all that is asked, so it takes longer the deeper it is.
        """
        if position is None:
            position = await _newest_position(self._connection)
        is_found_at_once = has_an_index_alone(query)
        if offset and is_found_at_once:
            reached = await self._behind(query, offset)
            if reached is None:
                return Page([], has_more=False, position=position)
            query, offset = reached
        parts = spans(query, self._now, after) if is_found_at_once or not offset else (EVER,)
        events: list[StoredEvent] = []
        for span in parts:
            # What is still to be skipped shares the newest moment, and so is in the first part.
            missing, skipped = most + 1 - len(events), 0 if events else offset
            statement = page_statement(query, missing, position, after, skipped, span=span)
            events += await _events(self._connection, statement)
            if len(events) > most:
                break
        return Page(events[:most], len(events) > most, position)

    async def _behind(self, query: EventQuery, offset: int) -> tuple[EventQuery, int] | None:
        """Give the query from the time of the event at an offset on, and how many to skip of it."""
        statement = skip_statement(query, offset)
        cursor = await self._connection.execute(statement.sql, statement.parameters)
        found = await cursor.fetchone()
        if found is None:
            return None
        at, later = found
        return replace(query, until=at + _MICROSECOND), offset - later

    async def count(
        self, query: EventQuery, most: int, after: Place | None = None, position: int | None = None
    ) -> int:
        """Give how many events a query has; counting ends at `most`.

        Args:
            query: which events.
            most: each event that is counted takes a look, at an index where that has all that is
                asked.
            after: behind which place of the list; None is from its beginning.
            position: up to which; None is all there are. One takes longer, as no index has it.
        """
        statement = count_statement(query, most, after, position)
        cursor = await self._connection.execute(statement.sql, statement.parameters)
        (number,) = await cursor.fetchone() or (0,)
        return int(number)


class EventReader:
    """The table, as readers see it."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Take a database of the role workflow_audit_reader, opened for reading only."""
        self._database = database
        self._clock = clock

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Look at the table as it is now, for as long as the block takes.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        async with self._database.connection() as connection, connection.transaction():
            yield Snapshot(connection, self._clock())

    async def page(
        self,
        query: EventQuery,
        most: int,
        after: Place | None = None,
        position: int | None = None,
    ) -> Page:
        """Give a page alone, as Snapshot does; its position stands for its moment.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        async with self._database.connection() as connection:
            snapshot = Snapshot(connection, self._clock())
            return await snapshot.page(query, most, after, position)

    async def event(self, query: EventQuery) -> StoredEvent | None:
        """Give the one event of a query that names its id.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        async with self._database.connection() as connection:
            events = await _events(connection, event_statement(query))
        return events[0] if events else None

    async def recorded_between(
        self, query: EventQuery, since: int, until: int, most: int, first_day: date | None
    ) -> Sequence[StoredEvent]:
        """Give the events of a query behind one position up to another, as they were recorded.

        Args:
            query: which events.
            since: position of the last event that is known already.
            until: last position that is asked for.
            most: how many at the most.
            first_day: there are none before it; None where that is not known.
        """
        statement = recorded_statement(query, since, until, most, first_day)
        async with self._database.connection() as connection:
            return await _events(connection, statement)

    async def newest_position(self) -> int:
        """Give the position of the event that was recorded last."""
        async with self._database.connection() as connection:
            return await _newest_position(connection)

    async def recorded_since(self, position: int) -> Recorded | None:
        """Tell whether something was recorded behind a position."""
        parameters = {"since": position, "most": MOST_NEW}
        async with self._database.connection() as connection:
            cursor = await connection.execute(READING["new_positions"], parameters)
            newest, first_day = await cursor.fetchone() or (None, None)
        return Recorded(newest, first_day) if newest else None


async def _newest_position(connection: Connection) -> int:
    cursor = await connection.execute(READING["newest_position"])
    (position,) = await cursor.fetchone() or (0,)
    return int(position)


async def _events(connection: Connection, statement: Statement) -> list[StoredEvent]:
    cursor = await connection.execute(statement.sql, statement.parameters)
    return [_stored(row) for row in await cursor.fetchall()]


def _stored(row: tuple[Any, ...]) -> StoredEvent:
    *values, event_data, event_metadata, position = row
    return StoredEvent(
        columns=dict(zip(COLUMNS, values, strict=True)),
        event_data=event_data.encode(),
        event_metadata=event_metadata.encode() if event_metadata else None,
        position=position,
    )
