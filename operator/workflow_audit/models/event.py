"""AuditEvent: the one immutable row about a search.

Names and meanings are kubernaut's audit_events columns (docs/reference/audit-event.md), so that
its tools read our rows; columns that the database fills itself are not here.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """One row of audit_events; the same search gives the same event at every call."""

    event_id: UUID
    event_timestamp: datetime
    event_date: date
    event_outcome: Literal["success", "failure"]
    actor_id: str
    resource_id: str
    resource_name: str
    correlation_id: str
    namespace: str
    cluster_id: str
    event_data: Json
    event_metadata: Json
    retention_days: int
    duration_ms: int | None = None
    error_code: str | None = None
    error_message: str | None = None
    top_workflow_id: str | None = None
    top_confidence: float | None = None
    event_version: str = "1.0"
    event_type: str = "workflow.catalog.search_completed"
    event_category: str = "workflow"
    event_action: str = "search_completed"
    actor_type: str = "service"
    resource_type: str = "WorkflowSearch"
    is_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What the database says of one event after COMMIT."""

    recorded_at: datetime
    replayed: bool
    """Whether the row was there already: the same event written again, a success."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event that is committed, and since when."""

    event: AuditEvent
    recorded_at: datetime
