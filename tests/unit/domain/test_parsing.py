"""What cannot be a search becomes an InvalidSearch that names path, value and remedy."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.searches import FAILED, LINES, TINY, UID, WITHOUT, a_search, an_object, changed, specs
from workflow_audit.domain.parsing import parse_search, valid_spec
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.search import InvalidSearch, WorkflowSearch

FIRST = ("results", "workflows", 0)
SECOND = ("results", "workflows", 1)

MISSING = [
    (("correlationId",), "correlationId (spec.correlationId)"),
    (("query",), "query (spec.query)"),
    (("query", "text"), "text (spec.query.text)"),
    (("results", "totalFound"), "totalFound (spec.results.totalFound)"),
    (("results", "returned"), "returned (spec.results.returned)"),
    ((*FIRST, "workflowId"), "workflowId (spec.results.workflows[0].workflowId)"),
    ((*FIRST, "rank"), "rank (spec.results.workflows[0].rank)"),
    ((*SECOND, "scoring"), "scoring (spec.results.workflows[1].scoring)"),
    (
        (*SECOND, "scoring", "confidence"),
        "confidence (spec.results.workflows[1].scoring.confidence)",
    ),
]


@pytest.mark.parametrize(
    ("path", "named"), MISSING, ids=[".".join(map(str, path)) for path, _ in MISSING]
)
def test_a_missing_field_is_named_with_its_path(path: tuple[str | int, ...], named: str) -> None:
    search = a_search(changed(TINY, path, WITHOUT))
    assert isinstance(search, InvalidSearch)
    assert search.message == f"missing required field: {named}; give it"
    assert search.path == named.partition("(")[2].rstrip(")")


NO_INTEGER = "input should be a valid integer"
TEXT = "input should be a valid string"

BROKEN: list[tuple[str, tuple[str | int, ...], Any, str]] = [
    ("text-for-number", (*SECOND, "rank"), "first", f"{NO_INTEGER}, unable to parse"),
    ("fraction-for-integer", ("query", "topK"), 1.5, f"{NO_INTEGER}, got a number with a"),
    ("number-for-text", ("query", "text"), 7, TEXT),
    ("null-for-text", ("query", "text"), None, TEXT),
    ("list-for-text", ("correlationId",), ["rr"], TEXT),
    ("number-for-label", ("query", "filters", "signal-type"), 1, TEXT),
    ("text-for-object", ("query",), "OOMKilled", "input should be an object"),
    ("null-for-list", ("results", "workflows"), None, "input should be a valid list"),
    ("number-for-workflow", SECOND, 5, "input should be an object"),
    ("confidence-of-95", (*SECOND, "scoring", "confidence"), 95, "less than or equal to 1"),
    ("confidence-below-0", (*SECOND, "scoring", "confidence"), -0.1, "greater than or equal to 0"),
    ("confidence-nan", (*SECOND, "scoring", "confidence"), float("nan"), "a finite number"),
    ("confidence-infinite", (*SECOND, "scoring", "confidence"), float("inf"), "a finite number"),
    ("similarity-above-1", (*FIRST, "scoring", "baseSimilarity"), 1.01, "less than or equal to 1"),
    ("boost-below-0", (*FIRST, "scoring", "labelBoost"), -0.1, "greater than or equal to 0"),
    ("penalty-above-10", (*FIRST, "scoring", "labelPenalty"), 10.1, "less than or equal to 10"),
    (
        "breakdown-below-0",
        (*FIRST, "scoring", "boostBreakdown"),
        {"priority": -1},
        "greater than or equal to 0",
    ),
    ("rank-0", (*FIRST, "rank"), 0, "greater than or equal to 1"),
    ("rank-101", (*FIRST, "rank"), 101, "less than or equal to 100"),
    ("top-k-0", ("query", "topK"), 0, "greater than or equal to 1"),
    ("top-k-101", ("query", "topK"), 101, "less than or equal to 100"),
    ("threshold-above-1", ("query", "minSimilarity"), 1.5, "less than or equal to 1"),
    ("total-beyond-32-bits", ("results", "totalFound"), 2**31, "less than or equal to 2147483647"),
    ("duration-below-0", ("results", "durationMs"), -1, "greater than or equal to 0"),
    ("empty-correlation", ("correlationId",), "", "at least 1 character"),
    ("long-correlation", ("correlationId",), "r" * 256, "at most 255 characters"),
    ("empty-service", ("service",), "", "at least 1 character"),
    ("empty-workflow-id", (*FIRST, "workflowId"), "", "at least 1 character"),
    ("long-text", ("query", "text"), "t" * 8193, "at most 8192 characters"),
    ("long-label", ("query", "filters", "signal-type"), "v" * 129, "at most 128 characters"),
    ("clock-without-a-time", ("searchedAt",), "yesterday", "a valid datetime"),
    ("clock-without-a-zone", ("searchedAt",), "2026-11-23T10:31:07", "timezone info"),
]


@pytest.mark.parametrize(
    ("path", "value", "rule"), [pytest.param(*case[1:], id=case[0]) for case in BROKEN]
)
def test_a_refused_value_is_shown_with_path_rule_and_remedy(
    path: tuple[str | int, ...], value: Any, rule: str
) -> None:
    search = a_search(changed(TINY, path, value))
    assert isinstance(search, InvalidSearch)
    assert search.message.startswith(f"{search.path}: ")
    assert " is refused: " in search.message
    assert rule in search.message
    assert search.message.endswith("; correct it")
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    assert search.path.startswith(f"spec{steps}")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param(
            changed(TINY, ("results", "returned"), 4),
            "spec.results.returned: 4 is above totalFound, 3; totalFound counts all workflows "
            "that were found, listed or not",
            id="returned-above-total",
        ),
        pytest.param(
            changed(TINY, ("results", "returned"), 1),
            "spec.results.returned: 1 is not the number of workflows, 2; returned counts the "
            "workflows that are listed",
            id="returned-is-the-length-of-the-list",
        ),
        pytest.param(
            changed(TINY, (*SECOND, "rank"), 3),
            "spec.results.workflows: [1, 3] are no ranks from 1 without gaps; number them anew",
            id="no-gap-between-ranks",
        ),
        pytest.param(
            changed(TINY, (*SECOND, "rank"), 1),
            "spec.results.workflows: [1, 1] are no ranks from 1 without gaps; number them anew",
            id="no-rank-twice",
        ),
        pytest.param(
            TINY | {"failure": {"code": "CatalogueTimeout"}},
            "spec: 'both' of results and failure are given; give one of them, or neither to have "
            "the operator search",
            id="not-both-results-and-failure",
        ),
        pytest.param(
            changed(FAILED, ("failure", "code"), "no code"),
            "spec.failure.code: 'no code' is refused: string should match pattern "
            "'^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$'; correct it",
            id="a-code-is-a-reason-in-one-word",
        ),
        pytest.param(
            changed(FAILED, ("failure", "code"), "Timeout\n"),
            "spec.failure.code: 'Timeout\\n' is refused: string should match pattern "
            "'^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$'; correct it",
            id="a-code-has-no-newline-at-its-end",
        ),
        pytest.param(
            changed(TINY, ("query", "filters"), {"k" * 64: "v"}),
            f"spec.query.filters: '{'k' * 64}' is no label key; "
            "a key has 1 to 63 letters, digits or . _ / -",
            id="a-long-label-key",
        ),
        pytest.param(
            changed(TINY, (*FIRST, "labels"), {"": "v"}),
            "spec.results.workflows[0].labels: '' is no label key; "
            "a key has 1 to 63 letters, digits or . _ / -",
            id="an-empty-label-key",
        ),
        pytest.param(
            {}, "missing required field: correlationId (spec.correlationId); give it", id="empty"
        ),
    ],
)
def test_rules_between_fields_have_exact_messages(spec: dict[str, Any], message: str) -> None:
    search = a_search(spec)
    assert isinstance(search, InvalidSearch)
    assert search.message == message


@pytest.mark.parametrize("spec", [None, [], "text", 7, True, 1.5])
def test_a_spec_of_another_type_is_a_fact_too(spec: object) -> None:
    search = a_search(spec)
    assert isinstance(search, InvalidSearch)
    assert (search.path, search.correlation_id, search.service) == ("spec", "unknown", "unknown")
    assert search.submitted == spec


def test_an_object_without_a_spec_is_a_fact_too() -> None:
    body = an_object(None)
    del body["spec"]
    assert isinstance(parse_search(body), InvalidSearch)


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        pytest.param("correlationId", "rr-7", "rr-7", id="a-text-is-kept"),
        pytest.param("correlationId", "", "unknown", id="an-empty-one-is-unknown"),
        pytest.param("correlationId", {"a": 1}, "unknown", id="another-type-is-unknown"),
        pytest.param("service", "my-agent", "my-agent", id="a-service-is-kept"),
        pytest.param("service", 7, "unknown", id="a-service-of-another-type-is-unknown"),
    ],
)
def test_identifiers_of_an_invalid_search(field: str, value: object, kept: str) -> None:
    search = a_search({field: value})
    assert isinstance(search, InvalidSearch)
    assert (search.correlation_id if field == "correlationId" else search.service) == kept


@pytest.mark.parametrize(("value", "kept"), [("jane", "jane"), (7, None), (None, None)])
def test_requester_of_an_invalid_search_is_a_text_or_none(value: object, kept: str | None) -> None:
    search = a_search({"requestedBy": value})
    assert isinstance(search, InvalidSearch)
    assert search.requested_by == kept


def test_a_huge_value_is_cut_in_the_message_and_kept_in_what_was_submitted() -> None:
    search = a_search(changed(TINY, ("query", "text"), "x" * 1_000_000))
    assert isinstance(search, InvalidSearch)
    assert len(search.message) < 200
    assert "... (1000002 characters)" in search.message
    assert len(search.submitted["query"]["text"]) == 1_000_000  # type: ignore[index,call-overload,arg-type]


def test_every_bundled_search_parses_and_loses_nothing() -> None:
    lossy = []
    for number, spec in enumerate(LINES, 1):
        search = a_search(spec)
        assert isinstance(search, WorkflowSearch), f"line {number}: {search}"
        again = search.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
        if again != spec or search.replaced_characters:
            lossy.append(number)
    assert not lossy


def test_there_are_615_bundled_searches() -> None:
    assert len(LINES) == 615
    assert sum("failure" in line for line in LINES) == 15


def test_metadata_is_the_servers_own() -> None:
    metadata = a_search().metadata
    assert (metadata.namespace, metadata.name) == ("payments", "rr-2026-001-x7k2p")
    assert (metadata.uid, metadata.generation) == (UID, 1)
    assert metadata.created.isoformat() == "2026-11-23T10:31:07+00:00"


def test_what_was_left_out_has_its_default() -> None:
    search = a_search()
    assert isinstance(search, WorkflowSearch)
    assert (search.spec.service, search.spec.query.top_k) == ("holmesgpt-api", 10)
    assert search.spec.results is not None
    assert search.spec.results.workflows[0].scoring.boost_breakdown is None


def test_unknown_fields_are_ignored() -> None:
    assert a_search(TINY | {"colour": "red"}) == a_search()


@pytest.mark.parametrize(
    ("text", "cleaned", "count"),
    [
        pytest.param("a\x00b\x00", "a\ufffdb\ufffd", 2, id="nul"),
        pytest.param("\ud800", "\ufffd", 1, id="lone-surrogate"),
        pytest.param("a\tb\x01\U0001f680", "a\tb\x01\U0001f680", 0, id="all-others-stay"),
    ],
)
def test_characters_that_postgresql_refuses_are_replaced_and_counted(
    text: str, cleaned: str, count: int
) -> None:
    search = a_search(changed(TINY, ("query", "text"), text))
    assert isinstance(search, WorkflowSearch)
    assert (search.spec.query.text, search.replaced_characters) == (cleaned, count)


def test_an_invalid_search_is_cleaned_too() -> None:
    search = a_search({"correlationId": "rr\x00", "x\ud800": ["\x00"]})
    assert isinstance(search, InvalidSearch)
    assert search.correlation_id == "rr\ufffd"
    assert search.submitted == {"correlationId": "rr\ufffd", "x\ufffd": ["\ufffd"]}


@given(specs())
def test_every_search_that_the_schema_allows_is_valid(spec: dict[str, Any]) -> None:
    search = a_search(spec)
    assert isinstance(search, WorkflowSearch), search


FIELDS = st.sampled_from(
    ["correlationId", "service", "query", "text", "filters", "results", "workflows", "rank",
     "returned", "totalFound", "scoring", "confidence", "failure", "code", "searchedAt"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS | st.text(), inner),
    max_leaves=12,
)


@given(JSON)
def test_no_json_tree_as_spec_raises(spec: Any) -> None:
    search = a_search(spec)
    if isinstance(search, InvalidSearch):
        assert search.path.startswith("spec")
        assert search.path in search.message
        json.dumps(search.submitted).encode()


@given(st.sampled_from(LINES), st.data())
def test_no_change_to_a_real_search_raises(spec: dict[str, Any], data: st.DataObject) -> None:
    path: list[str | int] = []
    inner: Any = spec
    while isinstance(inner, dict | list) and inner and (not path or data.draw(st.booleans())):
        keys = list(inner) if isinstance(inner, dict) else range(len(inner))
        path.append(data.draw(st.sampled_from(keys)))
        inner = inner[path[-1]]
    a_search(changed(spec, tuple(path), data.draw(JSON)))


@pytest.mark.parametrize("depth", [900, 5_000])
@pytest.mark.parametrize("place", ["spec", "query", "results"])
def test_no_depth_raises(depth: int, place: str) -> None:
    tree: Any = "bottom"
    for _ in range(depth):
        tree = [tree]
    search = a_search(tree if place == "spec" else TINY | {place: tree})
    assert isinstance(search, InvalidSearch)
    assert search.path == ("spec" if place == "spec" else f"spec.{place}")


def test_valid_spec_raises_the_first_finding() -> None:
    with pytest.raises(InvalidFieldError, match=r"^spec\.query\.topK: 0 is refused") as caught:
        valid_spec(changed(TINY, ("query", "topK"), 0))
    assert caught.value.path == "spec.query.topK"
