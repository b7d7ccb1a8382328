"""A reader's query -> WHERE: only the conditions that are asked for, every value bound.

A filter written as `%(x)s IS NULL OR column = %(x)s` would have one plan for all queries, and that
one reads everything. So conditions are put together from fixed pieces.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg import sql

from workflow_audit.models.query import Condition, EventQuery, Field, Place

COLUMNS: Mapping[Field, sql.Identifier] = {
    name: sql.Identifier(name)
    for name in (
        "event_id", "event_date", "event_type", "event_category", "event_action", "event_outcome",
        "actor_id", "resource_name", "correlation_id", "severity", "top_workflow_id",
    )
}  # fmt: skip

_TYPES: Mapping[str, sql.SQL] = {"event_id": sql.SQL("uuid[]"), "event_date": sql.SQL("date[]")}
_TEXTS = sql.SQL("text[]")


class Where:
    """Conditions that are joined by AND, and their parameters."""

    def __init__(self) -> None:
        self._parts: list[sql.Composable] = []
        self.parameters: dict[str, Any] = {}

    def add(self, condition: str, **pieces: Any) -> None:
        """Add a condition; a piece that is no SQL is a value, and is bound."""
        composed: dict[str, sql.Composable] = {}
        for name, piece in pieces.items():
            if isinstance(piece, sql.Composable):
                composed[name] = piece
            else:
                key = f"p{len(self.parameters)}"
                self.parameters[key] = piece
                composed[name] = sql.Placeholder(key)
        self._parts.append(sql.SQL(condition).format(**composed))

    def sql(self) -> sql.Composable:
        """Give the conditions as SQL."""
        return sql.SQL(" AND ").join(self._parts) if self._parts else sql.SQL("true")


def where(query: EventQuery, *, with_dates: bool = True) -> Where:
    """Give the conditions of a query; events without a namespace are nobody's.

    Args:
        query: which events.
        with_dates: say times as dates too, so that other partitions are left out.
    """
    found = Where()
    if query.namespace is None:
        found.add("namespace IS NOT NULL")
    else:
        found.add("namespace = {namespace}", namespace=query.namespace)
    for condition in query.conditions:
        _add_condition(found, condition)
    if query.since:
        found.add("event_timestamp >= {since}", since=query.since)
        if with_dates:
            found.add("event_date >= {month}", month=month(query.since))
    if query.until:
        found.add("event_timestamp < {until}", until=query.until)
        if with_dates:
            found.add("event_date < {month}", month=next_month(query.until))
    return found


def add_place(found: Where, place: Place, *, with_date: bool = True) -> None:
    """Only events behind a place."""
    found.add(
        "(event_timestamp, event_id) < ({at}, {event_id})",
        at=place.event_timestamp,
        event_id=place.event_id,
    )
    if with_date:
        found.add("event_date < {month}", month=next_month(place.event_timestamp))


def _add_condition(found: Where, condition: Condition) -> None:
    column = COLUMNS[condition.field]
    kind = _TYPES.get(condition.field, _TEXTS)
    match condition.test:
        case "exists":
            found.add("{column} IS NOT NULL", column=column)
        case "missing":
            found.add("{column} IS NULL", column=column)
        case "in" if len(condition.values) == 1:
            # One value keeps the order of an index, which ANY would not.
            found.add("{column} = {value}", column=column, value=condition.values[0])
        case "in":
            values = list(condition.values)
            found.add("{column} = ANY ({values}::{kind})", column=column, values=values, kind=kind)
        case "not-in":
            values = list(condition.values)
            found.add(
                "({column} IS NULL OR {column} <> ALL ({values}::{kind}))",
                column=column,
                values=values,
                kind=kind,
            )


def month(at: datetime) -> date:
    """Give the first day of a month, so that earlier partitions are left out.

    Not the very day: the planner would take date and time for two demands that have nothing to do
    with each other, expect too few events, and read an index in full to look for the date.
    """
    return at.astimezone(UTC).date().replace(day=1)


def next_month(at: datetime) -> date:
    """Give the first day of the month behind, so that later partitions are left out."""
    try:
        return (month(at) + timedelta(days=31)).replace(day=1)
    except OverflowError:  # the last month that there is
        return date.max
