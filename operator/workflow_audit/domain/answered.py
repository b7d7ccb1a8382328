"""What status shows of the answer to a search that the operator ran."""

from bisect import bisect_left

import orjson

from workflow_audit.models.event import AuditEvent
from workflow_audit.models.scoring import ExplainedScoring
from workflow_audit.models.status import AnsweredResults, AnsweredWorkflow

RESULTS_BYTES = 2**20
"""Most bytes of the results in status: with all else they stay below etcd's limit of 1.5 MiB.

An event may be as large, but is not written in Go's way; and redaction makes texts longer."""

_ESCAPED_BY_GO = ("<", ">", "&", "\u2028", "\u2029")
_ESCAPE_BYTES = 6


def executed_results(event: AuditEvent) -> AnsweredResults | None:
    """Give the results of an event; None where the search failed.

    Lower ranks are left out where all would be too large for the API server.
    """
    data = event.event_data.get("results")
    if data is None:
        return None
    results = AnsweredResults(
        total_found=data["total_found"],
        returned=data["returned"],
        duration_ms=event.duration_ms,
        workflows=[
            AnsweredWorkflow(**{**each, "scoring": ExplainedScoring(**each["scoring"])})
            for each in data["workflows"]
        ],
    )
    listed = results.workflows
    fewer = range(len(listed), -1, -1)

    def with_best(count: int) -> AnsweredResults:
        return results.model_copy(update={"workflows": listed[:count]})

    place = bisect_left(fewer, x=True, key=lambda n: _bytes(with_best(n)) <= RESULTS_BYTES)
    return with_best(fewer[place])


def _bytes(results: AnsweredResults) -> int:
    """Give the size as the API server's JSON."""
    text = orjson.dumps(results.model_dump(mode="json", by_alias=True, exclude_none=True)).decode()
    escaped = sum(text.count(character) for character in _ESCAPED_BY_GO)
    return len(text.encode()) + escaped * _ESCAPE_BYTES
