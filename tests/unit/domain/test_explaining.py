"""Events and statuses become the same explanation."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from workflow_audit.domain.explaining import (
    event_explanation,
    lead,
    may_be_search,
    notes,
    search_explanation,
)
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.explanation import Candidate, Explanation, Part, Why

GOLDEN = Path(__file__).parents[2] / "golden"
BOTH = [
    "a-search-with-labels-and-penalties",
    "a-search-without-breakdowns",
    "a-secret-in-the-query",
    "an-empty-answer",
    "a-failed-search-with-a-secret",
]
EVENT_ID = "590b17c1-ce6f-5cbf-a6dc-62b512248834"
AT = "2026-11-23T10:31:07Z"

Json = dict[str, Any]


def an_event(data: Json, **more: Any) -> Json:
    return {
        "metadata": {"namespace": "payments"},
        "eventType": "workflow.catalog.search_completed",
        "eventId": EVENT_ID,
        "eventTimestamp": AT,
        "eventOutcome": "success",
        "correlationId": "rr-1",
        "resourceId": "uid",
        "resourceName": "s-1",
        "eventData": data,
    } | more


def a_search(status: Json | None) -> Json:
    metadata = {"namespace": "payments", "name": "s-1", "creationTimestamp": AT}
    search: Json = {"metadata": metadata, "spec": {"correlationId": "rr-1"}}
    return search | ({"status": status} if status is not None else {})


@pytest.mark.parametrize("name", BOTH)
def test_an_event_and_the_status_of_its_search_say_the_same(name: str) -> None:
    data = json.loads((GOLDEN / "events" / f"{name}.json").read_text())
    status = yaml.safe_load((GOLDEN / "status" / f"{name}.yaml").read_text())
    failure = data.get("failure", {})
    event = an_event(
        data,
        eventId=status["eventId"],
        eventOutcome=status["outcome"],
        errorCode=failure.get("code"),
        errorMessage=failure.get("message"),
    )
    by_event = event_explanation(event, a_search(status)).model_dump()
    by_status = search_explanation(a_search(status)).model_dump()
    for each in by_event["candidates"] + by_status["candidates"]:
        del each["title"]  # a status has none
    assert str(by_event.pop("query")).startswith(str(by_status.pop("query")).rstrip("…"))
    assert by_event == by_status


def scored(**scoring: Any) -> Candidate:
    workflow = {"workflow_id": "w", "version": None, "rank": 1, "scoring": scoring}
    (found,) = event_explanation(an_event({"results": {"workflows": [workflow]}})).candidates
    return found


@pytest.mark.parametrize(
    ("scoring", "parts"),
    [
        pytest.param(
            {"confidence": 0.7, "base_similarity": 0.7}, [("base", 0.7)], id="base-similarity-alone"
        ),
        pytest.param(
            {
                "confidence": 0.65, "base_similarity": 0.6,
                "boost_breakdown": {"a": 0.1}, "penalty_breakdown": {"b": 0.05},
            },
            [("base", 0.6), ("boost", 0.1), ("penalty", -0.05)], id="boost-and-penalty",
        ),
        pytest.param(
            {"confidence": 0.6, "base_similarity": 0.5, "unattributed": {"boost": 0.1}},
            [("base", 0.5), ("unattributed", 0.1)], id="unattributed-boost",
        ),
        pytest.param(
            {
                "confidence": 0.4, "base_similarity": 0.5, "boost_breakdown": {"a": 0.1},
                "unattributed": {"boost": -0.1, "penalty": 0.1},
            },
            [("base", 0.5), ("boost", 0.1), ("unattributed", -0.1), ("unattributed", -0.1)],
            id="unattributed-may-be-negative",
        ),
        pytest.param(
            {"confidence": 1.0, "base_similarity": 0.9, "boost_breakdown": {"a": 0.2}},
            [("base", 0.9), ("boost", 0.2), ("bounds", -0.1)], id="kept-below-1",
        ),
        pytest.param(
            {"confidence": 0.0, "base_similarity": 0.1, "penalty_breakdown": {"a": 0.2}},
            [("base", 0.1), ("penalty", -0.2), ("bounds", 0.1)], id="kept-above-0",
        ),
        pytest.param(
            {"confidence": 0.9, "base_similarity": 0.5},
            [("base", 0.5), ("unexplained", 0.4)], id="what-does-not-add-up",
        ),
        pytest.param(
            {"confidence": 0.5004, "base_similarity": 0.5}, [("base", 0.5)], id="rounding-is-none"
        ),
        pytest.param(
            {"confidence": 0.9, "base_similarity": None, "boost_breakdown": {"a": 0.1}},
            [("boost", 0.1)], id="without-base-nothing-is-guessed",
        ),
        pytest.param(
            {"confidence": 0.0, "base_similarity": 0.0}, [("base", 0.0)], id="nothing-at-all"
        ),
    ],
)  # fmt: skip
def test_parts(scoring: Json, parts: list[tuple[str, float]]) -> None:
    found = scored(**scoring)
    assert [(part.kind, pytest.approx(part.value)) for part in found.parts] == parts
    assert found.base_known == (scoring["base_similarity"] is not None)


def an_explanation(**more: Any) -> Explanation:
    return Explanation(
        namespace="n", search="s", correlation_id="c", event_id=EVENT_ID, searched_at=AT, **more
    )


def candidate(*parts: Part, confidence: float = 0.5, **more: Any) -> Candidate:
    given = {"rank": 1, "workflow_id": "w", "base_known": True} | more
    return Candidate(confidence=confidence, parts=list(parts), **given)


@pytest.mark.parametrize(
    ("explanation", "said"),
    [
        pytest.param(an_explanation(candidates=[candidate()], low_confidence=False), [], id="none"),
        pytest.param(
            an_explanation(low_confidence=True),
            ["low confidence: the winner is below the policy's threshold"],
            id="low-confidence",
        ),
        pytest.param(an_explanation(left_out=1), ["1 lower rank was left out"], id="one-left-out"),
        pytest.param(
            an_explanation(left_out=2, cut_characters=10),
            ["2 lower ranks were left out", "10 characters of long texts were left out"],
            id="truncation",
        ),
        pytest.param(
            an_explanation(failure=Why(code="CatalogueTimeout", message="no answer after 5 s")),
            ["the search failed: CatalogueTimeout: no answer after 5 s"],
            id="failure",
        ),
        pytest.param(
            an_explanation(failure=Why(code="X")), ["the search failed: X"], id="bare-failure"
        ),
        pytest.param(
            an_explanation(redactions={"email": 2, "jwt": 1}),
            ["replaced before anything was stored: email (2), jwt (1)"],
            id="redactions",
        ),
        pytest.param(
            an_explanation(total_found=0), ["the catalogue found no workflow"], id="nothing-found"
        ),
        pytest.param(
            an_explanation(candidates=[candidate(derived=True)]),
            [
                (
                    "boosts and penalties by label follow from the policy's weights:"
                    " the search gave none"
                )
            ],
            id="derived",
        ),
        pytest.param(
            an_explanation(candidates=[candidate(base_known=False)]),
            ["the search did not tell every base similarity"],
            id="no-base",
        ),
        pytest.param(
            an_explanation(candidates=[candidate(Part(kind="unattributed", name="x", value=0.1))]),
            ["unattributed: what the breakdowns by label do not explain; shown, never guessed"],
            id="unattributed",
        ),
        pytest.param(
            an_explanation(candidates=[candidate(Part(kind="unexplained", name="x", value=0.1))]),
            ["unexplained: the parts do not add up to the catalogue's confidence"],
            id="unexplained",
        ),
    ],
)
def test_notes(explanation: Explanation, said: list[str]) -> None:
    assert list(notes(explanation)) == said


@pytest.mark.parametrize(
    ("status", "said"),
    [
        pytest.param(None, "Pending: the operator has not taken it up yet", id="untouched"),
        pytest.param(
            "waiting", "DatabaseUnavailable: the database does not answer", id="waiting"
        ),
        pytest.param(
            "skipped",
            "AuditingDisabled: auditing is switched off by policy default; nothing was written",
            id="skipped",
        ),
    ],
)  # fmt: skip
def test_a_search_without_event_says_why(status: str | None, said: str) -> None:
    given = yaml.safe_load((GOLDEN / "status" / f"{status}.yaml").read_text()) if status else None
    assert list(notes(search_explanation(a_search(given)))) == [f"not recorded: {said}"]


def test_a_status_says_what_it_does_not_show() -> None:
    workflows = [{"workflowId": "w", "rank": 1, "scoring": {"confidence": 0.5}}]
    summary = {"query": "q", "totalFound": 9, "returned": 6, "workflows": workflows}
    status = {"eventId": EVENT_ID, "summary": summary | {"truncated": {"workflows": 2}}}
    assert search_explanation(a_search(status)).left_out == 5


def test_an_invalid_search_says_what_is_wrong() -> None:
    data = json.loads((GOLDEN / "events" / "an-invalid-search.json").read_text())
    message = data["invalid"]["message"]
    event = an_event(data, errorCode="InvalidSearch", errorMessage=message)
    found = event_explanation(event)
    assert found.query is None
    assert list(notes(found)) == [f"the search failed: InvalidSearch: {message}"]


@pytest.mark.parametrize(
    ("event", "path"),
    [
        pytest.param(an_event({}, eventType="other"), "eventType", id="of-another-type"),
        pytest.param(an_event({"query": "text"}), "eventId", id="query-of-another-shape"),
        pytest.param(an_event({"results": {"workflows": [{}]}}), "eventId", id="no-scoring"),
    ],
)
def test_what_cannot_be_explained_is_refused(event: Json, path: str) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        event_explanation(event)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("confidences", "said"),
    [
        pytest.param([], None, id="nobody"),
        pytest.param([0.9], None, id="alone"),
        pytest.param([0.9, 0.8, 0.1], "0.100 ahead of w2", id="ahead"),
        pytest.param([0.9, 0.9], "like w2", id="alike"),
    ],
)
def test_lead(confidences: list[float], said: str | None) -> None:
    found = [
        candidate(confidence=each, rank=n, workflow_id=f"w{n}")
        for n, each in enumerate(confidences, 1)
    ]
    assert lead(an_explanation(candidates=found)) == said


@pytest.mark.parametrize(
    ("name", "may"),
    [("rr-1", True), ("a.b-c", True), ("", False), ("A", False), ("../x", False), ("a/b", False)],
)
def test_may_be_search(name: str, may: bool) -> None:
    assert may_be_search(name) is may
