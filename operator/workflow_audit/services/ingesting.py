"""Record searches that come by HTTP, as those that come as resources.

What always holds:
- What is answered to be recorded is in the database: the answer comes after COMMIT.
- Each event of a batch stands for itself; a bad one sinks nobody.
- Who has sent an event is what the API server says, never what the event says.
- Nobody waits here for room: where there is none, the answer says when to try again.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Literal, Protocol, TypeVar
from uuid import UUID

from pydantic import JsonValue

from workflow_audit.domain.submissions import (
    MOST_AHEAD,
    MOST_BEHIND,
    Submitted,
    sender_of,
    submitted_search,
)
from workflow_audit.errors import (
    AuditError,
    DatabaseError,
    EventConflictError,
    RecordingError,
)
from workflow_audit.models.event import AuditEvent, Written
from workflow_audit.models.user import User
from workflow_audit.services.accounts import Limits
from workflow_audit.services.admitting import Admitting
from workflow_audit.services.ingest_account import Account, Ingested, Result, note
from workflow_audit.services.mistakes import told
from workflow_audit.services.pacing import LEAST_SECONDS, in_time, in_turns
from workflow_audit.services.preparing import (
    ApplyingPolicy,
    Policies,
    Prepared,
    SearchCounts,
    prepared,
)
from workflow_audit.services.shared_looks import StoredDates

log = logging.getLogger(__name__)

T = TypeVar("T")


class Writer(Protocol):
    """Where events go."""

    def insist_on_room(self, events: int) -> None:
        """Raise QueueFullError where so many more may not wait."""
        ...

    async def write_many(
        self, events: Sequence[AuditEvent], timeout_seconds: float | None = None
    ) -> list[Written | DatabaseError]:
        """Give what came of each, after COMMIT."""
        ...


@dataclass(frozen=True)
class _Ready:
    """An event that has only to be written."""

    search: Prepared
    is_keyed: bool

    @property
    def event(self) -> AuditEvent:
        return self.search.event

    @property
    def key(self) -> tuple[UUID, date]:
        return (self.event.event_id, self.event.event_date)


@dataclass(frozen=True)
class _Request:
    """What is to be recorded, and until when it has to be known whether it is."""

    sender: User
    bodies: Sequence[JsonValue]
    key: str | None
    until: float
    """Event loop time."""


@dataclass
class Preparing:
    """How many events are worked on that the writer does not know of yet."""

    events: int = 0

    @contextmanager
    def including(self, events: int) -> Iterator[None]:
        """Count some more for as long as the block takes."""
        self.events += events
        try:
            yield
        finally:
            self.events -= events


@dataclass(frozen=True)
class Ingesting:
    """Records on behalf of somebody."""

    admitting: Admitting
    policies: Policies
    writer: Writer
    stored_dates: StoredDates
    limits: Limits
    cluster_id: UUID
    clock: Callable[[], datetime]
    answer_seconds: float
    """How long a request may wait for PostgreSQL and the API server."""

    counts: SearchCounts = field(default_factory=SearchCounts)
    preparing: Preparing = field(default_factory=Preparing)

    @asynccontextmanager
    async def admitted(self, sender: User, endpoint: str) -> AsyncIterator[Account]:
        """Work on one request; it is noted when it has ended, however it ends.

        Raises:
            TooManyRequestsError: its sender asks too much.
        """
        account, began = Account(sender, endpoint), time.monotonic()
        reason: str | None = "Failed"
        try:
            async with self.limits.admitted(sender.name):
                yield account
            reason = None
        except AuditError as error:
            reason = error.reason
            raise
        finally:
            note(account, reason, time.monotonic() - began)

    async def record(
        self, account: Account, bodies: Sequence[JsonValue], key: str | None = None
    ) -> Sequence[Result]:
        """Record events and give what came of each, in their order.

        Args:
            account: of the request.
            bodies: as they came.
            key: idempotency key of a single event, checked.

        Raises:
            QueueFullError: there is no room for them beside those that are in work.
            IngestionBusyError: it is not known in time whether they may be recorded.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self.answer_seconds
        with self.preparing.including(len(bodies)):
            self.writer.insist_on_room(self.preparing.events)
            found = await self._prepared(_Request(account.sender, bodies, key, until))
        left = max(until - loop.time(), LEAST_SECONDS)
        account.results = await self._written(found, left)
        return account.results

    async def _prepared(self, request: _Request) -> list[_Ready | Result]:
        now, sender = self.clock(), request.sender
        submitted = [
            _tried(partial(submitted_search, body, sender, now, request.key))
            async for body in in_turns(request.bodies)
        ]
        namespaces = {each.namespace for each in submitted if isinstance(each, Submitted)}
        refusals = await in_time(self.admitting.refusals(sender, namespaces), request.until)
        policies = _Remembering(self.policies)
        found: list[_Ready | Result] = []
        async for each in in_turns(submitted):
            if isinstance(each, Submitted):
                found.append(refusals.get(each.namespace) or await self._ready(each, policies))
            else:
                found.append(each)
        return await in_time(self._without_conflicts(found, now), request.until)

    async def _ready(self, submitted: Submitted, policies: "_Remembering") -> _Ready | Result:
        metadata = submitted.search.metadata
        try:
            policy = await policies.applying(submitted)
        except AuditError as error:
            return error
        if not policy.rules.enabled:
            self.counts.skipped()
            return Ingested("skipped", metadata.created)
        return _tried(partial(_ready, submitted, policy, self.cluster_id))

    async def _without_conflicts(
        self, found: list[_Ready | Result], now: datetime
    ) -> list[_Ready | Result]:
        """Refuse what a key names that is stored under another date already.

        Without a key an event's time is part of what names it, so that it has one date only.
        """
        keyed = [each.key for each in found if isinstance(each, _Ready) and each.is_keyed]
        if not keyed:
            return found
        first, last = (now - MOST_BEHIND).date(), (now + MOST_AHEAD).date()
        stored = set(await self.stored_dates([event_id for event_id, _ in keyed], first, last))
        days = dict(stored)
        conflicts = {
            (event_id, day): days[event_id]
            for event_id, day in keyed
            if days.setdefault(event_id, day) != day and (event_id, day) not in stored
        }
        return [
            _conflict(each, conflicts[key])
            if isinstance(each, _Ready) and (key := each.key) in conflicts
            else each
            for each in found
        ]

    async def _written(
        self, found: Sequence[_Ready | Result], timeout_seconds: float
    ) -> list[Result]:
        ready = [each for each in found if isinstance(each, _Ready)]
        events = [each.event for each in ready]
        written = iter(await self.writer.write_many(events, timeout_seconds))
        return [
            self._counted(each, next(written)) if isinstance(each, _Ready) else each
            for each in found
        ]

    def _counted(self, ready: _Ready, written: Written | DatabaseError) -> Result:
        if isinstance(written, DatabaseError):
            return written
        self.counts.written(ready.search, replayed=written.replayed)
        status: Literal["recorded", "replayed"] = "replayed" if written.replayed else "recorded"
        return Ingested(status, ready.event.event_timestamp, ready.event.event_id)


