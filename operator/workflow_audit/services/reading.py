"""Give readers the events that they may see.

What always holds: nothing is given before the API server has said that this reader may see it. Only
where the namespace of an event is not known beforehand, it is fetched first and then asked about.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from workflow_audit.domain.cursor import Cursor, opened, sealed
from workflow_audit.errors import EventNotFoundError
from workflow_audit.models.auditlog import AUDIT_EVENT
from workflow_audit.models.query import EventQuery, Page, Place, StoredEvent, Total
from workflow_audit.models.user import Action, User
from workflow_audit.services.accounts import Access, Account, Limits, Request, insist, noted
from workflow_audit.services.counting import (
    Countable,
    Counted,
    counted_with,
    is_to_be_counted,
    remembered,
)


class Snapshot(Countable, Protocol):
    """The events that there are at one moment."""

    async def page(
        self,
        query: EventQuery,
        most: int,
        after: Place | None = None,
        position: int | None = None,
        offset: int = 0,
    ) -> Page:
        """Give the next events of a query, the newest first."""
        ...


class Events(Protocol):
    """Where the events are."""

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Look at them as they are now."""
        ...

    async def page(
        self, query: EventQuery, most: int, after: Place | None = None, position: int | None = None
    ) -> Page:
        """Give the next events of a query, the newest first."""
        ...

    async def event(self, query: EventQuery) -> StoredEvent | None:
        """Give the one event of a query that names its id."""
        ...


@dataclass(frozen=True)
class Listed:
    """A page, and the cursor of the next one; empty for the last."""

    page: Page
    cursor: str = ""
    total: Total | None = None
    """How many events the whole list has; None when nobody asked."""

    remaining: int | None = None
    """How many events follow this page; None when there are none, too many, or nobody asked."""


@dataclass(frozen=True)
class Reading:
    """Reads on behalf of somebody."""

    events: Events
    access: Access
    limits: Limits
    cursor_key: Callable[[], bytes]
    clock: Callable[[], datetime]
    _monotonic: Callable[[], float] = field(default=time.monotonic)

    async def page(
        self,
        request: Request,
        most: int,
        cursor: str = "",
        position: int | None = None,
        offset: int = 0,
        *,
        counted: Counted | None = None,
    ) -> Listed:
        """Give a page of events.

        Args:
            request: who asks for what.
            most: events at the most.
            cursor: of the page before; empty for the first.
            position: nothing that was recorded behind it; None is the newest.
            offset: how many to skip.
            counted: which events are to be counted, once: cursors remember it.

        Raises:
            ForbiddenError: he may not.
            InvalidFieldError, CursorExpiredError: the cursor is none, or not any more.
            DatabaseUnavailableError: try again later.
        """
        async with self.accounted(request) as account:
            begun = self._opened(request, cursor) if cursor else None
            after = begun.place if begun else None
            position = begun.position if begun else position
            query, skipped = request.query, None if begun else offset
            if offset or is_to_be_counted(counted, begun):
                async with self.events.snapshot() as now:
                    page = await now.page(query, most, after, position, offset)
                    number = await counted_with(
                        now, query, page, counted, offset=skipped, position=position
                    )
            else:
                page = await self.events.page(query, most, after, position)
                number = remembered(counted, begun, page)
            account.rows = len(page.events)
            following = self._next(request, page, number)
            return _listed(page, following, counted, number, 0 if cursor else _seen(page, offset))

    async def event(self, request: Request) -> StoredEvent:
        """Give the one event of a query.

        Raises:
            ForbiddenError: he may not.
            EventNotFoundError: there is none, or not in this namespace.
        """
        async with self.accounted(request) as account:
            event = await self.events.event(request.query)
            if event is None:
                raise _missing(request)
            account.rows = 1
            return event

    async def event_by_id(self, request: Request) -> StoredEvent:
        """Give the one event of a query, in whatever namespace it is.

        Whoever may not see it learns nothing: the answer is the same as where there is none.

        Raises:
            ForbiddenError: he has named a namespace and may not read this name there.
            EventNotFoundError: there is none that he may see.
        """
        async with noted(request, self.limits, self._monotonic) as account:
            event = await self.events.event(request.query)
            if event and await self._may_get(request.reader, event):
                account.rows = 1
                return event
            if event:
                account.outcome = "forbidden"
            if request.action.namespace:
                await insist(self.access, request)
            raise _missing(request)

    @asynccontextmanager
    async def accounted(self, request: Request) -> AsyncIterator[Account]:
        """Let somebody read who may, and note it afterwards.

        Raises:
            ForbiddenError: he may not; that is noted too.
            TooManyRequestsError: he asks too much; that too.
        """
        async with noted(request, self.limits, self._monotonic) as account:
            await insist(self.access, request)
            yield account

    async def _may_get(self, reader: User, event: StoredEvent) -> bool:
        """Ask about the type first: that answer serves for the next event too."""
        namespace = event.columns["namespace"]
        for name in (event.columns["event_type"], str(event.columns["event_id"])):
            if await self.access.allowed(reader, Action("get", namespace, name)):
                return True
        return False

    def _opened(self, request: Request, cursor: str) -> Cursor:
        key, now = self.cursor_key(), self.clock()
        return opened(cursor, request.query, key, now, request.cursor_parameter)

    def _next(self, request: Request, page: Page, number: int | None) -> str:
        if not page.has_more:
            return ""
        now = self.clock()
        cursor = Cursor(page.events[-1].place, page.position, request.begun or now, number)
        return sealed(cursor, request.query, self.cursor_key(), now)


def _listed(
    page: Page, cursor: str, counted: Counted | None, number: int | None, seen: int
) -> Listed:
    if number is None or counted is None:
        return Listed(page, cursor)
    if counted == "behind the page":
        return Listed(page, cursor, remaining=number)
    return Listed(page, cursor, Total.of(number, seen))


def _seen(page: Page, offset: int) -> int:
    """Give how many events there are at least; a page behind the end of its list tells nothing."""
    return offset + len(page.events) + page.has_more if page.events else 0


def _missing(request: Request) -> EventNotFoundError:
    resource = f"{AUDIT_EVENT.plural}.{AUDIT_EVENT.group}"
    return EventNotFoundError(f'{resource} "{request.action.name}" not found')
