"""Watches: what is recorded from now on, or from an earlier position on.

The database is the only source, so a watch may begin on one replica and go on at another. One look
at it per process tells all watches when there is something new; each then reads its own part.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from workflow_audit.errors import DatabaseError
from workflow_audit.models.query import EventQuery, StoredEvent

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""How often to look; a watch is late by this much at the most."""

RETRY_SECONDS = 1.0
MOST_EVENTS = 500
KEPT_STEPS = 1000


class Recorded(Protocol):
    """What was recorded since a position."""

    @property
    def position(self) -> int:
        """Give the newest position."""
        ...

    @property
    def since(self) -> date:
        """Give the earliest date of an event among them."""
        ...


class Events(Protocol):
    """Where the events are."""

    async def newest_position(self) -> int:
        """Give the position of the event that was recorded last."""
        ...

    async def recorded_since(self, position: int) -> Recorded | None:
        """Tell whether something was recorded behind a position."""
        ...

    async def recorded_between(
        self, query: EventQuery, since: int, until: int, most: int, first_day: date | None
    ) -> Sequence[StoredEvent]:
        """Give events in the order of recording."""
        ...


@dataclass(frozen=True)
class Step:
    """Everything up to a position is there to be read."""

    begins: int
    position: int
    first_day: date | None
    """Behind `begins` no event is of an earlier day; None where that is not known."""


class Tail:
    """Knows what was recorded last."""

    def __init__(self, events: Events) -> None:
        """Take the database; nothing is asked yet."""
        self._events = events
        self._steps: deque[Step] = deque(maxlen=KEPT_STEPS)
        self._position: int | None = None
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self._look()
            except DatabaseError as error:
                log.warning("watches wait: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
            await asyncio.sleep(LOOK_SECONDS)

    async def beyond(self, position: int, seconds: float) -> Step | None:
        """Wait until there is something behind a position; None when there is not in time."""
        try:
            async with asyncio.timeout(seconds):
                while self._position is None or self._position <= position:
                    await self._moved.wait()
        except TimeoutError:
            return None
        days = [step.first_day for step in self._steps if step.position > position]
        # Who is further behind than the steps that are kept cannot be told from which day on.
        known = bool(self._steps) and self._steps[0].begins <= position and None not in days
        first_day = min((day for day in days if day), default=None) if known else None
        return Step(position, self._position, first_day)

    async def _look(self) -> None:
        if self._position is None:
            self._move(Step(-1, await self._events.newest_position(), None))
            return
        while recorded := await self._events.recorded_since(self._position):
            self._move(Step(self._position, recorded.position, recorded.since))

    def _move(self, step: Step) -> None:
        self._steps.append(step)
        self._position = step.position
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


@dataclass(frozen=True)
class Watching:
    """Follows what is recorded, for one reader after the other."""

    events: Events
    tail: Tail
    monotonic: Callable[[], float]

    async def follow(
        self, query: EventQuery, since: int | None, seconds: float, idle_seconds: float
    ) -> AsyncIterator[tuple[Sequence[StoredEvent], int]]:
        """Give events as they are recorded, with the position that is reached.

        Args:
            query: which events.
            since: position behind which to begin; None is the newest.
            seconds: how long.
            idle_seconds: after how long without any event the position is given alone.
        """
        ends = self.monotonic() + seconds
        position = await self.events.newest_position() if since is None else since
        while (left := ends - self.monotonic()) > 0:
            step = await self.tail.beyond(position, min(left, idle_seconds))
            if step is None:
                yield (), position
                continue
            try:
                events = await self.events.recorded_between(
                    query, position, step.position, MOST_EVENTS, step.first_day
                )
            except DatabaseError as error:
                log.warning("a watch waits: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            full = len(events) == MOST_EVENTS
            position = events[-1].position if full else step.position
            if events:
                yield events, position
