"""What becomes of a call: the search that is recorded, whatever the call looks like."""

import json
import math
from collections import UserDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from pydantic import BaseModel

from workflow_audit.client import snapshot as snapshots
from workflow_audit.client.events import event_body
from workflow_audit.client.searches import WaitingSearch, waiting_search
from workflow_audit.client.snapshot import snapshot
from workflow_audit.domain.parsing import valid_spec

OWN_ID = UUID(int=1)
AT = datetime(2026, 11, 23, 10, 31, 7, 123456, tzinfo=UTC)

NESTED = {
    "workflows": [
        {
            "workflow": {
                "workflow_id": "pod-oom-gitops",
                "version": "v1.0.0",
                "title": "Raise the limit",
                "labels": {"signal-type": "OOMKilled"},
            },
            "base_similarity": 0.88,
            "label_boost": 0.12,
            "label_penalty": 0.0,
            "final_score": 1.0,
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
            "title": "Raise the limit",
            "labels": {"signal-type": "OOMKilled"},
            "baseSimilarity": 0.88,
            "labelBoost": 0.12,
            "labelPenalty": 0.0,
            "confidence": 1.0,
            "rank": 1,
        }
    ],
    "totalResults": 5,
}


def call(**given: Any) -> dict[str, Any]:
    asked = {
        "correlation_id": "rr-2026-001",
        "query": "OOMKilled critical",
        "filters": {"signal-type": "OOMKilled"},
        "top_k": 3,
        "min_similarity": 0.3,
        "duration_ms": 45.4,
    }
    return asked | ({} if "failure" in given else {"response": NESTED}) | given


def search(own_id: UUID = OWN_ID, **given: Any) -> WaitingSearch:
    """Give the search of a call, by the way that every call goes."""
    taken = snapshot(call(**given), AT.timestamp())
    found = waiting_search(taken, service="my-agent", namespace="payments", own_id=own_id)
    valid_spec(found.spec.model_dump(mode="json", by_alias=True, exclude_none=True))
    return found


def test_a_call_becomes_a_resource() -> None:
    manifest = search(labels={"team": "a"}).manifest()
    assert manifest["metadata"]["namespace"] == "payments"
    assert manifest["metadata"]["labels"] == {"team": "a"}
    assert manifest["metadata"]["name"].startswith("rr-2026-001-")
    assert manifest["spec"] == {
        "correlationId": "rr-2026-001",
        "service": "my-agent",
        "searchedAt": "2026-11-23T10:31:07.123456Z",
        "query": {
            "text": "OOMKilled critical",
            "filters": {"signal-type": "OOMKilled"},
            "topK": 3,
            "minSimilarity": 0.3,
        },
        "results": {
            "totalFound": 5,
            "returned": 1,
            "durationMs": 45,
            "workflows": [
                {
                    "workflowId": "pod-oom-gitops",
                    "version": "v1.0.0",
                    "title": "Raise the limit",
                    "rank": 1,
                    "labels": {"signal-type": "OOMKilled"},
                    "scoring": {
                        "confidence": 1.0,
                        "baseSimilarity": 0.88,
                        "labelBoost": 0.12,
                        "labelPenalty": 0.0,
                    },
                }
            ],
        },
    }


def test_a_call_becomes_an_event() -> None:
    assert event_body(search(labels={"team": "a"})) == {
        "version": "1.0",
        "event_type": "workflow.catalog.search_completed",
        "event_timestamp": "2026-11-23T10:31:07.123456Z",
        "event_category": "workflow",
        "event_action": "search_completed",
        "event_outcome": "success",
        "correlation_id": "rr-2026-001",
        "namespace": "payments",
        "service": "my-agent",
        "labels": {"team": "a"},
        "duration_ms": 45,
        "event_data": {
            "query": {
                "text": "OOMKilled critical",
                "filters": {"signal-type": "OOMKilled"},
                "top_k": 3,
                "min_similarity": 0.3,
            },
            "search_metadata": {"duration_ms": 45},
            "results": {
                "total_found": 5,
                "returned": 1,
                "workflows": [
                    {
                        "workflow_id": "pod-oom-gitops",
                        "version": "v1.0.0",
                        "title": "Raise the limit",
                        "rank": 1,
                        "labels": {"signal-type": "OOMKilled"},
                        "scoring": {
                            "confidence": 1.0,
                            "base_similarity": 0.88,
                            "label_boost": 0.12,
                            "label_penalty": 0.0,
                        },
                    }
                ],
            },
        },
    }


