"""How much one user may ask, so that nobody else has to wait for him.

What always holds:
- A user has at most so many requests in work at a time; further ones wait a moment for their turn.
- Over a longer time he asks at a rate, after a rest some at once.
- What is remembered of users is bounded; those that were idle for longest are forgotten first, and
  then begin with a full burst.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cachetools import LRUCache

from workflow_audit.domain.rates import Bucket, Rate, taken
from workflow_audit.errors import TooManyRequestsError

MOST_REMEMBERED = 10_000
"""Users of whom it is known how much they asked; about 3 MB."""

LONGEST_WAIT_SECONDS = 2.0
"""For a turn; answers usually take milliseconds, so who waits longer asks for much."""

LONGEST_LINE = 100
"""Requests of one user that wait for their turn."""

AGAIN_SECONDS = 1.0


@dataclass
class _Places:
    """A user's requests that are in work or wait for it."""

    free: asyncio.Semaphore
    requests: int = field(default=0)


class Limits:
    """Admits requests by their users' names."""

    def __init__(self, rate: Rate | None, at_once: int, monotonic: Callable[[], float]) -> None:
        """Begin with nobody known.

        Args:
            rate: of each user; None for any.
            at_once: most requests in work of each user; 0 for any number.
            monotonic: seconds of a clock that only goes forward.
        """
        self._rate, self._at_once, self._monotonic = rate, at_once, monotonic
        self._buckets: LRUCache[str, Bucket] = LRUCache(MOST_REMEMBERED)
        self._places: dict[str, _Places] = {}

    @property
    def remembered(self) -> int:
        """Give how many users something is known of."""
        return len(self._buckets.keys() | self._places.keys())

    @asynccontextmanager
    async def admitted(self, user: str) -> AsyncIterator[None]:
        """Let a request be worked on for as long as the block takes.

        Raises:
            TooManyRequestsError: the user asks too often, or for too much at a time.
        """
        self._take(user)
        if not self._at_once:
            yield
            return
        places = self._places.setdefault(user, _Places(asyncio.Semaphore(self._at_once)))
        places.requests += 1
        try:
            await self._turn(places)
            try:
                yield
            finally:
                places.free.release()
        finally:
            places.requests -= 1
            if not places.requests:
                del self._places[user]

    def _take(self, user: str) -> None:
        if self._rate is None:
            return
        self._buckets[user], wait = taken(self._rate, self._buckets.get(user), self._monotonic())
        if wait:
            allowed = f"at most {self._rate.per_second:g} a second for one user"
            raise TooManyRequestsError(f"too many requests: {allowed}", wait, "rate")

    async def _turn(self, places: _Places) -> None:
        if not places.free.locked():
            await places.free.acquire()  # which does not wait then
            return
        if places.requests <= self._at_once + LONGEST_LINE:
            try:
                async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                    await places.free.acquire()
            except TimeoutError:
                pass
            else:
                return
        allowed = f"at most {self._at_once} at a time for one user"
        raise TooManyRequestsError(f"too many requests: {allowed}", AGAIN_SECONDS, "concurrency")
