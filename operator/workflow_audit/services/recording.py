"""Record one search: policy, redaction, event, COMMIT; only then an outcome.

What always holds:
- `record` returns after COMMIT and not before, because status will then say Recorded.
- A search that cannot be recorded now stays unrecorded and is tried again; it is never given up.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from workflow_audit.errors import AuditError, DatabaseError, PolicyError
from workflow_audit.models.event import AuditEvent, Written
from workflow_audit.models.outcome import Outcome, Recorded, Skipped
from workflow_audit.models.search import Search
from workflow_audit.services.pending import PendingSearches
from workflow_audit.services.preparing import Policies, SearchCounts, mistake, prepared

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


@dataclass(frozen=True)
class Recorder:
    """Turns searches into committed events."""

    writer: EventWriter
    policies: Policies
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
        with self.pending.including(search.metadata):
            while True:
                try:
                    return await self._attempt(search, None if patient else self.patience_seconds)
                except (DatabaseError, PolicyError) as error:
                    _log_failure(search, error)
                    if not patient:
                        raise
                except Exception as error:  # noqa: BLE001 - whatever it is, no search is given up
                    failure = mistake(error)
                    _log_failure(search, failure)
                    if not patient:
                        raise failure from None
                await asyncio.sleep(self.retry_seconds)

    async def _attempt(self, search: Search, timeout_seconds: float | None) -> Outcome:
        policy = await self.policies.applying(search.metadata, timeout_seconds)
        if not policy.rules.enabled:
            self.counts.skipped()
            return Skipped(policy.name)
        ready = prepared(search, policy, self.cluster_id)
        written = await self.writer.write(ready.event, timeout_seconds)
        self.counts.written(ready, replayed=written.replayed)
        log.info("recorded", extra=_log_fields(ready.event, replayed=written.replayed))
        return Recorded(ready.event, written.recorded_at, policy.name, ready.low_confidence)


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
