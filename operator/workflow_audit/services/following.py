"""Follows what is recorded from now on, over every break of the connection.

What always holds: each event is given once, because a watch goes on behind the last thing that it
was told, bookmarks included.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from workflow_audit.errors import ClusterError
from workflow_audit.models.listing import EventPage, Json, Told
from workflow_audit.services.listing import PASSING

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 15.0


class Events(Protocol):
    """Where the events are."""

    async def page(
        self, parameters: Mapping[str, str], most: int, *, cursor: str = "", position: str = ""
    ) -> EventPage:
        """Give a page of events, the newest first."""
        ...

    def watch(self, parameters: Mapping[str, str], position: str) -> AsyncGenerator[Told, None]:
        """Tell what is recorded behind a position."""
        ...


@dataclass(frozen=True)
class Following:
    """Follows for somebody until he has seen enough."""

    events: Events
    on_wait: Callable[[ClusterError, float], None] = lambda *_: None
    """Told why it is waited, and for how many seconds."""

    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def follow(self, parameters: Mapping[str, str]) -> AsyncGenerator[Json, None]:
        """Give each event that is recorded from now on, without end.

        Raises:
            ClusterError: the API server refuses, or cannot be reached at the start.
        """
        position = (await self.events.page(parameters, 1)).position
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                async with aclosing(self.events.watch(parameters, position)) as told:
                    async for each in told:
                        position, pause = each.position, FIRST_PAUSE_SECONDS
                        if each.kind == "ADDED":
                            yield each.event
            except ClusterError as error:
                if error.status not in PASSING:
                    raise
                pause = max(pause, min(error.retry_after_seconds or 0, LONGEST_PAUSE_SECONDS))
                self.on_wait(error, pause)
            await self.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
