"""An export gives each event once, holds one page, and never ends as if cut were complete."""

import logging
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from workflow_audit.domain.rates import Rate
from workflow_audit.errors import (
    ClusterError,
    DatabaseUnavailableError,
    ForbiddenError,
    TooManyRequestsError,
)
from workflow_audit.models.query import EventQuery, Page, Place, StoredEvent
from workflow_audit.models.user import Action, User
from workflow_audit.services.accounts import Request
from workflow_audit.services.exporting import PAGE, TRIES, Exporting
from workflow_audit.services.limiting import Limits

NOW = datetime(2026, 11, 24, 10, 31, 7, tzinfo=UTC)
NO_LIMITS = Limits(None, 0, lambda: 0.0)
REQUEST = Request(User("ada"), Action("list"), EventQuery(), "rest")
DOWN = DatabaseUnavailableError("the database does not answer", 5)
SILENT = ClusterError("the API server does not answer")


def stored(number: int) -> StoredEvent:
    at = NOW + timedelta(seconds=number)
    columns: dict[str, Any] = {"event_id": UUID(int=number), "event_timestamp": at}
    return StoredEvent(columns, b"{}", None, number)


@dataclass
class Database:
    """Events, recorded while somebody exports too; fails as it is told, call by call."""

    count: int
    troubles: dict[int, Exception] = field(default_factory=dict)
    asked: list[int | None] = field(default_factory=list)

    async def page(
        self, query: EventQuery, most: int, after: Place | None, position: int | None
    ) -> Page:
        self.asked.append(position)
        if trouble := self.troubles.get(len(self.asked)):
            raise trouble
        newest = self.count if position is None else position
        self.count += 1
        behind = [stored(n) for n in range(newest, 0, -1)]
        if after:
            behind = [event for event in behind if event.place.event_id < after.event_id]
        return Page(behind[:most], len(behind) > most, newest)


@dataclass
class Access:
    """Allows so many times."""

    times: int = 10**6

    async def allowed(self, user: User, action: Action) -> bool:
        self.times -= 1
        return self.times >= 0


def exporting(
    database: Database, access: Access | None = None, limits: Limits = NO_LIMITS
) -> tuple[Exporting, list[float]]:
    paused: list[float] = []

    async def sleep(seconds: float) -> None:
        paused.append(seconds)

    return Exporting(database, access or Access(), limits, sleep=sleep), paused


async def numbers(service: Exporting) -> list[int]:
    found: list[int] = []
    async with aclosing(service.pages(REQUEST)) as pages:
        async for events in pages:
            found += [event.position for event in events]
    return found


@pytest.mark.parametrize("count", [0, 1, PAGE, PAGE + 1, 3 * PAGE - 1])
async def test_everything_as_it_was_when_it_began(count: int) -> None:
    service, paused = exporting(Database(count))
    assert await numbers(service) == list(range(count, 0, -1))
    assert paused == []


@pytest.mark.parametrize("trouble", [DOWN, SILENT], ids=["database", "api-server"])
async def test_a_short_outage_is_waited_for_and_a_long_one_ends_it(trouble: Exception) -> None:
    short = Database(2 * PAGE, dict.fromkeys(range(2, TRIES + 1), trouble))
    service, paused = exporting(short)
    assert await numbers(service) == list(range(2 * PAGE, 0, -1))
    assert paused == sorted(paused)
    assert sum(paused) < 30
    service, paused = exporting(Database(2 * PAGE, dict.fromkeys(range(2, TRIES + 2), trouble)))
    with pytest.raises(type(trouble)):
        await numbers(service)
    assert len(paused) == TRIES - 1


async def test_without_a_first_page_it_is_said_at_once() -> None:
    service, paused = exporting(Database(1, {1: DOWN}))
    with pytest.raises(DatabaseUnavailableError):
        await numbers(service)
    assert paused == []


async def test_a_right_that_is_taken_away_ends_it() -> None:
    service, _ = exporting(Database(3 * PAGE), Access(times=2))
    with pytest.raises(ForbiddenError):
        await numbers(service)


async def test_the_next_page_is_read_when_somebody_takes_it() -> None:
    database = Database(3 * PAGE)
    service, _ = exporting(database)
    async with aclosing(service.pages(REQUEST)) as pages:
        for taken in range(1, 4):
            await anext(pages)
            assert len(database.asked) == taken


async def test_it_is_noted_how_far_it_came(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    service, _ = exporting(Database(3 * PAGE))
    async with aclosing(service.pages(REQUEST)) as pages:
        await anext(pages)
        await anext(pages)
    await numbers(service)
    service, _ = exporting(Database(3 * PAGE), Access(times=0))
    with pytest.raises(ForbiddenError):
        await numbers(service)
    noted: list[Any] = caplog.records
    assert [(each.outcome, each.rows) for each in noted] == [
        ("cut", 2 * PAGE),
        ("answered", 3 * PAGE + 2),
        ("forbidden", 0),
    ]
    assert [each.message for each in noted] == [
        "audit events were read",
        "audit events were read",
        "audit events were not read",
    ]


async def test_an_export_is_one_request_to_the_limits_of_its_reader() -> None:
    database = Database(3 * PAGE)
    service, _ = exporting(database, limits=Limits(Rate(1, 1), 1, lambda: 0.0))
    assert len(await numbers(service)) == 3 * PAGE
    asked = len(database.asked)
    with pytest.raises(TooManyRequestsError):
        await numbers(service)
    assert len(database.asked) == asked
