"""Record one search: policy, answer, redaction, event, COMMIT; only then an outcome.

What always holds:
- `record` returns after COMMIT and not before, because status will then say Recorded.
- A search that cannot be recorded now stays unrecorded and is tried again; it is never given up.
- Nothing that was not redacted leaves this module.
- A search that came without an answer is run after a look whether it is recorded already, and its
  outcome is that of the row: whoever wrote it, status and event say the same.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date
from typing import Protocol
from uuid import UUID

from workflow_audit import metrics
from workflow_audit.domain.events import (
    audit_event,
    event_id,
    low_confidence,
    unattributed_workflows,
)
from workflow_audit.domain.free_text import TreeRedactor, redacted_search
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
from workflow_audit.services.bounded_labels import BoundedLabels
from workflow_audit.services.mistakes import told
from workflow_audit.services.pending import PendingSearches

log = logging.getLogger(__name__)

MOST_WINNERS = 200
"""Most workflows with a count of their own; the catalogue of the bundled searches has 60."""


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
class ApplyingPolicy:
    """The policy that decides about a search, ready for use."""

    name: str
    rules: PolicySpec
    redactor: TreeRedactor


class Policies(Protocol):
    """Says which policy applies."""

    async def applying(
        self, search: Metadata, timeout_seconds: float | None = None
    ) -> ApplyingPolicy:
        """Give the policy that decides about a search.

        Raises:
            PolicyError: it is not known within the time, or cannot be used.
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

    winners: BoundedLabels = field(default_factory=lambda: BoundedLabels(MOST_WINNERS))
    """Workflows that are counted by their id."""

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
            metrics.EVENTS.labels("skipped").inc()
            return Skipped(policy.name)
        if answering.is_open and (
            found := await self._found(submitted.metadata, policy.rules, timeout_seconds)
        ):
            return found
        redacted = redacted_search(await answering.search(), policy.redactor)
        event = audit_event(redacted, policy.rules, policy.name, self.cluster_id)
        written = await self.writer.write(event, timeout_seconds)
        if answering.is_open and written.replayed:
            return await self._found_again(submitted.metadata, policy.rules, timeout_seconds)
        low = low_confidence(event, policy.rules)
        if not written.replayed:
            _count(event, redacted.redactions, self.winners, low=low)
        _note(event, replayed=written.replayed)
        return Recorded(event, written.recorded_at, policy.name, low, executed=answering.is_open)

    async def _found(
        self, search: Metadata, rules: PolicySpec, timeout_seconds: float | None
    ) -> Recorded | None:
        """Give the outcome of a search that was run and recorded before, by its row."""
        identifier, day = event_id(self.cluster_id, search.uid), search.created.astimezone(UTC)
        stored = await self.executed.find(identifier, day.date(), timeout_seconds)
        if stored is None:
            return None
        event = stored.event
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
    metrics.EVENTS.labels("replayed" if replayed else "recorded").inc()
    log.info("recorded", extra=_log_fields(event, replayed=replayed))


def _count(
    event: AuditEvent, redactions: Mapping[str, int], winners: BoundedLabels, *, low: bool | None
) -> None:
    metrics.SEARCHES.labels(event.event_outcome).inc()
    metrics.LOW_CONFIDENCE.inc(1 if low else 0)
    metrics.UNATTRIBUTED.inc(unattributed_workflows(event))
    if event.top_confidence is not None:
        metrics.CONFIDENCE.observe(event.top_confidence)
    if event.top_workflow_id is not None:
        metrics.SELECTIONS.labels(winners.label(event.top_workflow_id)).inc()
    for pattern, times in redactions.items():
        metrics.REDACTIONS.labels(pattern).inc(times)


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