class _Remembering:
    """The policies that apply to the events of one request; most have the same."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies
        self._known: dict[tuple[str, frozenset[tuple[str, str]]], ApplyingPolicy] = {}

    async def applying(self, submitted: Submitted) -> ApplyingPolicy:
        metadata = submitted.search.metadata
        key = (metadata.namespace, frozenset(metadata.labels.items()))
        if key not in self._known:
            self._known[key] = await self._policies.applying(metadata, timeout_seconds=0)
        return self._known[key]


def _tried(attempt: Callable[[], T]) -> T | AuditError:
    """Give what comes of it, or why nothing does: a mistake of ours sinks one event only."""
    try:
        return attempt()
    except AuditError as error:
        return error
    except Exception as error:  # noqa: BLE001 - whatever it is, the others are recorded
        failure = RecordingError(told(error))
        log.error("an event that came by HTTP cannot be recorded: %s", failure)  # noqa: TRY400
        return failure


def _ready(submitted: Submitted, policy: ApplyingPolicy, cluster_id: UUID) -> _Ready:
    sender = sender_of(submitted, policy.redactor)
    return _Ready(prepared(submitted.search, policy, cluster_id, sender), submitted.is_keyed)


def _conflict(ready: _Ready, day: date) -> EventConflictError:
    return EventConflictError(
        f"the idempotency key names an event of {day} already, and this one is of"
        f" {ready.event.event_date}; give each search a key of its own"
    )
