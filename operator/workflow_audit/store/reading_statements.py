"""The statements of readers, put together from the blocks of reading.sql and fixed conditions."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import sql

from workflow_audit.models.query import Condition, EventQuery, Place
from workflow_audit.store.filters import Where, add_place, where
from workflow_audit.store.spans import EVER, Span
from workflow_audit.store.sql import READING

NEWEST_FIRST = sql.SQL("event_timestamp DESC, event_id DESC")
AS_RECORDED = sql.SQL("position")


@dataclass(frozen=True)
class Statement:
    """SQL, and the values that are bound in it."""

    sql: sql.Composed
    parameters: dict[str, Any]


def page_statement(
    query: EventQuery,
    most: int,
    position: int,
    after: Place | None = None,
    offset: int = 0,
    *,
    span: Span = EVER,
) -> Statement:
    """Give the statement of a page; its plans stand in tests/golden/plans."""
    found = where(query)
    if after:
        add_place(found, after)
    span.add_to(found)
    _add_position(found, position)
    return _statement("events", found, {"most": most, "offset": offset}, order=NEWEST_FIRST)


def event_statement(query: EventQuery) -> Statement:
    """Give the statement of one event; there is no list that has to stay as it was."""
    return _statement("events", where(query), {"most": 1, "offset": 0}, order=NEWEST_FIRST)


def count_statement(
    query: EventQuery, most: int, after: Place | None = None, position: int | None = None
) -> Statement:
    """Give the statement that counts up to `most`.

    Without a position, and without dates, which no index has, an index alone answers it; the times
    of the query keep it from what is in other months.
    """
    found = where(query, with_dates=False)
    if after:
        add_place(found, after, with_date=False)
    if position is not None:
        _add_position(found, position)
    return _statement("count_events", found, {"most": most})


def has_an_index_alone(query: EventQuery) -> bool:
    """Tell whether an index has all that a query asks for, so that it counts without the events."""
    match query.conditions:
        case ():
            return True
        case (Condition(field="event_type" | "top_workflow_id", test="in", values=(_,)),):
            return query.namespace is None
    return False


def skip_statement(query: EventQuery, offset: int) -> Statement:
    """Give the statement that finds where a list is behind so many events."""
    return _statement("skip", where(query, with_dates=False), {"offset": offset})


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


def _add_position(found: Where, position: int) -> None:
    # NULL: recorded before positions were.
    found.add("(position IS NULL OR position <= {position})", position=position)
