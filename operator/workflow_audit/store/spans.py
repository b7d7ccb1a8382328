"""Which months a page looks into first.

PostgreSQL plans and opens every partition that a statement may touch, although the newest one alone
nearly always fills a page: with a year of events that is most of a page's time. So a page asks for
the newest weeks first, and for what is before them only when they have too little.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from workflow_audit.models.query import EventQuery, Place
from workflow_audit.store.filters import Where, month

ENOUGH = timedelta(days=7)
"""Of the newest events, so that a month that has just begun does not stand alone."""

SCATTERED = frozenset({"event_id", "correlation_id"})
"""Fields with so few events for one value that a page takes all of them, wherever they are."""


@dataclass(frozen=True)
class Span:
    """Events from one day on, and before another; both are first days of months."""

    first_day: date | None = None
    next_day: date | None = None

    def add_to(self, found: Where) -> None:
        """Demand it."""
        if self.first_day:
            found.add("event_date >= {month}", month=self.first_day)
        if self.next_day:
            found.add("event_date < {month}", month=self.next_day)


EVER = Span()


def spans(query: EventQuery, now: datetime, after: Place | None = None) -> tuple[Span, ...]:
    """Give the spans in which a page looks for its events, the newest first.

    Together they are all of time, and do not overlap: whatever `now` is, nothing is left out.

    Args:
        query: which events.
        now: hardly any event is later.
        after: where the page before has ended.
    """
    if any(each.field in SCATTERED and each.test == "in" for each in query.conditions):
        return (EVER,)
    ends = [now, query.until, after and after.event_timestamp]
    try:
        boundary = month(min(end for end in ends if end) - ENOUGH)
    except OverflowError:  # before the first day that there is
        return (EVER,)
    if query.since and boundary <= month(query.since):
        return (EVER,)
    return (Span(first_day=boundary), Span(next_day=boundary))
