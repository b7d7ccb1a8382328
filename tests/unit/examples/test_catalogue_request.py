"""What the example catalogue accepts, and what it says of everything else."""

import contextlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from request import RefusedRequestError, SearchRequest, parse

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
FIELDS = st.sampled_from(["query", "filters", "top_k", "min_similarity", "remediation_id", "x"])


def test_everything_that_may_be_given() -> None:
    body = {
        "query": "OOMKilled",
        "filters": {"severity": "critical"},
        "top_k": 3,
        "min_similarity": 0.5,
        "remediation_id": "rr-1",
        "include_disabled": False,
    }
    asked = SearchRequest("OOMKilled", {"severity": "critical"}, 3, 0.5)
    assert parse(json.dumps(body).encode()) == asked


def test_a_query_is_enough() -> None:
    assert parse(b'{"query": ""}') == SearchRequest("", {}, 10, 0.1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "the body is no JSON: Expecting value"),
        ("[" * 100_000, "the body is no JSON: maximum recursion depth exceeded"),
        ("[]", 'the body is no JSON object; send {"query": "..."} at least'),
        ("{}", "missing required field: query"),
        ('{"query": null}', "query: null is not a text"),
        ('{"query": "", "topK": 1}', "topK: there is no such field; there are filters, "),
        ('{"query": "", "top_k": 0}', "top_k: 0 is not a whole number from 1 to 100"),
        ('{"query": "", "top_k": 101}', "top_k: 101 is not a whole number from 1 to 100"),
        ('{"query": "", "top_k": true}', "top_k: true is not a whole number from 1 to 100"),
        ('{"query": "", "top_k": 1.0}', "top_k: 1.0 is not a whole number from 1 to 100"),
        ('{"query": "", "min_similarity": 1.1}', "min_similarity: 1.1 is not a number from 0 to 1"),
        ('{"query": "", "min_similarity": NaN}', "the body is no JSON: NaN is no number"),
        ('{"query": "", "filters": []}', "filters: [] is not an object of texts"),
        ('{"query": "", "filters": {"a": 1}}', 'filters: {"a": 1} is not an object of texts'),
        ('{"query": "", "include_disabled": 1}', "include_disabled: 1 is not true or false"),
    ],
)
def test_what_is_refused_and_why(body: str, message: str) -> None:
    with pytest.raises(RefusedRequestError, match=re.escape(message)):
        parse(body.encode())


@given(st.dictionaries(FIELDS, JSON_VALUES) | JSON_VALUES)
def test_whatever_is_sent_is_a_search_or_refused(value: object) -> None:
    with contextlib.suppress(RefusedRequestError):
        assert isinstance(parse(json.dumps(value).encode()).query, str)


@given(st.binary(max_size=50))
def test_any_bytes_are_a_search_or_refused(body: bytes) -> None:
    with pytest.raises(RefusedRequestError):
        parse(body)
