"""Group commit: many searches, one INSERT, one wait for the disk.

What always holds, and what the tests check:
- `write` returns after COMMIT and not before, because status will then say Recorded.
- A replayed event is a success.
- A bad row fails alone; its neighbours are written.
- An event that was accepted is written when the database comes back, also when its caller has
  given up or was cancelled meanwhile.
- The queue is bounded: without a database callers wait, and memory does not grow.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Self

from workflow_audit.errors import (
    DatabaseError,
    DatabaseUnavailableError,
    EventRefusedError,
    QueueFullError,
)
from workflow_audit.models.event import AuditEvent, Written
from workflow_audit.store.batches import BatchCommitter, RetryOptions
from workflow_audit.store.failures import RETRY_AFTER_SECONDS, unavailable
from workflow_audit.store.observing import SilentObserver, WriterObserver
from workflow_audit.store.pending import PendingEvent, all_resolved
from workflow_audit.store.pool import Database
from workflow_audit.store.rows import Key, Names, row

FULL_RETRY_SECONDS = 1.0
"""When to try again where the queue was full: it empties as fast as PostgreSQL writes."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class WriterOptions:
    """Sizes and times of the group commit."""

    batch_rows: int = 200
    """Most rows in one INSERT."""

    linger_ms: float = 5
    """Longest wait for company while a batch is in flight; 0: none."""

    lanes: int = 2
    """Most batches in flight: while the server works on one, the next is packed."""

    queue_rows: int = 2000
    """Most events that wait, the batch in flight included; then `write` waits for room."""

    retry: RetryOptions = field(default_factory=RetryOptions)


