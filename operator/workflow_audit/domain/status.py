"""What status says of a search, derived from the very event that was committed.

Every time in a final status is the time of recording that the database gave, so two operators
on one search write the same bytes.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from workflow_audit.domain.answered import executed_results
from workflow_audit.domain.conditions import (
    READY,
    REASON_ANSWERED,
    REASON_RECORDED,
    REASON_SKIPPED,
    RECORDED,
    SEARCHED,
    condition,
)
from workflow_audit.errors import AuditError
from workflow_audit.models.event import AuditEvent, Json
from workflow_audit.models.outcome import Outcome, Recorded
from workflow_audit.models.scoring import ExplainedScoring
from workflow_audit.models.search import Metadata
from workflow_audit.models.status import (
    Phase,
    ScoringSummary,
    SearchStatus,
    SummaryWorkflow,
    Truncated,
)

SUMMARY_WORKFLOWS = 3
SUMMARY_QUERY_CHARACTERS = 48

FINAL_PHASES: frozenset[Any] = frozenset({Phase.RECORDED, Phase.SKIPPED})


def is_final(status: Mapping[str, Any] | None) -> bool:
    """Tell whether nothing is left to do for a search."""
    return (status or {}).get("phase") in FINAL_PHASES


def is_waiting(status: Mapping[str, Any] | None) -> bool:
    """Tell whether status already says that and why the search waits."""
    return (status or {}).get("phase") == Phase.PENDING


def final_status(metadata: Metadata, outcome: Outcome, *, now: datetime) -> Json:
    """Give the status of a search that is done, as JSON for the API server."""
    if isinstance(outcome, Recorded):
        return _json(_recorded_status(metadata, outcome))
    stated = partial(condition, generation=metadata.generation, at=now)
    message = f"auditing is switched off by policy {outcome.policy}; nothing was written"
    return _json(
        SearchStatus(
            observed_generation=metadata.generation,
            phase=Phase.SKIPPED,
            policy=outcome.policy,
            conditions=[
                stated(READY, "True", REASON_SKIPPED, message),
                stated(RECORDED, "False", REASON_SKIPPED, message),
            ],
        )
    )


def waiting_status(metadata: Metadata, error: AuditError, *, now: datetime) -> Json:
    """Give the status of a search that could not be recorded yet, with the cause."""
    stated = partial(condition, generation=metadata.generation, at=now)
    reason, message = error.reason, str(error)
    return _json(
        SearchStatus(
            phase=Phase.PENDING,
            conditions=[
                stated(READY, "False", reason, message),
                stated(RECORDED, "False", reason, message),
            ],
        )
    )


def _recorded_status(metadata: Metadata, outcome: Recorded) -> SearchStatus:
    event = outcome.event
    stated = partial(condition, generation=metadata.generation, at=outcome.recorded_at)
    message = "the audit event is committed"
    return SearchStatus(
        observed_generation=metadata.generation,
        phase=Phase.RECORDED,
        outcome=event.event_outcome,
        event_id=str(event.event_id),
        recorded_at=outcome.recorded_at.astimezone(UTC),
        policy=outcome.policy,
        summary=_summary(event, low=outcome.low_confidence),
        results=executed_results(event) if outcome.executed else None,
        conditions=[
            stated(READY, "True", REASON_RECORDED, message),
            stated(RECORDED, "True", REASON_RECORDED, message),
            stated(SEARCHED, *_searched(event)),
        ],
    )


def _searched(event: AuditEvent) -> tuple[Literal["True", "False"], str, str]:
    if event.event_outcome == "failure":
        return "False", str(event.error_code), event.error_message or ""
    results = event.event_data["results"]
    found, listed = results["total_found"], results["returned"]
    return "True", REASON_ANSWERED, f"the catalogue found {found} workflows and listed {listed}"


def _summary(event: AuditEvent, *, low: bool | None) -> ScoringSummary | None:
    data = event.event_data
    if "query" not in data:
        return None
    results = data.get("results", {})
    return ScoringSummary(
        query=_beginning(data["query"]["text"]),
        top_workflow=event.top_workflow_id,
        top_confidence=event.top_confidence,
        low_confidence=low,
        total_found=results.get("total_found"),
        returned=results.get("returned"),
        truncated=Truncated(**data["truncated"]),
        redactions=data["redactions"],
        workflows=[
            SummaryWorkflow(
                workflow_id=workflow["workflow_id"],
                version=workflow["version"],
                rank=workflow["rank"],
                scoring=ExplainedScoring(**workflow["scoring"]),
            )
            for workflow in results.get("workflows", [])[:SUMMARY_WORKFLOWS]
        ],
    )


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    if len(line) <= SUMMARY_QUERY_CHARACTERS:
        return line
    return f"{line[: SUMMARY_QUERY_CHARACTERS - 1]}…"


def _json(status: SearchStatus) -> Json:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
