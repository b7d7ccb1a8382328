"""The documented reads: each as SQL, as REST and through the aggregated API.

One line in READS adds one. What it asks for is taken from the sample, so that two requests hardly
ever have the same values, and frequent ones come up as often as they are recorded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from workflow_audit.api import analytics, auditevents, rest
from workflow_audit.domain.cursor import Cursor, sealed
from workflow_audit.domain.instants import rfc3339
from workflow_audit.domain.selectors import FIELDS
from workflow_audit.models.auditlog import AUDIT_EVENT, AUDIT_STATISTIC
from workflow_audit.models.query import (
    FARTHEST_OFFSET,
    MOST_COUNTED,
    Condition,
    EventQuery,
    Field,
    Place,
)
from workflow_audit.models.statistics import Statistic
from workflow_audit.store.reading_statements import (
    Statement,
    count_statement,
    event_statement,
    page_statement,
    skip_statement,
)
from workflow_audit.store.spans import spans

PAGE = 50
DAYS = 30
HOURS = 3
"""Statistics of hours are counted event by event, those of days are summed up beforehand."""

STATISTICS = tuple(each.value for each in Statistic)

_SELECTORS = {column: name for name, column in FIELDS.items()}


@dataclass(frozen=True)
class Recorded:
    """What a reader may know of an event, and ask for."""

    event_id: UUID
    namespace: str
    correlation_id: str
    event_type: str
    top_workflow_id: str


@dataclass(frozen=True)
class Sample:
    """Some events, and what all requests have in common."""

    events: Sequence[Recorded]
    position: int
    now: datetime
    near: Sequence[Place]
    """Ends of pages among the newest events."""

    deep: Sequence[Place]
    """The same, with many events before them."""

    cursor_key: bytes

    def event(self, number: int) -> Recorded:
        """Give an event; neighbours in number have nothing in common."""
        return self.events[number % len(self.events)]


@dataclass(frozen=True)
class Asked:
    """One request in each of the ways that there are for it."""

    statements: Sequence[Statement] = ()
    """By SQL; a later one is asked only when those before it have given too little."""

    rest: str | None = None
    aggregated: str | None = None


@dataclass(frozen=True)
class Read:
    """A kind of request."""

    name: str
    ask: Callable[[Sample, int], Asked]
    """For each number another one."""

    is_quick: bool = True
    """Whether it is a keyed look-up or a page, for which the database has 10 ms."""


def _equal(field: Field, value: Any) -> tuple[Condition, ...]:
    return (Condition(field, "in", (value,)),)


def _by(field: Field) -> Callable[[Sample, int], EventQuery]:
    return lambda s, n: EventQuery(conditions=_equal(field, getattr(s.event(n), field)))


def _since(sample: Sample, number: int) -> datetime:
    """Give a time that many days ago; another one each time, so that no two texts are the same."""
    return sample.now - timedelta(days=DAYS, seconds=number)


def _within(sample: Sample, number: int) -> EventQuery:
    return EventQuery(sample.event(number).namespace, since=_since(sample, number))


def _of_type(sample: Sample, number: int) -> EventQuery:
    event = sample.event(number)
    return EventQuery(
        conditions=_equal("event_type", event.event_type), since=_since(sample, number)
    )


def _everything(_: Sample, __: int) -> EventQuery:
    return EventQuery()


def _page(
    query: Callable[[Sample, int], EventQuery],
    *,
    behind: Callable[[Sample], Sequence[Place]] = lambda _: (),
    offset: int = 0,
) -> Callable[[Sample, int], Asked]:
    def ask(sample: Sample, number: int) -> Asked:
        asked, places = query(sample, number), behind(sample)
        place = places[number % len(places)] if places else None
        skipping = [skip_statement(asked, offset)] if offset else []
        pages = [
            page_statement(asked, PAGE + 1, sample.position, place, span=span)
            for span in spans(asked, sample.now, place)
        ]
        return Asked(
            [*skipping, *pages],
            _rest_path(asked, _cursor(sample, asked, place), offset),
            None if offset else _aggregated_path(asked, _cursor(sample, asked, place)),
        )

    return ask


def _count(query: Callable[[Sample, int], EventQuery]) -> Callable[[Sample, int], Asked]:
    """Give what REST's `total` costs the database; there is no request for it alone."""

    def ask(sample: Sample, number: int) -> Asked:
        return Asked([count_statement(query(sample, number), MOST_COUNTED + 1)])

    return ask


