"""What a reader asks for, and the pages that answer it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

Field = Literal[
    "event_id",
    "event_date",
    "event_type",
    "event_category",
    "event_action",
    "event_outcome",
    "actor_id",
    "resource_name",
    "correlation_id",
    "severity",
    "top_workflow_id",
]
"""Columns that readers may select by."""

Value = str | UUID | date

LONGEST_PAGE = 1000
"""Most events in one answer."""

FARTHEST_OFFSET = 10_000
"""Most events that may be skipped: each takes a look at an index, or at the event without one."""

MOST_COUNTED = 1000
"""Up to how many events are counted. An index does that in a millisecond; where a field has none,
each event is looked at, on a page of its own at worst, and ten thousand would take longer than
everything else that a list needs."""


@dataclass(frozen=True)
class Condition:
    """One demand on one field."""

    field: Field
    test: Literal["in", "not-in", "exists", "missing"]
    """not-in holds also where the field is missing, as in the Kubernetes API."""

    values: tuple[Value, ...] = ()
    """For in and not-in."""


@dataclass(frozen=True)
class EventQuery:
    """Which events are asked for: those that meet every demand."""

    namespace: str | None = None
    """None is all of them."""

    conditions: tuple[Condition, ...] = ()
    since: datetime | None = None
    """Events of this time and later ones."""

    until: datetime | None = None
    """Events before this time."""

    @property
    def is_unfiltered(self) -> bool:
        """Tell whether it asks for all events of its namespace, or of all namespaces."""
        return self == EventQuery(self.namespace)


@dataclass(frozen=True)
class Place:
    """Where a page has ended: events are listed by time and then id, the newest first."""

    event_timestamp: datetime
    event_id: UUID


@dataclass(frozen=True)
class StoredEvent:
    """One row of audit_events as readers get it; names are those of the columns."""

    columns: dict[str, Any]
    event_data: bytes
    """JSON as the database writes it, so that it need not be read and written again."""

    event_metadata: bytes | None
    position: int
    """Its place in the order of recording; 0 for events from before this order was kept."""

    @property
    def place(self) -> Place:
        """Give where a page ends that ends with it."""
        return Place(self.columns["event_timestamp"], self.columns["event_id"])


@dataclass(frozen=True)
class Total:
    """How many events a query has."""

    number: int
    is_exact: bool
    """False: there are at least so many."""

    @classmethod
    def of(cls, counted: int, seen: int = 0) -> "Total":
        """Give what a count means that stops behind MOST_COUNTED.

        Args:
            counted: events of the query.
            seen: how many there are at least, as the page itself shows.
        """
        return cls(max(min(counted, MOST_COUNTED), seen), counted <= MOST_COUNTED)


@dataclass(frozen=True)
class Page:
    """Some events, and whether there are more."""

    events: Sequence[StoredEvent]
    has_more: bool
    position: int
    """All events up to this position were looked at, and no later ones."""
