"""One batch of events: written, separated from a bad row, tried again until it is done.

Every event of a batch ends resolved: as Written after COMMIT, or with the error that is its own.
"""

import asyncio
import logging
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from random import uniform

from workflow_audit.errors import (
    DatabaseError,
    DatabaseUnavailableError,
    EventRefusedError,
)
from workflow_audit.models.event import Written
from workflow_audit.store.failures import (
    PartitionMissingError,
    StatementFailedError,
    failure_kind,
    unavailable,
)
from workflow_audit.store.observing import WriterObserver
from workflow_audit.store.partitions import ensure_partition
from workflow_audit.store.pending import PendingEvent
from workflow_audit.store.pool import Database
from workflow_audit.store.rows import Names, columns
from workflow_audit.store.sql import QUERIES

TRIES_IN_DOUBT = 3
"""How often a whole batch is tried when one of its rows may be what the server stumbles over."""

_UNPACKABLE = (TypeError, ValueError, OverflowError, struct.error)
"""What psycopg raises for a value that does not fit its type: 2**40 in four bytes, a surrogate."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryOptions:
    """Pause before the next attempt: doubled each time between these, with jitter."""

    first_seconds: float = 0.05
    longest_seconds: float = 3.0


class BatchCommitter:
    """Brings batches into the database, one after the other."""

    def __init__(self, database: Database, observer: WriterObserver, retry: RetryOptions) -> None:
        self._database = database
        self._observer = observer
        self._retry = retry
        self._trouble: str | None = None

    @property
    def trouble(self) -> str:
        """Why events wait, as far as it is known."""
        if cause := self._database.trouble:
            return str(unavailable(cause))
        return self._trouble or "PostgreSQL has not answered yet"

    async def commit(self, batch: Sequence[PendingEvent]) -> None:
        """Write a batch, however long it takes."""
        tries = 0
        while batch := [event for event in batch if event.outcome is None]:
            tries += 1
            try:
                await self._attempt(batch)
                self._trouble = None
            except EventRefusedError as error:
                await self._halve(batch, error)
            except DatabaseUnavailableError as error:
                self._notice(error)
                doubtful = isinstance(error, StatementFailedError) and error.doubtful
                if doubtful and tries >= TRIES_IN_DOUBT:
                    await self._halve(batch, error)
                else:
                    await self._pause(tries)

    async def _attempt(self, batch: Sequence[PendingEvent]) -> None:
        try:
            await self._insert(batch)
        except PartitionMissingError:
            if not await self._make_partitions(batch):
                raise

    async def _insert(self, batch: Sequence[PendingEvent]) -> None:
        clock = asyncio.get_running_loop().time
        started = clock()
        parameters = columns([event.row for event in batch])
        async with self._database.connection() as connection:
            try:
                cursor = await connection.execute(
                    QUERIES["insert_events"], parameters, prepare=True, binary=True
                )
            except _UNPACKABLE as error:
                raise EventRefusedError(f"the event cannot be packed: {error}") from None
            inserted = {(day, ident): at for ident, day, at in await cursor.fetchall()}
        seconds = clock() - started
        replays = []
        for event in batch:
            if at := inserted.get(event.key):
                event.resolve(Written(at, replayed=False))
            else:
                replays.append(event)
        if replays:
            await self._resolve_replays(replays)
        self._observer.batch_written(len(inserted), len(replays), seconds)

    async def _resolve_replays(self, replays: Sequence[PendingEvent]) -> None:
        keys = columns([event.row for event in replays])
        wanted = {name: keys[name] for name in ("event_id", "event_date")}
        async with self._database.connection() as connection:
            cursor = await connection.execute(QUERIES["find_replays"], wanted, binary=True)
            rows = await cursor.fetchall()
        found = {(day, ident): (at, Names(*names)) for ident, day, at, *names in rows}
        failed: list[tuple[PendingEvent, DatabaseError]] = []
        for event in replays:
            try:
                if event.key not in found:
                    raise unavailable(f"event {event.key[1]} is neither written nor found")
                at, names = found[event.key]
                event.check_same(names)
            except DatabaseError as error:
                failed.append((event, error))
            else:
                event.resolve(Written(at, replayed=True))
        if failed:
            self._fail(*failed)

    async def _make_partitions(self, batch: Sequence[PendingEvent]) -> bool:
        """Make room for other months, refuse events out of bounds; give whether that helped."""
        helped = False
        for month in {event.key[0].replace(day=1) for event in batch}:
            try:
                helped |= await ensure_partition(self._database, month)
            except EventRefusedError as error:
                helped = True
                for event in batch:
                    if event.key[0].replace(day=1) == month:
                        self._fail((event, error))
        return helped

    async def _halve(self, batch: Sequence[PendingEvent], error: DatabaseError) -> None:
        """Separate a bad row from its neighbours; alone, it fails."""
        if len(batch) == 1:
            self._fail((batch[0], error))
            return
        middle = len(batch) // 2
        await self.commit(batch[:middle])
        await self.commit(batch[middle:])

    def _fail(self, *failed: tuple[PendingEvent, DatabaseError]) -> None:
        """Give events up, with one line in the log: who sends the same keys anew causes many."""
        for event, error in failed:
            self._observer.write_failed(failure_kind(error))
            event.resolve(error)
        event, error = failed[0]
        more = f" and {len(failed) - 1} others" if len(failed) > 1 else ""
        correlation_id = event.names.correlation_id
        log.error("event %s (%s)%s failed: %s", event.key[1], correlation_id, more, error)

    def _notice(self, error: DatabaseUnavailableError) -> None:
        self._observer.write_failed(failure_kind(error))
        if str(error) != self._trouble:
            log.warning("events wait: %s", error)
        self._trouble = str(error)

    async def _pause(self, tries: int) -> None:
        doubled = self._retry.first_seconds * 2 ** min(tries - 1, 16)
        seconds = min(doubled, self._retry.longest_seconds)
        await asyncio.sleep(seconds * uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
