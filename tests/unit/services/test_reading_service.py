"""Nobody gets an event before the API server has allowed it, and every attempt is noted."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from workflow_audit import metrics
from workflow_audit.domain.rates import Rate
from workflow_audit.errors import EventNotFoundError, ForbiddenError, TooManyRequestsError
from workflow_audit.models.query import EventQuery, Page, Place, StoredEvent, Total
from workflow_audit.models.user import Action, User
from workflow_audit.services.accounts import Request
from workflow_audit.services.limiting import Limits
from workflow_audit.services.reading import Reading

NOW = datetime(2026, 11, 24, 10, 31, 7, tzinfo=UTC)
ID = UUID(int=7)
ADA = User("ada")
EVENT = StoredEvent(
    {"event_id": ID, "event_type": "t", "namespace": "payments", "event_timestamp": NOW},
    b"{}",
    None,
    1,
)


@dataclass
class Events:
    """As many events as it is told, on pages."""

    events: Sequence[StoredEvent]
    counts: list[int] = field(default_factory=list)
    first_page: int = 0
    """Events on it, for a count of what is behind it."""

    async def page(
        self,
        query: EventQuery,
        most: int,
        after: Place | None = None,
        position: int | None = None,
        offset: int = 0,
    ) -> Page:
        rest = self.events[offset:]
        return Page(rest[:most], len(rest) > most, 1)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["Events"]:
        yield self

    async def event(self, query: EventQuery) -> StoredEvent | None:
        return self.events[0] if self.events else None

    async def count(
        self, query: EventQuery, most: int, after: Place | None = None, position: int | None = None
    ) -> int:
        self.counts.append(most)
        there = len(self.events) - (self.first_page if after else 0)
        return min(there, most)


@dataclass
class Access:
    """Allows what it is told."""

    actions: tuple[Action, ...]

    async def allowed(self, user: User, action: Action) -> bool:
        return action in self.actions


def reading(
    events: Sequence[StoredEvent], *actions: Action, limits: Limits | None = None
) -> Reading:
    limits = limits or Limits(None, 0, lambda: 0.0)
    return Reading(Events(events), Access(actions), limits, lambda: b"k" * 32, lambda: NOW)


def wanted(namespace: str | None = None) -> Request:
    return Request(ADA, Action("get", namespace, str(ID)), EventQuery(namespace), "rest")


OF_THE_TYPE = Action("get", "payments", "t")
OF_THE_ID = Action("get", "payments", str(ID))


@pytest.mark.parametrize("namespace", [None, "payments"])
@pytest.mark.parametrize("right", [OF_THE_TYPE, OF_THE_ID])
async def test_a_right_to_the_type_or_to_the_id_is_enough(
    namespace: str | None, right: Action
) -> None:
    assert await reading([EVENT], right).event_by_id(wanted(namespace)) is EVENT


@pytest.mark.parametrize(
    ("events", "namespace", "rights", "error"),
    [
        pytest.param([EVENT], None, (), EventNotFoundError, id="hidden"),
        pytest.param([], None, (), EventNotFoundError, id="absent"),
        pytest.param([EVENT], "payments", (), ForbiddenError, id="hidden-where-he-asks"),
        pytest.param([], "payments", (), ForbiddenError, id="absent-where-he-may-not-ask"),
        pytest.param([], "payments", (OF_THE_ID,), EventNotFoundError, id="absent-where-he-may"),
        pytest.param([EVENT], None, (Action("list"),), EventNotFoundError, id="another-verb"),
        pytest.param(
            [EVENT], None, (Action("get", "billing", "t"),), EventNotFoundError, id="elsewhere"
        ),
    ],
)
async def test_who_has_no_right_learns_nothing(
    events: Sequence[StoredEvent],
    namespace: str | None,
    rights: tuple[Action, ...],
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        await reading(events, *rights).event_by_id(wanted(namespace))


async def test_a_hidden_event_is_noted_as_what_it_is(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for events, outcome in (([EVENT], "forbidden"), ([], "failed")):
        with pytest.raises(EventNotFoundError):
            await reading(events).event_by_id(wanted())
        noted: Any = caplog.records[-1]
        assert (noted.user, noted.outcome, noted.rows) == ("ada", outcome, 0)


@pytest.mark.parametrize(
    ("there_are", "most", "offset", "number", "asked"),
    [
        pytest.param(3, 5, 0, 3, False, id="the-only-page-tells-it"),
        pytest.param(3, 2, 2, 3, False, id="so-does-the-last-one"),
        pytest.param(0, 5, 0, 0, False, id="so-does-nothing"),
        pytest.param(3, 2, 0, 3, True, id="more-pages-do-not"),
        pytest.param(3, 2, 9, 3, True, id="beyond-the-end-does-not"),
    ],
)
async def test_events_are_counted_only_where_a_page_does_not_tell(
    there_are: int, most: int, offset: int, number: int, asked: bool
) -> None:
    service = reading([EVENT] * there_are, Action("list"))
    request = Request(ADA, Action("list"), EventQuery(), "rest")
    listed = await service.page(request, most, offset=offset, counted="the whole list")
    assert listed.total
    assert (listed.total.number, listed.total.is_exact) == (number, True)
    assert bool(service.events.counts) == asked  # type: ignore[attr-defined]
    if listed.cursor:
        await service.page(request, most, listed.cursor, counted="the whole list")
        assert len(service.events.counts) == 1, "its cursor remembers"  # type: ignore[attr-defined]


async def test_an_offset_alone_counts_nothing_and_its_cursor_knows_nothing() -> None:
    service = reading([EVENT] * 5, Action("list"))
    request = Request(ADA, Action("list"), EventQuery(), "rest")
    listed = await service.page(request, 2, offset=1)
    assert len(listed.page.events) == 2
    assert (listed.total, listed.remaining) == (None, None)
    assert service.events.counts == []  # type: ignore[attr-defined]
    await service.page(request, 2, listed.cursor, counted="the whole list")
    assert len(service.events.counts) == 1, "not taken from a cursor"  # type: ignore[attr-defined]


async def test_who_asks_too_often_is_refused_noted_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    served = reading([EVENT], OF_THE_ID, limits=Limits(Rate(1, 1), 1, lambda: 0.0))
    counter = metrics.QUERY_REFUSALS.labels("rest", "rate")
    before = counter._value.get()
    assert await served.event_by_id(wanted()) is EVENT
    with pytest.raises(TooManyRequestsError):
        await served.event_by_id(wanted())
    noted: Any = caplog.records[-1]
    assert (noted.user, noted.outcome, noted.rows) == ("ada", "limited", 0)
    assert noted.getMessage() == "audit events were not read"
    assert counter._value.get() == before + 1


@pytest.mark.parametrize(
    ("there_are", "most", "remaining", "later", "asked"),
    [
        pytest.param(3, 5, None, None, 0, id="nothing-follows-the-only-page"),
        pytest.param(7, 2, 5, 3, 1, id="cursors-take-their-own-off"),
        pytest.param(1_002, 2, 1_000, 998, 1, id="up-to-the-bound"),
        pytest.param(1_003, 2, None, None, 1, id="beyond-it-nobody-knows"),
    ],
)
async def test_what_follows_a_page_is_counted_once(
    there_are: int, most: int, remaining: int | None, later: int | None, asked: int
) -> None:
    service = reading([EVENT] * there_are, Action("list"))
    service.events.first_page = most  # type: ignore[attr-defined]
    request = Request(ADA, Action("list"), EventQuery(), "kubernetes")
    listed = await service.page(request, most, counted="behind the page")
    assert listed.remaining == remaining
    if listed.cursor:
        following = await service.page(request, most, listed.cursor, counted="behind the page")
        assert following.remaining == later
    assert len(service.events.counts) == asked  # type: ignore[attr-defined]


async def test_behind_a_page_that_was_not_counted_nobody_knows_what_follows() -> None:
    service = reading([EVENT] * 9, Action("list"))
    request = Request(ADA, Action("list"), EventQuery(), "kubernetes")
    page = await service.page(request, 2, counted="behind the page")
    page = await service.page(request, 2, page.cursor)
    page = await service.page(request, 2, page.cursor, counted="behind the page")
    assert page.cursor, "something follows"
    assert page.remaining is None


@pytest.mark.parametrize(
    ("offset", "total"),
    [
        pytest.param(0, Total(1000, is_exact=False), id="the-bound"),
        pytest.param(980, Total(1000, is_exact=False), id="fewer-were-seen"),
        pytest.param(990, Total(1001, is_exact=False), id="one-more-than-was-seen"),
        pytest.param(1992, Total(2002, is_exact=False), id="the-last-page"),
        pytest.param(3000, Total(1000, is_exact=False), id="beyond-the-end"),
    ],
)
async def test_a_total_beyond_the_bound_is_not_below_what_was_seen(
    offset: int, total: Total
) -> None:
    service = reading([EVENT] * 2002, Action("list"))
    request = Request(ADA, Action("list"), EventQuery(), "rest")
    assert (await service.page(request, 10, offset=offset, counted="the whole list")).total == total


@pytest.mark.parametrize(
    ("rights", "allowed"),
    [
        pytest.param((Action("list", "payments", str(ID)),), True, id="of-the-id"),
        pytest.param((Action("list", "payments", "t"),), True, id="of-the-type"),
        pytest.param((Action("list", "payments", "other"),), False, id="of-another-type"),
        pytest.param((Action("list", "billing", "t"),), False, id="elsewhere"),
    ],
)
async def test_who_asks_for_an_id_and_a_type_needs_a_right_to_one_of_them(
    rights: tuple[Action, ...], allowed: bool
) -> None:
    action = Action("list", "payments", str(ID))
    request = Request(ADA, action, EventQuery("payments"), "kubernetes", other_names=("t",))
    if allowed:
        assert (await reading([EVENT], *rights).page(request, 1)).page.events == [EVENT]
    else:
        with pytest.raises(ForbiddenError, match=f'"{ID}" is forbidden'):
            await reading([EVENT], *rights).page(request, 1)
