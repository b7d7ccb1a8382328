"""Watches give every event once and in order, whatever the database does meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from support.eventually import eventually_async
from workflow_audit.errors import DatabaseUnavailableError
from workflow_audit.models.query import EventQuery, StoredEvent
from workflow_audit.services import watching
from workflow_audit.services.watching import Tail, Watching
from workflow_audit.store.reader import Recorded

ALL = EventQuery()
TODAY, EARLIER = date(2026, 11, 24), date(2026, 1, 2)
DOWN = DatabaseUnavailableError("the database does not answer", 5)


def stored(position: int, day: date = TODAY) -> StoredEvent:
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    columns: dict[str, Any] = {"event_id": UUID(int=position), "event_timestamp": at}
    return StoredEvent(columns | {"event_date": day}, b"{}", None, position)


@dataclass
class Database:
    """Events in the order of recording; away while `away` says so."""

    events: list[StoredEvent] = field(default_factory=list)
    away: bool = False
    asked: list[tuple[int, int, date | None]] = field(default_factory=list)

    def record(self, *days: date) -> None:
        for day in days:
            self.events.append(stored(len(self.events) + 1, day))

    async def newest_position(self) -> int:
        self._answer()
        return len(self.events)

    async def recorded_since(self, position: int) -> Recorded | None:
        self._answer()
        new = self.events[position:]
        return (
            Recorded(new[-1].position, min(e.columns["event_date"] for e in new)) if new else None
        )

    async def recorded_between(
        self, query: EventQuery, since: int, until: int, most: int, first_day: date | None
    ) -> Sequence[StoredEvent]:
        self._answer()
        assert query == ALL
        self.asked.append((since, until, first_day))
        found = [
            event
            for event in self.events[since:until]
            if first_day is None or event.columns["event_date"] >= first_day
        ]
        return found[:most]

    def _answer(self) -> None:
        if self.away:
            raise DOWN


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(watching, "RETRY_SECONDS", 0.001)


@asynccontextmanager
async def running(database: Database) -> AsyncIterator[Watching]:
    tail = Tail(database)
    task = asyncio.create_task(tail.run())
    try:
        yield Watching(database, tail, asyncio.get_running_loop().time)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Watcher:
    """Takes what a watch gives."""

    def __init__(
        self, watching: Watching, since: int | None, seconds: float = 30, idle: float = 30
    ) -> None:
        self.positions: list[int] = []
        self.idle: list[int] = []
        self._task = asyncio.create_task(self._follow(watching, since, seconds, idle))

    async def _follow(
        self, watching: Watching, since: int | None, seconds: float, idle: float
    ) -> None:
        async for events, position in watching.follow(ALL, since, seconds, idle):
            self.positions += [event.position for event in events]
            if not events:
                self.idle.append(position)

    async def has(self, *positions: int) -> None:
        await eventually_async(lambda: len(self.positions) >= len(positions), within_seconds=10)
        assert self.positions == list(positions)

    async def ended(self) -> None:
        await asyncio.wait_for(self._task, 10)

    def stop(self) -> None:
        self._task.cancel()


async def test_from_a_position_on_and_from_now_on() -> None:
    database = Database()
    database.record(TODAY, TODAY, TODAY)
    async with running(database) as watching:
        earlier, from_now = Watcher(watching, 1), Watcher(watching, None)
        await earlier.has(2, 3)
        database.record(EARLIER, TODAY)
        await earlier.has(2, 3, 4, 5)
        await from_now.has(4, 5)
        for watcher in (earlier, from_now):
            watcher.stop()


async def test_who_is_up_to_date_is_spared_the_partitions_before_what_is_new() -> None:
    database = Database()
    database.record(TODAY)
    async with running(database) as watching:
        watcher = Watcher(watching, 1)
        await asyncio.sleep(0)
        database.record(EARLIER)
        await watcher.has(2)
        database.record(TODAY)
        await watcher.has(2, 3)
        watcher.stop()
    assert database.asked[-2:] == [(1, 2, EARLIER), (2, 3, TODAY)]


async def test_who_is_far_behind_looks_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_EVENTS", 2)
    database = Database()
    database.record(*[TODAY] * 5)
    async with running(database) as watched:
        await eventually_async(lambda: watched.tail._position == 5)
        watcher = Watcher(watched, 0)
        await watcher.has(1, 2, 3, 4, 5)
        watcher.stop()
    assert {first_day for *_, first_day in database.asked} == {None}


async def test_an_outage_delays_and_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    database = Database()
    database.record(TODAY)
    async with running(database) as watching:
        watcher = Watcher(watching, 0)
        await watcher.has(1)
        database.away = True
        database.record(TODAY, TODAY)
        await eventually_async(lambda: "watches wait" in caplog.text)
        assert watcher.positions == [1]
        database.away = False
        await watcher.has(1, 2, 3)
        watcher.stop()


async def test_an_outage_does_not_make_a_watch_endless() -> None:
    database = Database()
    database.record(TODAY)
    async with running(database) as watching:
        await eventually_async(lambda: watching.tail._position == 1)
        database.away = True
        await Watcher(watching, 0, seconds=0.05).ended()


async def test_idle_watches_tell_their_position_and_end_in_time() -> None:
    database = Database()
    database.record(TODAY)
    async with running(database) as watching:
        watcher = Watcher(watching, None, seconds=0.2, idle=0.05)
        await watcher.ended()
    assert watcher.positions == []
    assert len(watcher.idle) >= 2
    assert set(watcher.idle) == {1}


async def test_many_watch_and_each_gets_everything() -> None:
    database = Database()
    async with running(database) as watching:
        watchers = [Watcher(watching, 0) for _ in range(200)]
        for _ in range(20):
            database.record(TODAY)
            await asyncio.sleep(0.001)
        for watcher in watchers:
            await watcher.has(*range(1, 21))
            watcher.stop()


async def test_from_an_empty_database_on_nothing_is_missed() -> None:
    database = Database()
    async with running(database) as watching:
        listed = await database.newest_position()
        database.record(TODAY, TODAY)
        watcher = Watcher(watching, listed)
        await watcher.has(1, 2)
        watcher.stop()
