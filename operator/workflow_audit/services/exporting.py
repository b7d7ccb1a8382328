"""Gives all events of a query, page by page, to whoever takes one page after the other.

What always holds:
- It shows what was recorded when it began, each event once, however long it takes.
- Nothing is held between two pages: no connection, no transaction, no cursor of the database. One
  page is in memory, and the next one is read when somebody takes it.
- A right that was taken away ends it, as does a database that stays away: with an error, never as
  if that had been all.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from workflow_audit import metrics
from workflow_audit.errors import ClusterError, DatabaseUnavailableError
from workflow_audit.models.query import EventQuery, Page, Place, StoredEvent
from workflow_audit.services.accounts import Access, Limits, Request, insist, noted

PAGE = 200
TRIES = 6
_PAUSES = wait_exponential(multiplier=0.5, max=8)
"""0.5, 1, 2, 4 and 8 s: a restart of the database is waited for, a longer outage is not."""

_PASSING = retry_if_exception_type((ClusterError, DatabaseUnavailableError))


class Events(Protocol):
    """Where the events are."""

    async def page(
        self, query: EventQuery, most: int, after: Place | None, position: int | None
    ) -> Page:
        """Give the next events of a query, the newest first."""
        ...


@dataclass(frozen=True)
class Exporting:
    """Exports on behalf of somebody."""

    events: Events
    access: Access
    limits: Limits
    monotonic: Callable[[], float] = field(default=time.monotonic)
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def pages(self, request: Request) -> AsyncGenerator[Sequence[StoredEvent], None]:
        """Give all events of a query, the newest first; at least one page, which may be empty.

        Raises:
            ForbiddenError: he may not, or not any more.
            DatabaseUnavailableError, ClusterError: at once before the first page; later only when
                it does not answer for too long.
        """
        async with noted(request, self.limits, self.monotonic, timed=False) as account:
            page = await self._page(request, None, None)
            account.rows = len(page.events)
            yield page.events
            retrying = AsyncRetrying(
                retry=_PASSING,
                stop=stop_after_attempt(TRIES),
                wait=_PAUSES,
                sleep=self.sleep,
                reraise=True,
            )
            while page.has_more:
                last = page.events[-1].place
                page = await retrying(self._page, request, last, page.position)
                account.rows += len(page.events)
                yield page.events

    async def _page(self, request: Request, after: Place | None, position: int | None) -> Page:
        began = self.monotonic()
        await insist(self.access, request)
        page = await self.events.page(request.query, PAGE, after, position)
        metrics.QUERY_DURATION.labels(request.endpoint).observe(self.monotonic() - began)
        return page
