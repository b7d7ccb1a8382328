"""Searches as kubernaut's clients send them: bodies of POST /api/v1/audit/events."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson

from bench.corpus import Corpus
from workflow_audit.domain.instants import rfc3339
from workflow_audit.wiring import utc_now

SINGLE = "/api/v1/audit/events"
BATCH = f"{SINGLE}/batch"
NAMESPACES = ("production", "staging", "development")

Json = dict[str, Any]


class Submissions:
    """Bodies without end, no two alike: made beforehand, so that making them is not measured."""

    def __init__(self, corpus: Corpus) -> None:
        self._specs = [corpus.manifest(number)["spec"] for number in range(len(corpus))]
        self._number = 0

    def events(self, count: int) -> list[Json]:
        """Give as many events, each with a key of its own."""
        return [self._event() for _ in range(count)]

    def batches(self, count: int, size: int) -> list[bytes]:
        """Give as many events in bodies of a size."""
        return [orjson.dumps(self.events(size)) for _ in range(count // size)]

    def _event(self) -> Json:
        number, self._number = self._number, self._number + 1
        event = submitted(self._specs[number % len(self._specs)])
        at = utc_now() - timedelta(milliseconds=number % 60_000)
        return event | {
            "event_timestamp": rfc3339(at),
            "namespace": NAMESPACES[number % len(NAMESPACES)],
            "idempotency_key": uuid4().hex,
        }


def submitted(spec: Json) -> Json:
    """Give a search in kubernaut's shape."""
    failure, results, query = spec.get("failure"), spec.get("results"), spec["query"]
    data: Json = {
        "query": {
            "text": query["text"],
            "filters": query.get("filters", {}),
            "top_k": query.get("topK", 10),
            "min_similarity": query.get("minSimilarity"),
        },
        "search_metadata": {"duration_ms": (results or failure or {}).get("durationMs")},
    }
    if failure:
        data["failure"] = {"code": failure["code"], "message": failure.get("message", "")}
    if results:
        data["results"] = {
            "total_found": results["totalFound"],
            "returned": results["returned"],
            "workflows": [_workflow(workflow) for workflow in results["workflows"]],
        }
    return {
        "version": "1.0",
        "event_type": "workflow.catalog.search_completed",
        "event_category": "workflow",
        "event_action": "search_completed",
        "event_outcome": "failure" if failure else "success",
        "correlation_id": spec["correlationId"],
        "service": spec["service"],
        "event_data": data,
    }


def _workflow(workflow: Json) -> Json:
    scoring = workflow["scoring"]
    names = {
        "confidence": "confidence",
        "base_similarity": "baseSimilarity",
        "label_boost": "labelBoost",
        "label_penalty": "labelPenalty",
        "boost_breakdown": "boostBreakdown",
        "penalty_breakdown": "penaltyBreakdown",
    }
    return {
        "workflow_id": workflow["workflowId"],
        "version": workflow["version"],
        "title": workflow["title"],
        "rank": workflow["rank"],
        "labels": workflow["labels"],
        "scoring": {ours: scoring[theirs] for ours, theirs in names.items() if theirs in scoring},
    }