def test_a_failure_becomes_an_event() -> None:
    body = event_body(search(failure=("CatalogueTimeout", "no answer within 5 s")))
    assert body["event_outcome"] == "failure"
    assert (body["error_code"], body["error_message"], body["duration_ms"]) == (
        "CatalogueTimeout",
        "no answer within 5 s",
        45,
    )
    assert body["event_data"]["failure"] == {
        "code": "CatalogueTimeout",
        "message": "no answer within 5 s",
    }
    assert body["event_data"]["search_metadata"] == {"duration_ms": 45}
    assert "results" not in body["event_data"]


def test_both_shapes_of_an_answer_are_the_same_search() -> None:
    assert search(response=FLAT) == search(response=NESTED)


def test_nothing_found_is_a_success() -> None:
    spec = search(response={"workflows": [], "total_results": 0}).spec
    assert spec.results
    assert spec.failure is None
    assert spec.results.workflows == []


class Answer(BaseModel):
    workflows: list[Any] = NESTED["workflows"]  # type: ignore[assignment]
    total_results: int = 5


@dataclass
class Plain:
    workflows: Any
    total_results: int


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(Answer(), id="pydantic"),
        pytest.param(Plain(NESTED["workflows"], 5), id="dataclass"),
        pytest.param(UserDict(NESTED), id="mapping"),
        pytest.param(NESTED | {"workflows": tuple(NESTED["workflows"])}, id="tuple"),  # type: ignore[arg-type]
        pytest.param(NESTED | {1: "a key that is no text"}, id="key"),
        pytest.param(NESTED | {"more": "half a character \ud83d"}, id="surrogate"),
        pytest.param(NESTED | {"more": 2**70}, id="large-number"),
    ],
)
def test_answers_of_many_kinds_are_understood(response: Any) -> None:
    assert search(response=response) == search()


def _nested_deeply() -> Any:
    value: Any = "x"
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("response", "words"),
    [
        pytest.param(None, "answer: None is no JSON object", id="none"),
        pytest.param([1], "answer: [1] is no JSON object", id="list"),
        pytest.param({"workflows": [{"rank": 1}]}, "answer.workflows[0]", id="shape"),
        pytest.param(object(), "the answer is no JSON", id="object"),
        pytest.param({"workflows": {1, 2}}, "the answer is no JSON", id="set"),
        pytest.param({"x": _nested_deeply()}, "", id="depth"),
        pytest.param(
            {"workflows": [{"workflow_id": "a", "final_score": math.nan}]},
            "answer.workflows[0].final_score",
            id="nan",
        ),
    ],
)
def test_what_is_no_answer_is_a_malformed_one(response: Any, words: str) -> None:
    failure = search(response=response).spec.failure
    assert failure
    assert failure.code == "MalformedResponse"
    assert words in failure.message
    assert failure.duration_ms == 45


def test_an_answer_that_fills_the_memory_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "LONGEST_BYTES", 100_000)
    for filling in ("x" * 100_000, "\ud83d" * 50_000):
        failure = search(response=NESTED | {"more": filling}).spec.failure
        assert failure
        assert failure.code == "ResponseTooLarge"


def test_a_huge_query_and_an_answer_that_is_no_json_are_kept_as_far_as_they_go() -> None:
    spec = search(query="q" * (9 * 1024 * 1024), response=object()).spec
    assert len(spec.query.text) == 8192
    assert spec.failure
    assert spec.failure.code == "MalformedResponse"


