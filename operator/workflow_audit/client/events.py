"""A search as the event that the server of the audit takes (docs/reference/rest.md)."""

from typing import Any

from workflow_audit.client.searches import WaitingSearch

EVENT_TYPE = "workflow.catalog.search_completed"

Json = dict[str, Any]


def event_body(search: WaitingSearch) -> Json:
    """Give the event; what the search does not know is left out."""
    spec = search.spec
    told = spec.model_dump(mode="json", exclude_none=True)
    answer = told.get("results") or told["failure"]
    duration_ms = answer.pop("duration_ms", None)
    event: Json = {
        "version": "1.0",
        "event_type": EVENT_TYPE,
        "event_timestamp": told["searched_at"],
        "event_category": "workflow",
        "event_action": "search_completed",
        "event_outcome": "failure" if spec.failure else "success",
        "correlation_id": spec.correlation_id,
        "service": spec.service,
        "event_data": {"query": told["query"], "search_metadata": {"duration_ms": duration_ms}},
    }
    event["event_data"]["failure" if spec.failure else "results"] = answer
    optional = {
        "namespace": search.namespace,
        "labels": dict(search.labels) or None,
        "duration_ms": duration_ms,
        "error_code": spec.failure.code if spec.failure else None,
        "error_message": spec.failure.message if spec.failure else None,
    }
    return event | {name: value for name, value in optional.items() if value is not None}


def idempotency_key(search: WaitingSearch) -> str:
    """Give what names the event at the server: the same at every attempt."""
    return str(search.id)