class EventWriter:
    """Writes events; one for each process, opened in its event loop."""

    def __init__(
        self,
        database: Database,
        options: WriterOptions | None = None,
        observer: WriterObserver | None = None,
    ) -> None:
        self._options = options or WriterOptions()
        self._observer = observer or SilentObserver()
        self._committer = BatchCommitter(database, self._observer, self._options.retry)
        self._room = asyncio.Semaphore(self._options.queue_rows)
        self._unresolved: dict[Key, PendingEvent] = {}
        self._queue: deque[PendingEvent] = deque()
        self._arrived = asyncio.Event()
        self._gathering = asyncio.Lock()
        self._in_flight = 0
        self._consumers: list[asyncio.Task[None]] = []
        self._closing = False

    async def open(self) -> None:
        """Begin to write; does not wait for the database."""
        for number in range(self._options.lanes):
            lane = asyncio.create_task(self._run(), name=f"event-writer-{number}")
            self._consumers.append(lane)

    async def close(self, timeout_seconds: float = 8.0) -> None:
        """Take no more events, write those that wait, give up after the time-out.

        Callers whose events are left then get DatabaseUnavailableError; nothing is lost, because
        their searches are not Recorded and come again.
        """
        self._closing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await all_resolved([*self._unresolved.values()])
        for lane in self._consumers:
            lane.cancel()
        await asyncio.gather(*self._consumers, return_exceptions=True)
        if self._unresolved:
            log.warning("%d events are left for the next start", len(self._unresolved))
        stopping = unavailable(f"the program stops; until then: {self._committer.trouble}")
        for event in [*self._unresolved.values()]:
            event.resolve(stopping)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def waiting(self) -> int:
        """How many events are accepted and not committed; at most `queue_rows`."""
        return len(self._unresolved)

    async def write(self, event: AuditEvent, timeout_seconds: float | None = None) -> Written:
        """Write one event and return after its COMMIT.

        Args:
            event: the same one may be written again at any time, also at the same time.
            timeout_seconds: then DatabaseUnavailableError, while the event may still be written
                later: harmless, the next attempt is a replay. None: wait for ever.

        Raises:
            EventRefusedError: PostgreSQL refuses this event, today and tomorrow.
            DatabaseUnavailableError: not written (yet); says why, and when to try again.
        """
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            async with asyncio.timeout(timeout_seconds):
                accepted = await self._accepted(event)
                await all_resolved([accepted[0]])
        except TimeoutError:
            raise self._late(timeout_seconds) from None
        outcome = self._outcome(accepted, clock() - started, timeout_seconds)
        if isinstance(outcome, DatabaseError):
            raise outcome
        return outcome

    def insist_on_room(self, events: int) -> None:
        """Insist that so many more may wait now.

        Raises:
            QueueFullError: they may not; says when to try again.
        """
        if self.waiting + events > self._options.queue_rows:
            raise self._full()

    async def write_many(
        self, events: Sequence[AuditEvent], timeout_seconds: float | None = None
    ) -> list[Written | DatabaseError]:
        """Write events and give what came of each, in their order; each stands for itself.

        Never waits for room: what finds none gets QueueFullError. For the rest, and what errors
        mean, see `write`. No task is made for an event, so that a thousand cost what one does.
        """
        clock = asyncio.get_running_loop().time
        started = clock()
        accepted = [await self._accepted_at_once(event) for event in events]
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await all_resolved([each[0] for each in accepted if isinstance(each, tuple)])
        seconds = clock() - started
        return [self._outcome(each, seconds, timeout_seconds) for each in accepted]

    def _outcome(
        self,
        accepted: tuple[PendingEvent, bool] | DatabaseError,
        seconds: float,
        timeout_seconds: float | None,
    ) -> Written | DatabaseError:
        if isinstance(accepted, DatabaseError):
            return accepted
        pending, joined = accepted
        outcome = pending.outcome
        if outcome is None:
            return self._late(timeout_seconds)
        if isinstance(outcome, DatabaseError):
            return outcome
        self._observer.waited(seconds)
        return replace(outcome, replayed=True) if joined else outcome

    def _late(self, timeout_seconds: float | None) -> DatabaseUnavailableError:
        return DatabaseUnavailableError(
            f"not recorded within {timeout_seconds:g} s: {self._committer.trouble}",
            RETRY_AFTER_SECONDS,
        )

    async def _accepted(self, event: AuditEvent) -> tuple[PendingEvent, bool]:
        """Queue an event; or join the same one, whose first caller has perhaps given up."""
        key = (event.event_date, event.event_id)
        if key not in self._unresolved:
            await self._room.acquire()
            if key not in self._unresolved and not self._closing:
                return self._queued(key, event), False
            self._room.release()
        if self._closing:
            raise unavailable("the program stops")
        pending = self._unresolved[key]
        pending.check_same(Names.of(event))
        return pending, True

    async def _accepted_at_once(
        self, event: AuditEvent
    ) -> tuple[PendingEvent, bool] | DatabaseError:
        """Queue or join an event without waiting for room."""
        if self._room.locked() and (event.event_date, event.event_id) not in self._unresolved:
            return self._full()
        try:
            return await self._accepted(event)
        except DatabaseError as error:
            return error

    def _full(self) -> QueueFullError:
        room = self._options.queue_rows - self.waiting
        return QueueFullError(
            f"{self.waiting} events wait for PostgreSQL, and there is room for {room} more: "
            f"{self._committer.trouble}",
            FULL_RETRY_SECONDS,
        )

    def _queued(self, key: Key, event: AuditEvent) -> PendingEvent:
        try:
            values = row(event)
        except EventRefusedError:
            self._room.release()
            self._observer.write_failed("validation")
            raise
        pending = PendingEvent(
            key=key,
            order=(event.event_timestamp, event.event_id),
            row=values,
            names=Names.of(event),
            since=asyncio.get_running_loop().time(),
            let_go=self._let_go,
        )
        self._unresolved[key] = pending
        self._queue.append(pending)
        self._arrived.set()
        return pending

    def _let_go(self, pending: PendingEvent) -> None:
        self._unresolved.pop(pending.key)
        self._room.release()

    async def _run(self) -> None:
        while True:
            async with self._gathering:
                await self._arrived.wait()
                await self._linger()
                batch = self._taken()
            self._in_flight += 1
            try:
                await self._committer.commit(batch)
            except Exception as error:  # a bug of ours must not end all writing
                log.exception("the writer failed in a way that nobody thought of")
                self._observer.write_failed("database")
                failed = unavailable(f"the writer failed: {type(error).__name__}")
                for event in batch:
                    if event.outcome is None:
                        event.resolve(failed)
            finally:
                self._in_flight -= 1

    async def _linger(self) -> None:
        """Let company arrive: to an idle writer an event goes at once, under load a batch fills up.

        At once still means with all that the event loop has ready in the same turn.
        """
        if len(self._queue) >= self._options.batch_rows:
            return  # and the callers just woken run while the server works
        await asyncio.sleep(0)
        if self._in_flight:
            waited = asyncio.get_running_loop().time() - self._queue[0].since
            await asyncio.sleep(max(self._options.linger_ms / 1000 - waited, 0))

    def _taken(self) -> list[PendingEvent]:
        size = min(len(self._queue), self._options.batch_rows)
        batch = [self._queue.popleft() for _ in range(size)]
        if not self._queue:
            self._arrived.clear()
        return sorted(batch, key=lambda event: event.order)
