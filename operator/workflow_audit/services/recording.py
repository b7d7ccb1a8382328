"""Record one search: policy, answer, redaction, event, COMMIT; only then an outcome.

What always holds:
- `record` returns after COMMIT and not before, because status will then say Recorded.
- A search that cannot be recorded now stays unrecorded and is tried again; it is never given up.
- A search that came without an answer is run after a look whether it is recorded already, and its
  outcome is that of the row: whoever wrote it, status and event say the same.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, date
from typing import Protocol
from uuid import UUID

from workflow_audit.domain.events import event_id, low_confidence
from workflow_audit.errors import (
    AuditError,
    DatabaseError,
    DatabaseUnavailableError,
    PolicyError,
    RecordingError,
)
from workflow_audit.models.event import AuditEvent, StoredEvent, Written
from workflow_audit.models.outcome import Outcome, Recorded, Skipped
from workflow_audit.models.policy import PolicySpec
from workflow_audit.models.search import Metadata, Search, WorkflowSearch
from workflow_audit.services.mistakes import told
from workflow_audit.services.pending import PendingSearches
from workflow_audit.services.preparing import Policies, SearchCounts, prepared

log = logging.getLogger(__name__)


class EventWriter(Protocol):
    """Where events go."""

    async def write(self, event: AuditEvent, timeout_seconds: float | None = None) -> Written:
        """Return after COMMIT.

        Raises:
            DatabaseUnavailableError: not within the time; the event may still be written later.
            EventRefusedError: the database refuses this event.
        """
        ...


class ExecutedEvents(Protocol):
    """The events of searches that the operator ran, as they are committed."""

    async def find(
        self, event_id: UUID, event_date: date, timeout_seconds: float | None = None
    ) -> StoredEvent | None:
        """Give an event by its key, if it is there.

        Raises:
            DatabaseUnavailableError: not told within the time.
        """
        ...


class SearchRunner(Protocol):
    """Runs searches that came without an answer."""

    async def answered(self, search: WorkflowSearch) -> WorkflowSearch:
        """Give the search with results or a failure.

        Raises:
            PolicyError: it is not known how to run it.
        """
        ...


@dataclass(frozen=True)
class Recorder:
    """Turns searches into committed events."""

    writer: EventWriter
    executed: ExecutedEvents
    policies: Policies
    searcher: SearchRunner
    cluster_id: UUID
    pending: PendingSearches
    patience_seconds: float
    """How long a search may wait for the database before its status says why."""

    retry_seconds: float
    """Pause before another attempt at a search that failed for a reason other than time."""

    counts: SearchCounts = field(default_factory=SearchCounts)

    async def record(self, search: Search, *, patient: bool) -> Outcome:
        """Record a search.

        Args:
            search: as it was parsed, not redacted.
            patient: go on trying; for a search whose status says already why it waits, so that
                an outage costs one status write a search, however long it lasts.

        Raises:
            DatabaseError: it could not be recorded yet, and the caller is not patient.
            PolicyError: likewise, because it is not known how to.
            RecordingError: likewise, because of a mistake of ours.
        """
        timeout_seconds = None if patient else self.patience_seconds
        answering = _Answering(self.searcher, search)
        with self.pending.including(search.metadata):
            while True:
                try:
                    return await self._attempt(answering, timeout_seconds)
                except (DatabaseError, PolicyError) as error:
                    _log_failure(search, error)
                    if not patient:
                        raise
                except Exception as error:  # noqa: BLE001 - whatever it is, no search is given up
                    failure = RecordingError(told(error))
                    _log_failure(search, failure)
                    if not patient:
                        raise failure from None
                await asyncio.sleep(self.retry_seconds)

    async def _attempt(self, answering: "_Answering", timeout_seconds: float | None) -> Outcome:
        submitted = answering.submitted
        policy = await self.policies.applying(submitted.metadata, timeout_seconds)
        if not policy.rules.enabled:
            self.counts.skipped()
            return Skipped(policy.name)
        if answering.is_open and (
            found := await self._found(submitted.metadata, policy.rules, timeout_seconds)
        ):
            return found
        ready = prepared(await answering.search(), policy, self.cluster_id)
        written = await self.writer.write(ready.event, timeout_seconds)
        if answering.is_open and written.replayed:
            return await self._found_again(submitted.metadata, policy.rules, timeout_seconds)
        self.counts.written(ready, replayed=written.replayed)
        _note(ready.event, replayed=written.replayed)
        return Recorded(
            ready.event,
            written.recorded_at,
            policy.name,
            ready.low_confidence,
            executed=answering.is_open,
        )

    async def _found(
        self, search: Metadata, rules: PolicySpec, timeout_seconds: float | None
    ) -> Recorded | None:
        """Give the outcome of a search that was run and recorded before, by its row."""
        identifier, day = event_id(self.cluster_id, search.uid), search.created.astimezone(UTC)
        stored = await self.executed.find(identifier, day.date(), timeout_seconds)
        if stored is None:
            return None
        event = stored.event
        self.counts.replayed()
        _note(event, replayed=True)
        policy = str(event.event_metadata["policy"])
        low = low_confidence(event, rules)
        return Recorded(event, stored.recorded_at, policy, low, executed=True)

    async def _found_again(
        self, search: Metadata, rules: PolicySpec, timeout_seconds: float | None
    ) -> Recorded:
        found = await self._found(search, rules, timeout_seconds)
        if found is None:
            raise DatabaseUnavailableError(
                "the event was there a moment ago, and is not found", 1.0
            )
        return found


class _Answering:
    """A search and its answer, for which the catalogue is asked once at the most."""

    def __init__(self, searcher: SearchRunner, submitted: Search) -> None:
        self._searcher = searcher
        self._search = submitted
        self.submitted = submitted

    @property
    def is_open(self) -> bool:
        """Tell whether it came without an answer."""
        return isinstance(self.submitted, WorkflowSearch) and self.submitted.spec.is_open

    async def search(self) -> Search:
        """Give it with its answer."""
        if isinstance(self._search, WorkflowSearch) and self._search.spec.is_open:
            self._search = await self._searcher.answered(self._search)
        return self._search


def _note(event: AuditEvent, *, replayed: bool) -> None:
    log.info("recorded", extra=_log_fields(event, replayed=replayed))


def _log_fields(event: AuditEvent, *, replayed: bool) -> dict[str, object]:
    return {
        "correlation_id": event.correlation_id,
        "event_id": str(event.event_id),
        "namespace": event.namespace,
        "search": event.resource_name,
        "outcome": event.event_outcome,
        "replayed": replayed,
    }


def _log_failure(search: Search, error: AuditError) -> None:
    """Say that a search waits; without any of its texts, which may hold secrets."""
    fields = {"namespace": search.metadata.namespace, "search": search.metadata.name}
    log.warning("not recorded yet: %s", error, extra=fields)
