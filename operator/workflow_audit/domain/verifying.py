"""Do a search and its row say the same? What is compared, and why not more: decision 25."""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from workflow_audit.domain.events import event_id
from workflow_audit.domain.parsing import parse_search
from workflow_audit.errors import shown
from workflow_audit.models.event import AuditEvent, Json
from workflow_audit.models.search import Metadata, WorkflowSearch
from workflow_audit.models.status import Phase
from workflow_audit.models.verification import (
    Finding,
    FindingKind,
    Judgement,
    SearchSeen,
    StoredRow,
)

RESOURCE_TYPE = "WorkflowSearch"

SAME_CONFIDENCE = 1e-9
"""Far below what anybody rounds to; the API server may write a number in another way than we."""

HTTP_VERSION = 5
"""Version of the UUIDs of searches that came by HTTP; those of the API server are random."""

Difference = tuple[str, Any, Any]
"""What, as the cluster has it, as the row has it."""


def seen_search(body: Json) -> SearchSeen:
    """Give a search as a comparison needs it."""
    return SearchSeen(parse_search(body), body.get("status") or {})


def judgement(seen: SearchSeen, rows: Sequence[StoredRow], cluster_id: UUID) -> Judgement:
    """Say what is wrong with a search that is recorded or skipped; nothing where all is well.

    Args:
        seen: the search, whose phase is final.
        rows: those with its event id, on whatever day; read after the search.
        cluster_id: uid of the namespace kube-system.
    """
    day = seen.metadata.created.astimezone(UTC).date()
    own = [row for row in rows if row.event_date == day]
    findings = [
        _finding(seen, FindingKind.EXTRA, cluster_id, f"another row on {row.event_date}")
        for row in rows
        if row.event_date != day
    ]
    if seen.status.get("phase") == Phase.SKIPPED:
        if own:
            why = "status says Skipped, and there is a row"
            findings.append(_finding(seen, FindingKind.EXTRA, cluster_id, why))
        return Judgement(tuple(findings))
    if not own:
        why = "status says Recorded, and there is no row"
        return Judgement((*findings, _finding(seen, FindingKind.MISSING, cluster_id, why)))
    if told := [_told(difference) for difference in _differences(seen, own[0], cluster_id)]:
        findings.append(_finding(seen, FindingKind.DIFFERENT, cluster_id, "; ".join(told)))
    recorded_at = _instant(seen.status.get("recordedAt"))
    is_younger = recorded_at is not None and own[0].recorded_at > recorded_at
    return Judgement(tuple(findings), is_recorded_again=is_younger)


def forgery(row: StoredRow, cluster_id: UUID) -> Finding | None:
    """Say that a row was written by nobody of ours, as far as it shows.

    It claims to be of a resource of this cluster, and its id does not follow from that resource.
    """
    content = row.content
    if content is None or content.cluster_id != str(cluster_id):
        return None
    if content.resource_type != RESOURCE_TYPE or _follows(row, cluster_id):
        return None
    why = f"the id of the row of {row.event_date} does not follow from its resource"
    return Finding(
        FindingKind.EXTRA,
        content.namespace,
        row.resource_name,
        row.resource_id,
        row.event_id,
        why,
    )


def is_of_resource(row: StoredRow, cluster_id: UUID) -> bool:
    """Tell whether a row is about a resource of this cluster, and not one that came by HTTP."""
    uid = _uuid(row.resource_id)
    return uid is not None and uid.version != HTTP_VERSION and _follows(row, cluster_id)


def is_due(created: datetime, days: int, now: datetime) -> bool:
    """Tell whether retention may have removed an event, or would soon."""
    return created + timedelta(days=days) <= now


def days_around(searches: Sequence[Metadata]) -> tuple[datetime, datetime]:
    """Give the instants between which rows of searches are looked for: a day more on each side."""
    created = [search.created.astimezone(UTC) for search in searches]
    return min(created) - timedelta(days=1), max(created) + timedelta(days=1)


def agrees(seen: SearchSeen, event: AuditEvent) -> str | None:
    """Say why an event that was made again is not what status shows, if it is not."""
    shown_status = seen.status
    summary = shown_status.get("summary") or {}
    pairs: tuple[Difference, ...] = (
        ("status.eventId", shown_status.get("eventId"), str(event.event_id)),
        ("status.outcome", shown_status.get("outcome"), event.event_outcome),
        ("status.summary.topWorkflow", summary.get("topWorkflow"), event.top_workflow_id),
    )
    found = [_told(pair) for pair in pairs if pair[1] != pair[2]]
    return "; ".join(found) or None


def _differences(seen: SearchSeen, row: StoredRow, cluster_id: UUID) -> Iterator[Difference]:
    """Give what cannot have changed and is not the same."""
    metadata, status = seen.metadata, seen.status
    recorded_at = _instant(status.get("recordedAt"))
    pairs: list[Difference] = [
        ("status.eventId", status.get("eventId"), str(event_id(cluster_id, metadata.uid))),
        ("metadata.uid", str(metadata.uid), row.resource_id),
        ("metadata.name", metadata.name, row.resource_name),
    ]
    if isinstance(seen.search, WorkflowSearch):  # of a malformed one it may have been redacted
        correlation_id = seen.search.spec.correlation_id
        pairs.append(("spec.correlationId", correlation_id, row.correlation_id))
    if recorded_at is None or row.recorded_at < recorded_at:  # later: recorded again
        pairs.append(("status.recordedAt", status.get("recordedAt"), row.recorded_at.isoformat()))
    if content := row.content:
        summary = status.get("summary") or {}
        pairs += [
            ("metadata.namespace", metadata.namespace, content.namespace),
            ("cluster id", str(cluster_id), content.cluster_id),
            ("resource type", RESOURCE_TYPE, content.resource_type),
            ("status.outcome", status.get("outcome"), content.outcome),
            ("status.summary.topWorkflow", summary.get("topWorkflow"), content.top_workflow_id),
        ]
        confidence = summary.get("topConfidence")
        if not _same_number(confidence, content.top_confidence):
            pairs.append(("status.summary.topConfidence", confidence, content.top_confidence))
    return (pair for pair in pairs if pair[1] != pair[2])


def _same_number(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, abs_tol=SAME_CONFIDENCE)


def _told(difference: Difference) -> str:
    what, cluster, row = difference
    return f"{what}: {shown(cluster)} in the cluster, {shown(row)} in the table"


def _finding(seen: SearchSeen, kind: FindingKind, cluster_id: UUID, why: str) -> Finding:
    metadata = seen.metadata
    identifier = event_id(cluster_id, metadata.uid)
    return Finding(kind, metadata.namespace, metadata.name, str(metadata.uid), identifier, why)


def _follows(row: StoredRow, cluster_id: UUID) -> bool:
    uid = _uuid(row.resource_id)
    return uid is not None and row.event_id == event_id(cluster_id, uid)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _instant(text: object) -> datetime | None:
    """Give a time of status, which only the operator writes; None where it is none."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
