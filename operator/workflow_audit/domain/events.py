"""A search -> its one audit event, the same at every call."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from workflow_audit.domain.free_text import RedactedSearch
from workflow_audit.domain.limits import fitting_event_data
from workflow_audit.domain.scoring import explanation
from workflow_audit.models.event import AuditEvent, Json
from workflow_audit.models.policy import PolicySpec
from workflow_audit.models.scoring import Scoring, Weight
from workflow_audit.models.search import (
    FoundWorkflow,
    InvalidSearch,
    Metadata,
    SearchSpec,
    WorkflowSearch,
)

INVALID_SEARCH = "InvalidSearch"
"""error_code of a search that breaks a rule; also the reason of its condition `Searched`."""

COLUMN_CHARACTERS = 255
"""Width of the columns correlation_id and actor_id. A malformed search may have longer ones; they
are cut after redaction, which could miss half a secret and makes texts longer."""


@dataclass(frozen=True)
class Sender:
    """Who has sent a search by HTTP, as the cluster knows him."""

    name: str
    actor_type: str
    metadata: Json
    """What else is known of him, and what he claims."""


def event_id(cluster_id: UUID, search_uid: UUID) -> UUID:
    """Give the event's id: the same at every attempt, another one for every search."""
    return uuid5(cluster_id, str(search_uid))


def audit_event(
    redacted: RedactedSearch,
    policy: PolicySpec,
    policy_name: str,
    cluster_id: UUID,
    sender: Sender | None = None,
) -> AuditEvent:
    """Give the one audit event of a search.

    No clock, counter or random id takes part, so a replay meets its own row at the primary key
    (event_id, event_date). Source: BR-AUDIT-025 to 028; shape in docs/reference/audit-event.md.

    Args:
        redacted: the search without personal data and secrets.
        policy: the applying policy: limits, weights, retention.
        policy_name: as status names it.
        cluster_id: uid of the namespace kube-system.
        sender: whom the cluster saw sending it, where it came by HTTP; None leaves the word to the
            search, whose requester the cluster has set.

    Returns:
        event_timestamp and event_date are those of the object's creation, UTC; scores inside
        event_data are fractions 0..1; event_data fits the policy's limits.
    """
    search = redacted.search
    if isinstance(search, InvalidSearch):
        data: Json = {"invalid": {"path": search.path, "message": search.message}}
        data["submitted"] = search.submitted
        replaced = 0
        fields: dict[str, Any] = {
            "correlation_id": search.correlation_id[:COLUMN_CHARACTERS],
            "actor_id": search.service[:COLUMN_CHARACTERS],
            "event_outcome": "failure",
            "error_code": INVALID_SEARCH,
            "error_message": search.message,
        }
        requested_by, searched_at = search.requested_by, None
    else:
        spec = search.spec
        data = _search_data(search, policy)
        fields = _search_fields(spec)
        requested_by, searched_at = spec.requested_by, spec.searched_at
        replaced = search.replaced_characters
    data["search_metadata"] = {"duration_ms": fields.get("duration_ms")}
    if searched_at:
        data["search_metadata"]["searched_at"] = _instant(searched_at)
    if replaced:
        data["search_metadata"]["replaced_characters"] = replaced
    data["redactions"] = dict(redacted.redactions)
    about: Json = {"requested_by": requested_by, "policy": policy_name}
    if isinstance(search, WorkflowSearch) and search.executed:
        about["catalogue"] = search.catalogue
    if sender:
        fields |= {"actor_type": sender.actor_type, "actor_id": sender.name[:COLUMN_CHARACTERS]}
        about |= {"requested_by": sender.name, **sender.metadata}
    return AuditEvent(
        **_object_fields(search.metadata, cluster_id),
        **fields,
        event_data=fitting_event_data(data, policy.limits),
        event_metadata=about,
        retention_days=policy.retention.days,
    )


