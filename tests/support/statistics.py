"""Searches whose statistics are known, among them events as others or older versions wrote them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from support.reading import an_event
from workflow_audit.models.event import AuditEvent

Json = dict[str, Any]


def a_workflow(name: str, confidence: float, *, version: str = "v1", boost: float = 0.0) -> Json:
    scoring = {"confidence": confidence, "unattributed": {"boost": boost, "penalty": 0.0}}
    return {"workflow_id": name, "version": version, "scoring": scoring}


def a_search(
    namespace: str,
    at: datetime,
    workflows: Sequence[Json],
    *,
    text: str = "OOMKilled critical",
    filters: Mapping[str, str] | None = None,
    **changes: Any,
) -> AuditEvent:
    """A search that went well; the first workflow won."""
    ranked = [workflow | {"rank": rank} for rank, workflow in enumerate(workflows, 1)]
    data = {
        "query": {"text": text, "filters": filters},
        "results": {"total_found": len(ranked), "returned": len(ranked), "workflows": ranked},
    }
    winner: Json = ranked[0] if ranked else {}
    fields = {
        "event_timestamp": at,
        "event_date": at.date(),
        "event_data": data,
        "top_workflow_id": winner.get("workflow_id"),
        "top_confidence": winner.get("scoring", {}).get("confidence"),
    }
    return an_event(namespace, **(fields | changes))


def known_searches(namespace: str, now: datetime) -> list[AuditEvent]:
    """Seven searches, one malformed, three of other shapes, one of another type, one too old."""
    day = timedelta(days=1)
    gitops = {"signal-type": "OOMKilled", "resource-management": "gitops"}
    nothing: Json = {"top_workflow_id": None, "top_confidence": None}

    def of_shape(data: Json, **changes: Any) -> AuditEvent:
        return a_search(namespace, now - 2 * day, [], event_data=data, **(nothing | changes))

    failed = {
        "event_outcome": "failure",
        "event_data": {"query": {"text": "lost", "filters": {}}, "failure": {"code": "Timeout"}},
    }
    return [
        a_search(
            namespace,
            now - 1 * day,
            [a_workflow("oom", 0.9, boost=0.05), a_workflow("scale", 0.7)],
            filters=gitops,
        ),
        a_search(
            namespace,
            now - 2 * day,
            [a_workflow("oom", 0.5, boost=-0.02), a_workflow("oom", 0.4, version="v0")],
            filters=gitops,
        ),
        a_search(
            namespace,
            now - 9 * day,
            [a_workflow("scale", 0.3), a_workflow("oom", 0.2, boost=0.05)],
            text="pods pending",
        ),
        a_search(namespace, now - 9 * day, [a_workflow("oom", 0.4)], filters=gitops),
        a_search(namespace, now - 3 * day, [], text="nothing like it", filters={"severity": "x"}),
        a_search(namespace, now - 3 * day, [], text="nothing like it", filters={"severity": "x"}),
        a_search(namespace, now - 4 * day, [], **(nothing | failed)),
        of_shape({"invalid": {"path": "spec.query"}, "submitted": "{}"}, event_outcome="failure"),
        of_shape({"query": "as text", "results": "none"}),
        of_shape({}),
        of_shape(
            {
                "query": {"text": "foreign", "filters": ["a"]},
                "results": {
                    "workflows": [
                        7,
                        {"workflow_id": None},
                        {"workflow_id": "foreign", "scoring": {"unattributed": {"boost": "much"}}},
                        {"workflow_id": "foreign", "rank": 1.0, "scoring": 3},
                    ]
                },
            },
            top_workflow_id="foreign",
        ),
        an_event(namespace, event_type="other", top_workflow_id="other"),
        a_search(namespace, now - 40 * day, [a_workflow("old", 0.1)], text="old"),
    ]


TOTALS = {"searches": 11, "with_winner": 5, "empty": 4, "failed": 2}
"""Of the last 30 days; the event of another type is none of them."""
