import json
from typing import Any

import pytest

from support.answers import answer_of
from workflow_audit.cli.bundled import bundled
from workflow_audit.domain.catalogue_answer import catalogue_results, label_texts
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.search import MAX_LABELS, MAX_WORKFLOWS, Results

NESTED = {
    "workflows": [
        {
            "workflow": {
                "workflow_id": "pod-oom-gitops",
                "version": "v1.0.0",
                "title": "Raise a limit through Git",
                "description": "long",
                "labels": {"signal-type": "OOMKilled", "gitops-tool": "argocd"},
            },
            "base_similarity": 0.88,
            "label_boost": 0.10,
            "label_penalty": 0.0,
            "final_score": 0.98,
            "rank": 1,
        }
    ],
    "total_results": 5,
}
FLAT = {
    "workflows": [
        {
            "workflowId": "pod-oom-gitops",
            "version": "v1.0.0",
            "title": "Raise a limit through Git",
            "labels": {"signal-type": "OOMKilled", "gitops-tool": "argocd"},
            "baseSimilarity": 0.88,
            "labelBoost": 0.10,
            "labelPenalty": 0.0,
            "finalScore": 0.98,
            "confidence": 0.98,
            "rank": 1,
        }
    ],
    "totalResults": 5,
}


def with_entry(**changes: Any) -> dict[str, Any]:
    return {**NESTED, "workflows": [{**NESTED["workflows"][0], **changes}]}  # type: ignore[index]


def test_both_shapes_give_the_same_results() -> None:
    nested = catalogue_results(NESTED, duration_ms=45)
    assert nested == catalogue_results(FLAT, duration_ms=45)
    assert nested.model_dump(by_alias=True, exclude_none=True) == {
        "totalFound": 5,
        "returned": 1,
        "durationMs": 45,
        "workflows": [
            {
                "workflowId": "pod-oom-gitops",
                "version": "v1.0.0",
                "title": "Raise a limit through Git",
                "rank": 1,
                "labels": {"signal-type": "OOMKilled", "gitops-tool": "argocd"},
                "scoring": {
                    "confidence": 0.98,
                    "baseSimilarity": 0.88,
                    "labelBoost": 0.10,
                    "labelPenalty": 0.0,
                },
            }
        ],
    }


def test_the_real_searches_come_back_as_they_were() -> None:
    with bundled("examples/searches.jsonl").open(encoding="utf-8") as lines:
        specs = [json.loads(line) for line in lines]
    answered = [spec["results"] for spec in specs if "results" in spec]
    assert len(answered) == 600
    for results in answered:
        expected = Results.model_validate(results)
        assert catalogue_results(answer_of(results), duration_ms=expected.duration_ms) == expected


@pytest.mark.parametrize(
    ("answer", "place", "rule"),
    [
        pytest.param([], "answer", "object", id="no-object"),
        pytest.param({"results": []}, "answer.workflows", "missing", id="no-workflows"),
        pytest.param({"workflows": {}}, "answer.workflows", "list", id="workflows-are-no-list"),
        pytest.param({"workflows": ["a"]}, "answer.workflows[0]", "object", id="entry-is-a-text"),
        pytest.param(
            with_entry(workflow="x"),
            "answer.workflows[0].workflow",
            "object",
            id="workflow-is-a-text",
        ),
        pytest.param(
            with_entry(workflow={"title": "t"}),
            "answer.workflows[0].workflow_id",
            "missing",
            id="no-workflow-id",
        ),
        pytest.param(
            with_entry(final_score=95), "answer.workflows[0].final_score", "1", id="percentage"
        ),
        pytest.param(
            with_entry(final_score=None), "answer.workflows[0].final_score", "number", id="no-score"
        ),
        pytest.param(
            with_entry(label_boost=-0.1),
            "answer.workflows[0].label_boost",
            "0",
            id="negative-boost",
        ),
        pytest.param(with_entry(rank=2), "answer.workflows", "ranks", id="ranks-with-a-gap"),
        pytest.param(
            {**NESTED, "total_results": 0},
            "answer.total_results",
            "1",
            id="fewer-found-than-listed",
        ),
        pytest.param(
            {**NESTED, "total_results": "many"},
            "answer.total_results",
            "integer",
            id="total-is-a-word",
        ),
        pytest.param(
            {"workflows": [{}] * (MAX_WORKFLOWS + 1)}, "answer.workflows", "100", id="too-many"
        ),
    ],
)
def test_a_malformed_answer_says_where(answer: Any, place: str, rule: str) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        catalogue_results(answer, duration_ms=None)
    assert refused.value.path == place
    assert rule in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "part", "value"),
    [
        pytest.param({"rank": None}, "rank", 1, id="rank-follows-from-the-order"),
        pytest.param(
            {"workflow": {"workflow_id": "a", "title": "t" * 300}},
            "title",
            "t" * 199 + "…",
            id="long-title-is-cut",
        ),
        pytest.param(
            {"workflow": {"workflow_id": "a", "title": None}}, "title", "", id="null-title"
        ),
        pytest.param(
            {"workflow": {"workflow_id": "a", "labels": None}}, "labels", {}, id="null-labels"
        ),
    ],
)
def test_what_the_schema_bounds_is_made_to_fit(
    changes: dict[str, Any], part: str, value: object
) -> None:
    results = catalogue_results(with_entry(**changes), duration_ms=None)
    assert getattr(results.workflows[0], part) == value


def test_an_empty_answer_is_one() -> None:
    results = catalogue_results({"workflows": [], "total_results": 0}, duration_ms=3)
    assert (results.total_found, results.returned, results.workflows) == (0, 0, [])


def test_null_workflows_are_none_as_go_writes_an_empty_list() -> None:
    assert catalogue_results({"workflows": None}, duration_ms=None).returned == 0


def test_without_a_total_all_that_is_listed_counts() -> None:
    answer = {"workflows": NESTED["workflows"]}
    assert catalogue_results(answer, duration_ms=None).total_found == 1


def test_a_score_a_rounding_error_beyond_its_bound_is_the_bound() -> None:
    results = catalogue_results(with_entry(final_score=1.0000000002), duration_ms=None)
    assert results.workflows[0].scoring.confidence == 1.0


@pytest.mark.parametrize(
    ("raw", "texts"),
    [
        pytest.param({"a": "b"}, {"a": "b"}, id="text"),
        pytest.param({"a": ["*"]}, {"a": "*"}, id="list-of-one"),
        pytest.param({"a": ["x", "y"]}, {"a": "x,y"}, id="list"),
        pytest.param({"a": True, "b": 1, "c": None}, {"a": "true", "b": "1"}, id="other-values"),
        pytest.param({"a b": "x"}, {"a_b": "x"}, id="key-that-is-none"),
        pytest.param({"": "x"}, {"_": "x"}, id="empty-key"),
        pytest.param({"a": "x" * 64}, {"a": "x" * 62 + "…"}, id="long-value"),
        pytest.param({"a": {"b": 1}}, {"a": '{"b": 1}'}, id="object"),
    ],
)
def test_label_texts(raw: dict[str, Any], texts: dict[str, str]) -> None:
    assert label_texts(raw, most=12, longest=63) == texts


def test_labels_that_were_asked_for_are_kept_first() -> None:
    raw = {f"label-{n}": "x" for n in range(20)}
    kept = label_texts(raw, most=MAX_LABELS, longest=63, first=("label-19", "label-3"))
    assert len(kept) == MAX_LABELS
    assert {"label-19", "label-3", "label-0"} <= set(kept)
