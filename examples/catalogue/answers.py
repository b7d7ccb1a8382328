"""The two shapes in which a catalogue answers, as kubernaut's Data Storage had them over time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ranking import Scored

Json = dict[str, Any]


def snake(found: Sequence[Scored], total: int) -> Json:
    """Give the first shape: what a workflow is stands apart from how it scored."""
    return {
        "workflows": [
            {
                "workflow": {
                    "workflow_id": one.workflow.workflow_id,
                    "version": one.workflow.version,
                    "title": one.workflow.title,
                    "description": one.workflow.description,
                    "labels": one.workflow.labels,
                },
                "base_similarity": one.base_similarity,
                "label_boost": one.label_boost,
                "label_penalty": one.label_penalty,
                "boost_breakdown": one.boosts,
                "penalty_breakdown": one.penalties,
                "final_score": one.confidence,
                "rank": rank,
            }
            for rank, one in enumerate(found, start=1)
        ],
        "total_results": total,
    }


def camel(found: Sequence[Scored], total: int) -> Json:
    """Give the later shape: flat, without base similarity and breakdowns."""
    return {
        "workflows": [
            {
                "workflowId": one.workflow.workflow_id,
                "version": one.workflow.version,
                "title": one.workflow.title,
                "description": one.workflow.description,
                "labels": one.workflow.labels,
                "confidence": one.confidence,
                "labelBoost": one.label_boost,
                "labelPenalty": one.label_penalty,
                "finalScore": one.confidence,
                "rank": rank,
            }
            for rank, one in enumerate(found, start=1)
        ],
        "totalResults": total,
    }


SHAPES: Mapping[str, Callable[[Sequence[Scored], int], Json]] = {"snake": snake, "camel": camel}
