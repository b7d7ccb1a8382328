"""Reads events for those who may: pages from the newest on, and what was recorded since.

What always holds:
- A page says up to which position it has looked: with that, a watch goes on without a gap and
  without a repetition, on any replica.
- The next page is as quick as the first, however deep: it starts at a key, and nothing is skipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import sql

from workflow_audit.models.query import EventQuery, Page, Place, StoredEvent
from workflow_audit.store.filters import Where, add_place, where
from workflow_audit.store.pool import Connection, Database
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

NEWEST_FIRST = sql.SQL("event_timestamp DESC, event_id DESC")
AS_RECORDED = sql.SQL("position")
MOST_NEW = 1000


@dataclass(frozen=True)
class Statement:
    """SQL, and the values that are bound in it."""

    sql: sql.Composed
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Recorded:
    """What was recorded since a position."""

    position: int
    """The newest one."""

    since: date
    """The earliest date of an event among them; spares a watch the partitions before it."""


class EventReader:
    """The table, as readers see it."""

    def __init__(self, database: Database) -> None:
        """Take a database of the role workflow_audit_reader."""
        self._database = database

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
            offset: how many to skip. Each of them is read, so it takes longer the deeper it is.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        async with self._database.connection() as connection:
            if position is None:
                position = await _newest_position(connection)
            statement = page_statement(query, most + 1, position, after, offset)
            events = await _events(connection, statement)
        return Page(events[:most], len(events) > most, position)

    async def event(self, query: EventQuery) -> StoredEvent | None:
        """Give the one event of a query that names its id.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        async with self._database.connection() as connection:
            events = await _events(connection, event_statement(query))
        return events[0] if events else None

    async def count(
        self, query: EventQuery, position: int, most: int, after: Place | None = None
    ) -> int:
        """Give how many events a query has up to a position; counting ends at `most`.

        Args:
            query: which events.
            position: up to which.
            most: each event that is counted is read.
            after: behind which place of the list; None is from its beginning.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        statement = count_statement(query, position, most, after)
        async with self._database.connection() as connection:
            cursor = await connection.execute(statement.sql, statement.parameters)
            (number,) = await cursor.fetchone() or (0,)
        return int(number)

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


def page_statement(
    query: EventQuery, most: int, position: int, after: Place | None = None, offset: int = 0
) -> Statement:
    """Give the statement of a page; its plans stand in tests/golden/plans."""
    found = where(query)
    if after:
        add_place(found, after)
    _add_position(found, position)
    return _statement("events", found, {"most": most, "offset": offset}, order=NEWEST_FIRST)


def event_statement(query: EventQuery) -> Statement:
    """Give the statement of one event; there is no list that has to stay as it was."""
    return _statement("events", where(query), {"most": 1, "offset": 0}, order=NEWEST_FIRST)


def count_statement(
    query: EventQuery, position: int, most: int, after: Place | None = None
) -> Statement:
    """Give the statement that counts up to `most`."""
    found = where(query)
    if after:
        add_place(found, after)
    _add_position(found, position)
    return _statement("count_events", found, {"most": most})


def recorded_statement(
    query: EventQuery, since: int, until: int, most: int, first_day: date | None
) -> Statement:
    """Give the statement of what was recorded in between."""
    found = where(query)
    found.add("position > {since} AND position <= {until}", since=since, until=until)
    if first_day:
        found.add("event_date >= {month}", month=first_day.replace(day=1))
    return _statement("events", found, {"most": most, "offset": 0}, order=AS_RECORDED)


def _statement(
    name: str, found: Where, limits: dict[str, int], **pieces: sql.Composable
) -> Statement:
    text = sql.SQL(READING[name].decode())
    bounds = {limit: sql.Placeholder(limit) for limit in limits}
    composed = text.format(where=found.sql(), **pieces, **bounds)
    return Statement(composed, found.parameters | limits)


async def _newest_position(connection: Connection) -> int:
    cursor = await connection.execute(READING["newest_position"])
    (position,) = await cursor.fetchone() or (0,)
    return int(position)


def _add_position(found: Where, position: int) -> None:
    # NULL: recorded before positions were.
    found.add("(position IS NULL OR position <= {position})", position=position)


async def _events(connection: Connection, statement: Statement) -> list[StoredEvent]:
    cursor = await connection.execute(statement.sql, statement.parameters)
    return [_stored(row) async for row in cursor]


def _stored(row: tuple[Any, ...]) -> StoredEvent:
    *values, event_data, event_metadata, position = row
    return StoredEvent(
        columns=dict(zip(COLUMNS, values, strict=True)),
        event_data=event_data.encode(),
        event_metadata=event_metadata.encode() if event_metadata else None,
        position=position,
    )
