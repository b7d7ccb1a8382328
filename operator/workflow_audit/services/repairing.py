"""Record again what is missing, for instance after an older backup of the database was restored.

What always holds:
- The event comes by the same way as the first time: the policy in force, redaction, limits, and a
  writer that leaves alone what is there. So it may run twice, by two, and beside the operator.
- Nothing is written to the cluster: status names the same event id, and says when it was recorded
  first.
- A search is never run again: what the catalogue would say today is not what was recorded.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from workflow_audit.domain.rebuilding import rebuilt, with_known
from workflow_audit.domain.verifying import agrees
from workflow_audit.errors import AuditError, DatabaseError
from workflow_audit.models.event import AuditEvent, Written
from workflow_audit.models.verification import SearchSeen
from workflow_audit.services.preparing import Policies, prepared

log = logging.getLogger(__name__)

POLICY_SECONDS = 10.0
WRITE_SECONDS = 30.0


class Writer(Protocol):
    """Where events go."""

    async def write_many(
        self, events: Sequence[AuditEvent], timeout_seconds: float | None = None
    ) -> list[Written | DatabaseError]:
        """Give what came of each, after COMMIT."""
        ...


@dataclass(frozen=True)
class Repairing:
    """Records searches again that status says were recorded."""

    writer: Writer
    policies: Policies
    cluster_id: UUID

    async def repair(self, missing: Sequence[SearchSeen]) -> list[str | None]:
        """Give for each why it could not be recorded again; None where it is.

        Args:
            missing: a page of searches; the writer has room for it.
        """
        made = [await self._event(search) for search in missing]
        events = [each for each in made if isinstance(each, AuditEvent)]
        written = iter(await self.writer.write_many(events, WRITE_SECONDS))
        return [
            _failure(each, next(written)) if isinstance(each, AuditEvent) else each for each in made
        ]

    async def _event(self, seen: SearchSeen) -> AuditEvent | str:
        """Give the event, or why there is none."""
        try:
            policy = await self.policies.applying(seen.metadata, POLICY_SECONDS)
            if not policy.rules.enabled:
                return f"auditing is switched off by policy {policy.name}"
            again = rebuilt(seen)
            event = prepared(again.search, policy, self.cluster_id).event
        except AuditError as error:
            return str(error)
        event = with_known(event, again.known)
        return agrees(seen, event) or event


def _failure(event: AuditEvent, outcome: Written | DatabaseError) -> str | None:
    if isinstance(outcome, DatabaseError):
        return str(outcome)
    fields = {
        "correlation_id": event.correlation_id,
        "event_id": str(event.event_id),
        "namespace": event.namespace,
        "search": event.resource_name,
        "replayed": outcome.replayed,
    }
    log.info("recorded again", extra=fields)
    return None