def _one(sample: Sample, number: int) -> Asked:
    event = sample.event(number)
    query = EventQuery(event.namespace, _equal("event_id", event.event_id))
    place = f"namespaces/{event.namespace}/{AUDIT_EVENT.plural}/{event.event_id}"
    return Asked(
        [event_statement(query)],
        f"{rest.ROOT}/{event.event_id}?namespace={event.namespace}",
        f"{auditevents.ROOT}/{place}",
    )


def _statistic(name: str, since: str, *, in_one_namespace: bool = False) -> Read:
    def ask(sample: Sample, number: int) -> Asked:
        namespace = sample.event(number).namespace if in_one_namespace else None
        within = f"/namespaces/{namespace}" if namespace else ""
        return Asked(
            rest=f"{analytics.ROOT}/{name}?"
            + _query_string({"since": since, "namespace": namespace}),
            aggregated=f"{auditevents.ROOT}{within}/{AUDIT_STATISTIC.plural}/{name}?since={since}",
        )

    where = " in a namespace" if in_one_namespace else ""
    return Read(f"{name}, {since}{where}", ask, is_quick=False)


FIRST_PAGE = Read("everything, first page", _page(_everything))
NEAR_PAGE = Read(
    "everything, page behind a cursor near the top", _page(_everything, behind=lambda s: s.near)
)
DEEP_PAGE = Read(
    "everything, page behind a cursor far down", _page(_everything, behind=lambda s: s.deep)
)

READS = (
    Read("one event by id", _one),
    Read("by correlation id", _page(_by("correlation_id"))),
    Read("by workflow, first page", _page(_by("top_workflow_id"))),
    Read(f"namespace in {DAYS} days, first page", _page(_within)),
    Read(f"type in {DAYS} days, first page", _page(_of_type)),
    Read(
        "by type, page behind a cursor far down", _page(_by("event_type"), behind=lambda s: s.deep)
    ),
    FIRST_PAGE,
    NEAR_PAGE,
    DEEP_PAGE,
    Read("everything, page by offset", _page(_everything, offset=FARTHEST_OFFSET), is_quick=False),
    Read("total of a correlation id", _count(_by("correlation_id"))),
    Read("total of a workflow", _count(_by("top_workflow_id")), is_quick=False),
    Read(f"total of a namespace in {DAYS} days", _count(_within), is_quick=False),
    Read("total of everything, up to its bound", _count(_everything), is_quick=False),
    *(_statistic(name, f"{DAYS}d") for name in STATISTICS),
    *(_statistic(name, f"{DAYS}d", in_one_namespace=True) for name in STATISTICS),
    *(_statistic(name, f"{HOURS}h") for name in STATISTICS),
)


def _cursor(sample: Sample, query: EventQuery, place: Place | None) -> str | None:
    if place is None:
        return None
    cursor = Cursor(place, sample.position, sample.now, MOST_COUNTED + 1)
    return sealed(cursor, query, sample.cursor_key, sample.now)


def _rest_path(query: EventQuery, cursor: str | None, offset: int) -> str:
    return f"{rest.ROOT}?" + _query_string(
        {each.field: each.values[0] for each in query.conditions}
        | {"namespace": query.namespace, "since": query.since, "cursor": cursor}
        | {"limit": PAGE, "offset": offset or None}
    )


def _aggregated_path(query: EventQuery, cursor: str | None) -> str:
    within = f"/namespaces/{query.namespace}" if query.namespace else ""
    selector = ",".join(f"{_SELECTORS[each.field]}={each.values[0]}" for each in query.conditions)
    return f"{auditevents.ROOT}{within}/{AUDIT_EVENT.plural}?" + _query_string(
        {"fieldSelector": selector or None, "since": query.since, "continue": cursor}
        | {"limit": PAGE}
    )


def _query_string(parameters: dict[str, Any]) -> str:
    texts = {
        name: rfc3339(value) if isinstance(value, datetime) else str(value)
        for name, value in parameters.items()
        if value is not None
    }
    return urlencode(texts)
