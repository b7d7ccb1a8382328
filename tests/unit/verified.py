"""Searches that are recorded, and their rows, for all unit tests of the comparison."""

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from unit.searches import (
    CLUSTER,
    RECORDED_AT,
    REDACTOR,
    TINY,
    UID,
    an_event,
    an_object,
    an_outcome,
)
from workflow_audit.domain.events import event_id
from workflow_audit.domain.parsing import object_metadata
from workflow_audit.domain.status import final_status
from workflow_audit.domain.verifying import seen_search
from workflow_audit.errors import PoliciesUnknownError
from workflow_audit.models.event import AuditEvent, Json
from workflow_audit.models.outcome import Skipped
from workflow_audit.models.policy import PolicySpec
from workflow_audit.models.search import Metadata
from workflow_audit.models.verification import SearchSeen, StoredContent, StoredRow
from workflow_audit.services.preparing import ApplyingPolicy


@dataclass
class OnePolicy:
    """The policy of all searches, or that none is known yet."""

    rules: PolicySpec | None = field(default_factory=PolicySpec)

    async def applying(
        self, search: Metadata, timeout_seconds: float | None = None
    ) -> ApplyingPolicy:
        if self.rules is None:
            raise PoliciesUnknownError("not told yet")
        return ApplyingPolicy("AuditPolicy/own", self.rules, REDACTOR)


def a_recorded_object(
    spec: Any = TINY, event: AuditEvent | None = None, *, executed: bool = False, **top: Any
) -> Json:
    """A search whose status says what its event says."""
    body = an_object(spec, **top)
    event = event or an_event(spec, **top)
    outcome = replace(an_outcome(event), executed=executed)
    status = final_status(object_metadata(body["metadata"]), outcome, now=RECORDED_AT)
    return body | {"status": status}


def a_skipped_object(spec: Any = TINY, uid: UUID = UID) -> Json:
    """A search for which auditing was off."""
    body = an_object(spec, uid=uid)
    metadata = object_metadata(body["metadata"])
    return body | {"status": final_status(metadata, Skipped("default"), now=RECORDED_AT)}


def a_recorded_search(spec: Any = TINY, **top: Any) -> SearchSeen:
    return seen_search(a_recorded_object(spec, **top))


def its_row(seen: SearchSeen, event: AuditEvent | None = None) -> StoredRow:
    """The row that belongs to a search."""
    metadata = seen.metadata
    event = event or an_event(uid=metadata.uid)
    return StoredRow(
        event_id=event_id(CLUSTER, metadata.uid),
        event_date=event.event_date,
        recorded_at=RECORDED_AT,
        correlation_id=event.correlation_id,
        resource_id=event.resource_id,
        resource_name=event.resource_name,
        content=StoredContent(
            namespace=event.namespace,
            cluster_id=event.cluster_id,
            resource_type=event.resource_type,
            outcome=event.event_outcome,
            top_workflow_id=event.top_workflow_id,
            top_confidence=event.top_confidence,
        ),
    )
