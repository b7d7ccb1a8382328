"""Work by key: added twice it is done once, never twice at a time, and again after a failure."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from workflow_audit.errors import AuditError

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0


class WorkQueue(Generic[K]):
    """Keys that have work to do.

    Whoever changes something adds its key, as often as it likes. The work reads the present state
    when it begins, so that two hundred changes within a moment are one piece of work.
    """

    def __init__(self) -> None:
        self._waiting: dict[K, None] = {}
        self._busy: set[K] = set()
        self._failures: dict[K, int] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._added = asyncio.Event()

    def add(self, key: K) -> None:
        """Have the work of a key done, soon."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        self._waiting[key] = None
        self._added.set()

    async def run(self, work: Callable[[K], Awaitable[float | None]], workers: int = 4) -> None:
        """Do what is added, until cancelled.

        Args:
            work: gives the seconds after which it is to be done again, None for not at all.
            workers: keys that are worked on at a time.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work(work))

    async def _work(self, work: Callable[[K], Awaitable[float | None]]) -> None:
        while True:
            key = await self._next()
            try:
                again_seconds = await work(key)
                self._failures.pop(key, None)
            except AuditError as error:
                again_seconds = self._pause(key)
                log.warning("%s: %s; again in %.0f s", key, error, again_seconds)
            except Exception:  # a mistake of ours in one key must not stop the others
                again_seconds = self._pause(key)
                log.exception("%s failed; again in %.0f s", key, again_seconds)
            finally:
                self._busy.discard(key)
            if key in self._waiting:
                self._added.set()
            elif again_seconds is not None:
                loop = asyncio.get_running_loop()
                self._timers[key] = loop.call_later(again_seconds, self.add, key)

    async def _next(self) -> K:
        while True:
            for key in self._waiting:
                if key not in self._busy:
                    del self._waiting[key]
                    self._busy.add(key)
                    return key
            self._added.clear()
            await self._added.wait()

    def _pause(self, key: K) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        pause: float = min(FIRST_PAUSE_SECONDS * 2 ** (failures - 1), LONGEST_PAUSE_SECONDS)
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, no secret
