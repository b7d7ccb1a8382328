"""The event of a search that the operator ran -> the same event once more, out of its status.

The answer stands nowhere else in the cluster, and asking the catalogue again would record an answer
that nobody has seen. Status does not say when the search ran and whose catalogue answered, so the
event does not either: nothing is invented.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from workflow_audit.domain.conditions import SEARCHED
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.event import AuditEvent, Json
from workflow_audit.models.scoring import ExplainedScoring, Scoring
from workflow_audit.models.search import Failure, FoundWorkflow, Results, WorkflowSearch
from workflow_audit.models.status import AnsweredResults, AnsweredWorkflow, SearchStatus
from workflow_audit.models.verification import Rebuilt, SearchSeen


def rebuilt(seen: SearchSeen) -> Rebuilt:
    """Give the search with its answer; one that came with an answer as it is.

    Raises:
        InvalidFieldError: status does not have all of the answer.
    """
    search = seen.search
    if not isinstance(search, WorkflowSearch) or not search.spec.is_open:
        return Rebuilt(search)
    try:
        status = SearchStatus.model_validate(seen.status)
        answer = _failure(status) if status.outcome == "failure" else _results(status)
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_url=False)[0]["loc"]))
        raise _unusable(f"status.{where}", "cannot be read") from None
    spec = search.spec.model_copy(update={**answer, "searched_at": None})
    answered = dataclasses.replace(search, spec=spec, executed=True)
    return Rebuilt(answered, _known(status))


def with_known(event: AuditEvent, known: Mapping[str, Any]) -> AuditEvent:
    """Give an event with the parts that status shows as they were recorded."""
    if not known:
        return event
    return dataclasses.replace(event, event_data={**event.event_data, **known})


def _failure(status: SearchStatus) -> Json:
    searched = next((each for each in status.conditions or () if each.type == SEARCHED), None)
    if searched is None:
        raise _unusable("status.conditions", f"has no condition {SEARCHED}")
    return {"failure": Failure(code=searched.reason, message=searched.message)}


def _results(status: SearchStatus) -> Json:
    answered, summary = status.results, status.summary
    if answered is None or summary is None:
        raise _unusable("status.results", "is not there")
    kept = answered.returned - summary.truncated.workflows
    if len(answered.workflows) != kept:
        shown = f"lists {len(answered.workflows)} of {kept} workflows that were recorded"
        raise _unusable("status.results.workflows", shown)
    results = Results(
        total_found=answered.total_found,
        returned=answered.returned,
        duration_ms=answered.duration_ms,
        workflows=[_found(workflow) for workflow in answered.workflows],
    )
    return {"results": results}


def _found(workflow: AnsweredWorkflow) -> FoundWorkflow:
    """Give a workflow; its texts were redacted, which may have made them longer than allowed."""
    scoring = {name: getattr(workflow.scoring, name) for name in Scoring.model_fields}
    return FoundWorkflow.model_construct(
        workflow_id=workflow.workflow_id,
        version=workflow.version,
        title=workflow.title,
        rank=workflow.rank,
        labels=workflow.labels,
        scoring=Scoring.model_construct(**scoring),
    )


def _known(status: SearchStatus) -> Json:
    known: Json = {}
    if status.summary:
        known["redactions"] = dict(status.summary.redactions)
        known["truncated"] = status.summary.truncated.model_dump()
    if status.results:
        known["results"] = _stored_results(status.results)
    return known


def _stored_results(answered: AnsweredResults) -> Json:
    return {
        "total_found": answered.total_found,
        "returned": answered.returned,
        "workflows": [
            {**each.model_dump(exclude={"scoring"}), "scoring": _stored_scoring(each.scoring)}
            for each in answered.workflows
        ],
    }


def _stored_scoring(scoring: ExplainedScoring) -> Json:
    """Give a scoring as events keep it: what is derived or unattributed only where something is."""
    data = scoring.model_dump(exclude={"derived", "unattributed"})
    if scoring.derived:
        data["derived"] = True
    if scoring.unattributed.boost or scoring.unattributed.penalty:
        data["unattributed"] = scoring.unattributed.model_dump()
    return data


def _unusable(path: str, rule: str) -> InvalidFieldError:
    return InvalidFieldError(
        path, None, rule, "the answer stands nowhere else, so restore a later backup for its event"
    )