def _instant(moment: datetime) -> str:
    """Give a time in UTC; as it came where the calendar ends before it would be UTC."""
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError:
        return moment.isoformat()


def _object_fields(metadata: Metadata, cluster_id: UUID) -> dict[str, Any]:
    created = metadata.created.astimezone(UTC)
    return {
        "event_id": event_id(cluster_id, metadata.uid),
        "event_timestamp": created,
        "event_date": created.date(),
        "namespace": metadata.namespace,
        "cluster_id": str(cluster_id),
        "resource_id": str(metadata.uid),
        "resource_name": metadata.name,
    }


def _search_fields(spec: SearchSpec) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "correlation_id": spec.correlation_id,
        "actor_id": spec.service,
        "event_outcome": "failure" if spec.failure else "success",
    }
    if spec.failure:
        fields |= {
            "error_code": spec.failure.code,
            "error_message": spec.failure.message,
            "duration_ms": spec.failure.duration_ms,
        }
    if spec.results:
        fields["duration_ms"] = spec.results.duration_ms
        if winner := winner_of(spec.results.workflows):
            fields["top_workflow_id"] = winner.workflow_id
            fields["top_confidence"] = winner.scoring.confidence
    return fields


def winner_of(workflows: list[FoundWorkflow]) -> FoundWorkflow | None:
    """Give the workflow of rank 1, if anything was found."""
    return min(workflows, key=lambda workflow: workflow.rank, default=None)


def _search_data(search: WorkflowSearch, policy: PolicySpec) -> Json:
    spec = search.spec
    data: Json = {
        "query": {
            "text": spec.query.text,
            "filters": spec.query.filters,
            "top_k": spec.query.top_k,
            "min_similarity": spec.query.min_similarity,
        }
    }
    if spec.failure:
        data["failure"] = {"code": spec.failure.code, "message": spec.failure.message}
    if spec.results:
        ranked = sorted(spec.results.workflows, key=lambda workflow: workflow.rank)
        data["results"] = {
            "total_found": spec.results.total_found,
            "returned": spec.results.returned,
            "workflows": [_workflow_data(w, spec.query.filters, policy) for w in ranked],
        }
    return data


def _workflow_data(workflow: FoundWorkflow, filters: Mapping[str, str], policy: PolicySpec) -> Json:
    return {
        "workflow_id": workflow.workflow_id,
        "version": workflow.version,
        "title": workflow.title,
        "rank": workflow.rank,
        "labels": workflow.labels,
        "scoring": scoring_data(workflow.scoring, filters, workflow.labels, policy.scoring.weights),
    }


def scoring_data(
    scoring: Scoring,
    filters: Mapping[str, str],
    labels: Mapping[str, str],
    weights: Mapping[str, Weight],
) -> Json:
    """Give a scoring with its explanation, as the event keeps it.

    What is derived or unattributed is said only where something is: events are kept for years.
    """
    explained = explanation(scoring, filters, labels, weights)
    data: Json = {
        "confidence": scoring.confidence,
        "base_similarity": scoring.base_similarity,
        "label_boost": scoring.label_boost,
        "label_penalty": scoring.label_penalty,
        "boost_breakdown": explained.boost_breakdown,
        "penalty_breakdown": explained.penalty_breakdown,
    }
    if explained.derived:
        data["derived"] = True
    rest = explained.unattributed
    if rest.boost or rest.penalty:
        data["unattributed"] = {"boost": rest.boost, "penalty": rest.penalty}
    return data


def low_confidence(event: AuditEvent, policy: PolicySpec) -> bool | None:
    """Tell whether the winner is below the policy's threshold; None without a winner."""
    if event.top_confidence is None:
        return None
    return event.top_confidence < policy.scoring.low_confidence


def unattributed_workflows(event: AuditEvent) -> int:
    """Count the workflows whose breakdowns leave something unexplained."""
    workflows = event.event_data.get("results", {}).get("workflows", [])
    return sum("unattributed" in workflow["scoring"] for workflow in workflows)