@pytest.mark.parametrize(
    ("given", "path", "kept"),
    [
        pytest.param({"correlation_id": ""}, "correlation_id", "unknown", id="no-correlation"),
        pytest.param({"correlation_id": None}, "correlation_id", "unknown", id="none-correlation"),
        pytest.param({"correlation_id": 7}, "correlation_id", "7", id="number-correlation"),
        pytest.param({"query": None}, "query.text", "", id="no-query"),
        pytest.param({"query": {"a": 1}}, "query.text", '{"a": 1}', id="query-object"),
        pytest.param({"query": "a\x00b\ud83d"}, "query.text", "a\ufffdb\ufffd", id="characters"),
        pytest.param({"filters": None}, "query.filters", {}, id="no-filters"),
        pytest.param({"filters": "x"}, "query.filters", {}, id="filters-text"),
        pytest.param({"filters": {"a": True}}, "query.filters", {"a": "true"}, id="filter-value"),
        pytest.param({"filters": {"a b": "c"}}, "query.filters", {"a_b": "c"}, id="filter-key"),
        pytest.param({"top_k": 0}, "query.top_k", 1, id="top-k-low"),
        pytest.param({"top_k": 1000}, "query.top_k", 100, id="top-k-high"),
        pytest.param({"top_k": None}, "query.top_k", 10, id="top-k-none"),
        pytest.param({"top_k": "many"}, "query.top_k", 10, id="top-k-text"),
        pytest.param({"min_similarity": 1.5}, "query.min_similarity", 1, id="threshold-high"),
        pytest.param({"min_similarity": None}, "query.min_similarity", None, id="threshold-none"),
        pytest.param({"min_similarity": math.nan}, "query.min_similarity", None, id="nan"),
        pytest.param({"duration_ms": -1}, "results.duration_ms", None, id="duration-negative"),
        pytest.param({"duration_ms": "x"}, "results.duration_ms", None, id="duration-text"),
        pytest.param({"duration_ms": 1e300}, "results.duration_ms", 2**31 - 1, id="duration-long"),
    ],
)
def test_what_does_not_fit_becomes_the_nearest_that_does(
    given: dict[str, Any], path: str, kept: Any
) -> None:
    value: Any = search(**given).spec
    for name in path.split("."):
        value = getattr(value, name)
    assert value == kept


def test_many_filters_and_long_texts_are_cut() -> None:
    spec = search(
        correlation_id="c" * 300,
        query="q" * 9000,
        filters={f"k{n}": "v" * 200 for n in range(20)},
    ).spec
    assert (len(spec.correlation_id), len(spec.query.text), len(spec.query.filters)) == (
        255,
        8192,
        16,
    )
    assert {len(value) for value in spec.query.filters.values()} == {128}


@pytest.mark.parametrize(
    ("code", "kept", "message"),
    [
        ("MyReason", "MyReason", "words"),
        ("no reason", "SearchFailed", "no reason: words"),
        ("X" * 51, "SearchFailed", f"{'X' * 51}: words"),
        (None, "SearchFailed", ": words"),
    ],
)
def test_a_code_that_cannot_be_a_reason_goes_into_the_message(
    code: Any, kept: str, message: str
) -> None:
    failure = search(failure=(code, "words")).spec.failure
    assert failure
    assert (failure.code, failure.message) == (kept, message)


def test_each_call_is_a_search_of_its_own_unless_it_has_an_id() -> None:
    assert search().name == search().name
    assert search(UUID(int=2)).name != search().name
    assert search(UUID(int=2), search_id="a").id == search(search_id="a").id
    assert search(search_id="a").id != search(search_id="b").id
    assert search(search_id="a").name != search(search_id="a", correlation_id="rr-2").name


@pytest.mark.parametrize(
    ("correlation_id", "begin"),
    [
        ("rr-2026-001", "rr-2026-001-"),
        ("RR/2026 001", "rr-2026-001-"),
        ("--", "search-"),
        ("é", "search-"),
        ("a" * 300, "a" * 40 + "-"),
    ],
)
def test_names_are_names_of_resources(correlation_id: str, begin: str) -> None:
    name = search(correlation_id=correlation_id).name
    assert name.startswith(begin)
    assert len(name) == len(begin) + 20


def test_a_call_may_name_its_namespace() -> None:
    assert search(namespace="other").namespace == "other"


def test_what_the_spool_keeps_is_the_search() -> None:
    for one in (search(labels={"a": "b"}), search(failure=("X", "y"))):
        assert WaitingSearch.from_json(one.as_json()) == one


@pytest.mark.parametrize("kept", [b"", b"[]", b"{}", b'{"spec": {}}', b"\xff"])
def test_what_is_no_search_is_refused(kept: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        WaitingSearch.from_json(kept)


def test_a_snapshot_is_taken_at_once() -> None:
    response = json.loads(json.dumps(NESTED))
    taken = snapshot(call(response=response), AT.timestamp())
    response["workflows"].clear()
    assert orjson.loads(taken)[1]["response"] == NESTED
