"""Events and searches -> why a workflow won.

An event keeps the whole answer; the status of a search the best three, but also whether the
policy calls the winner's confidence low.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.alias_generators import to_snake

from workflow_audit.domain.conditions import RECORDED
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.explanation import Candidate, Explanation, Part, PartKind, Why

Json = Mapping[str, Any]

SEARCH_COMPLETED = "workflow.catalog.search_completed"

NOTICEABLE = 0.0005
"""Parts are rounded to four digits by catalogues, and are shown with three."""


def event_explanation(event: Json, search: Json | None = None) -> Explanation:
    """Explain a search by its event.

    Args:
        event: as the aggregated API gives it.
        search: its WorkflowSearch, if that is still there.

    Raises:
        InvalidFieldError: it is not about a search, or not as one is recorded.
    """
    if event["eventType"] != SEARCH_COMPLETED:
        remedy = f"only events of type {SEARCH_COMPLETED} are about searches"
        raise InvalidFieldError("eventType", event["eventType"], "cannot be explained", remedy)
    try:
        return _event_explanation(event, search)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        remedy = "`events get` shows it as it is"
        rule = f"is of a shape that this version cannot explain ({error!r:.80})"
        raise InvalidFieldError("eventId", event["eventId"], rule, remedy) from error


def _event_explanation(event: Json, search: Json | None) -> Explanation:
    data = event["eventData"]
    results = data.get("results") or {}
    truncated = data.get("truncated") or {}
    summary = ((search or {}).get("status") or {}).get("summary") or {}
    return Explanation(
        namespace=event["metadata"]["namespace"],
        search=event.get("resourceName") or event["resourceId"],
        correlation_id=event["correlationId"],
        event_id=event["eventId"],
        searched_at=event["eventTimestamp"],
        outcome=event["eventOutcome"],
        query=(data.get("query") or {}).get("text"),
        low_confidence=summary.get("lowConfidence"),
        total_found=results.get("total_found"),
        returned=results.get("returned"),
        candidates=_candidates(results.get("workflows") or ()),
        left_out=truncated.get("workflows", 0),
        cut_characters=truncated.get("characters", 0),
        redactions=data.get("redactions") or {},
        failure=_failure(event.get("errorCode"), event.get("errorMessage")),
    )


def search_explanation(search: Json) -> Explanation:
    """Explain a search by its own status.

    Args:
        search: the WorkflowSearch as the API server gives it.
    """
    metadata, status = search["metadata"], search.get("status") or {}
    summary = status.get("summary") or {}
    truncated = summary.get("truncated") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    searched, recorded = conditions.get("Searched", {}), conditions.get(RECORDED, {})
    workflows = [_snake(workflow) for workflow in summary.get("workflows") or ()]
    kept = (summary.get("returned") or 0) - truncated.get("workflows", 0)
    failed = searched.get("status") == "False"
    return Explanation(
        namespace=metadata["namespace"],
        search=metadata["name"],
        correlation_id=str(search["spec"].get("correlationId", "")),
        event_id=status.get("eventId"),
        searched_at=metadata["creationTimestamp"],
        outcome=status.get("outcome"),
        query=summary.get("query"),
        low_confidence=summary.get("lowConfidence"),
        total_found=summary.get("totalFound"),
        returned=summary.get("returned"),
        candidates=_candidates(workflows),
        left_out=truncated.get("workflows", 0) + max(kept - len(workflows), 0),
        cut_characters=truncated.get("characters", 0),
        redactions=summary.get("redactions") or {},
        failure=_failure(searched["reason"], searched.get("message")) if failed else None,
        waiting=None if status.get("eventId") else _waiting(recorded),
    )


def notes(explanation: Explanation) -> Iterator[str]:
    """Say what a reader should know beside the numbers, in plain words."""
    if waiting := explanation.waiting:
        yield f"not recorded: {waiting.code}: {waiting.message}"
    if failure := explanation.failure:
        yield "the search failed: " + ": ".join(filter(None, (failure.code, failure.message)))
    elif explanation.total_found == 0:
        yield "the catalogue found no workflow"
    if explanation.low_confidence:
        yield "low confidence: the winner is below the policy's threshold"
    yield from _about_parts(explanation)
    if left_out := explanation.left_out:
        yield f"{_counted(left_out, 'lower rank was', 'lower ranks were')} left out"
    if cut := explanation.cut_characters:
        yield f"{_counted(cut, 'character', 'characters')} of long texts were left out"
    if explanation.redactions:
        kinds = ", ".join(f"{name} ({count})" for name, count in explanation.redactions.items())
        yield f"replaced before anything was stored: {kinds}"


def lead(explanation: Explanation) -> str | None:
    """Say by how much the winner is ahead of the next one, if there is one."""
    if len(explanation.candidates) < 2:  # noqa: PLR2004 - the first and the next
        return None
    first, second = explanation.candidates[:2]
    ahead = first.confidence - second.confidence
    return f"{ahead:.3f} ahead of {second.workflow_id}" if ahead else f"like {second.workflow_id}"


def _about_parts(explanation: Explanation) -> Iterator[str]:
    kinds = {part.kind for candidate in explanation.candidates for part in candidate.parts}
    if "unattributed" in kinds:
        yield "unattributed: what the breakdowns by label do not explain; shown, never guessed"
    if "unexplained" in kinds:
        yield "unexplained: the parts do not add up to the catalogue's confidence"
    if any(not candidate.base_known for candidate in explanation.candidates):
        yield "the search did not tell every base similarity"
    if any(candidate.derived for candidate in explanation.candidates):
        yield "boosts and penalties by label follow from the policy's weights: the search gave none"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _candidates(workflows: Any) -> list[Candidate]:
    return [
        Candidate(
            rank=workflow["rank"],
            workflow_id=workflow["workflow_id"],
            version=workflow.get("version") or "",
            title=workflow.get("title") or "",
            confidence=workflow["scoring"]["confidence"],
            parts=list(_parts(workflow["scoring"])),
            base_known=workflow["scoring"].get("base_similarity") is not None,
            derived=bool(workflow["scoring"].get("derived")),
        )
        for workflow in workflows
    ]


def _parts(scoring: Json) -> Iterator[Part]:
    boosts, penalties = scoring.get("boost_breakdown"), scoring.get("penalty_breakdown")
    rest = scoring.get("unattributed") or {}
    found: list[tuple[PartKind, str, float]] = [
        *(("boost", key, value) for key, value in (boosts or {}).items()),
        *(("penalty", key, -value) for key, value in (penalties or {}).items()),
        ("unattributed", "unattributed boost", rest.get("boost", 0.0)),
        ("unattributed", "unattributed penalty", -rest.get("penalty", 0.0)),
    ]
    base = scoring.get("base_similarity")
    if base is not None:
        found.insert(0, ("base", "base similarity", base))
        total = sum(value for _, _, value in found)
        bounded = min(max(total, 0.0), 1.0)
        found.append(("bounds", "kept within 0 and 1", bounded - total))
        found.append(("unexplained", "unexplained", scoring["confidence"] - bounded))
    for kind, name, value in found:
        small = abs(value) < NOTICEABLE and kind in {"bounds", "unexplained"}
        if kind == "base" or not (value == 0 or small):
            yield Part(kind=kind, name=name, value=value)


def _failure(code: str | None, message: str | None) -> Why | None:
    return Why(code=code, message=message or "") if code else None


def _waiting(recorded: Json) -> Why:
    if not recorded:
        return Why(code="Pending", message="the operator has not taken it up yet")
    return Why(code=recorded["reason"], message=recorded["message"])


def _snake(workflow: Json) -> dict[str, Any]:
    """Give a workflow of a status with the names of an event; label keys stay as they are."""
    named = {to_snake(key): value for key, value in workflow.items()}
    named["scoring"] = {to_snake(key): value for key, value in workflow["scoring"].items()}
    return named


_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def may_be_search(identifier: str) -> bool:
    """Tell whether a search could have this name (RFC 1123, as all of its kind)."""
    return _NAME.fullmatch(identifier) is not None
