"""Bundled searches as the catalogue answered them, in its first shape."""

from typing import Any

Json = dict[str, Any]

_SCORES = {
    "base_similarity": "baseSimilarity",
    "label_boost": "labelBoost",
    "label_penalty": "labelPenalty",
    "final_score": "confidence",
    "boost_breakdown": "boostBreakdown",
    "penalty_breakdown": "penaltyBreakdown",
}


def answer_of(results: Json) -> Json:
    """Give the answer that the results of a WorkflowSearch came from."""
    return {
        "total_results": results["totalFound"],
        "workflows": [_entry(workflow) for workflow in results["workflows"]],
    }


def _entry(workflow: Json) -> Json:
    scoring = workflow["scoring"]
    return {
        "workflow": {
            "workflow_id": workflow["workflowId"],
            "version": workflow["version"],
            "title": workflow["title"],
            "labels": workflow["labels"],
        },
        "rank": workflow["rank"],
        **{theirs: scoring[ours] for theirs, ours in _SCORES.items() if ours in scoring},
    }


def asked_of(spec: Json) -> Json:
    """Give what the library is told of the question."""
    query = spec["query"]
    return {
        "query": query["text"],
        "filters": query.get("filters", {}),
        "top_k": query.get("topK", 10),
        "min_similarity": query.get("minSimilarity"),
    }
