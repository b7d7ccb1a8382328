"""Stored events, for the tests of how they are shown."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from workflow_audit.models.query import StoredEvent
from workflow_audit.store.reader import COLUMNS

AT = datetime(2026, 11, 24, 10, 31, 7, 123456, tzinfo=UTC)
EVENT_DATA = b'{"query": {"text": "OOMKilled critical"}, "results": {"total_found": 5}}'


def a_stored_event(**changes: Any) -> StoredEvent:
    columns: dict[str, Any] = dict.fromkeys(COLUMNS) | {
        "event_id": UUID("6f1f2d3c-1111-5222-8333-944455566677"),
        "event_version": "1.0",
        "event_timestamp": AT,
        "event_date": date(2026, 11, 24),
        "event_type": "workflow.catalog.search_completed",
        "event_category": "workflow",
        "event_action": "search_completed",
        "event_outcome": "success",
        "actor_type": "service",
        "actor_id": "holmesgpt-api",
        "resource_type": "WorkflowSearch",
        "resource_id": "0a9c1c1e-1111-4222-8333-944455566677",
        "resource_name": "rr-2026-000001-x7k2p",
        "correlation_id": "rr-2026-000001",
        "namespace": "payments",
        "cluster_id": "0a9c1c1e-2222-4222-8333-944455566677",
        "duration_ms": 45,
        "retention_days": 365,
        "is_sensitive": False,
        "legal_hold": False,
        "recorded_at": AT,
        "top_workflow_id": "pod-oom-gitops",
        "top_confidence": 0.6597,
    }
    metadata = b'{"policy": "AuditPolicy/strict", "requested_by": "agent"}'
    return StoredEvent(columns | changes, EVENT_DATA, metadata, 42)
