"""Remove searches that are done and old from the cluster; their events stay."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from workflow_audit import metrics
from workflow_audit.errors import ClusterError, PolicyError
from workflow_audit.models.quantities import span_seconds
from workflow_audit.models.search import Metadata
from workflow_audit.services.preparing import ApplyingPolicy

log = logging.getLogger(__name__)

LONGEST_PERIOD_SECONDS = 300.0
SHORTEST_PERIOD_SECONDS = 1.0
PARTS = 10
"""A search stays at most a tenth of its time too long."""


class Policies(Protocol):
    """Says which policy applies."""

    async def applying(
        self, search: Metadata, timeout_seconds: float | None = None
    ) -> ApplyingPolicy:
        """Give the policy that decides about a search."""
        ...

    def times_to_live(self) -> list[str]:
        """Give the searchTTL of every policy."""
        ...


@dataclass(frozen=True)
class SearchTtl:
    """Removes old searches, at a bounded rate."""

    policies: Policies
    done: Callable[[], AsyncIterator[Metadata]]
    """Gives every search that is recorded or skipped."""

    remove: Callable[[Metadata], Awaitable[bool]]
    clock: Callable[[], datetime]
    """The API server's, which also gave the searches their time."""

    removals_per_second: float
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Go on until cancelled; a start has better things to do than to list what is done."""
        while True:
            await self._pause()
            try:
                await self.once()
            except ClusterError as error:
                log.warning("old searches are not removed: %s", error)

    def policies_changed(self) -> None:
        """Look again sooner, if it is asked for now."""
        self._changed.set()

    async def _pause(self) -> None:
        """Wait for a period, as long as the policies want it to be while it lasts."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while (left := began + self.period_seconds() - loop.time()) > 0:
            self._changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)

    def period_seconds(self) -> float:
        """Give the pause between two looks."""
        times = [span_seconds(ttl) for ttl in self.policies.times_to_live()]
        periods = [max(seconds / PARTS, SHORTEST_PERIOD_SECONDS) for seconds in times if seconds]
        return min([*periods, LONGEST_PERIOD_SECONDS])

    async def once(self) -> None:
        """Look at all searches that are done, and remove those that are old.

        Raises:
            ClusterError: the API server refuses, or cannot be reached.
        """
        removed = 0
        async for search in self.done():
            if await self._is_old(search):
                if await self.remove(search):
                    metrics.SEARCHES_REMOVED.inc()
                    removed += 1
                await asyncio.sleep(1 / self.removals_per_second)
        if removed:
            log.info("removed %d old searches from the cluster", removed)

    async def _is_old(self, search: Metadata) -> bool:
        try:
            policy = await self.policies.applying(search, timeout_seconds=0)
        except PolicyError:
            return False  # what is to become of it is not known
        seconds = span_seconds(policy.rules.retention.search_ttl)
        return seconds > 0 and self.clock() - search.created > timedelta(seconds=seconds)
