"""What PostgreSQL's jsonb refuses is replaced and counted, and nothing else is touched."""

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflow_audit.domain.characters import clean, clean_tree, rebuilt, texts

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ANY_TEXT = st.text(st.characters(exclude_categories=()) | st.sampled_from("\x00\ud800\udfff"))
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "cleaned", "count"),
    [
        pytest.param("", "", 0, id="nothing"),
        pytest.param("OOMKilled ü 漢 🚀", "OOMKilled ü 漢 🚀", 0, id="unicode-stays"),
        pytest.param("a\tb\nc\x01\x7f", "a\tb\nc\x01\x7f", 0, id="other-controls-stay"),
        pytest.param("a\x00b\x00", "a\ufffdb\ufffd", 2, id="nul"),
        pytest.param("a\ud800", "a\ufffd", 1, id="high-surrogate-alone"),
        pytest.param("\udc00a", "\ufffda", 1, id="low-surrogate-alone"),
        pytest.param("\ud83d\ude80", "\ufffd\ufffd", 2, id="a-pair-in-python-is-two-alone"),
        pytest.param("\ufffd", "\ufffd", 0, id="the-replacement-itself-is-not-counted"),
    ],
)
def test_clean(text: str, cleaned: str, count: int) -> None:
    assert clean(text) == (cleaned, count)


def test_a_tree_is_cleaned_in_keys_and_texts() -> None:
    tree = {"a\x00": ["\ud800", 1, None, True, 0.5, {"b": "c\x00"}], "d": {}}
    given_before = repr(tree)
    assert clean_tree(tree) == (
        {"a\ufffd": ["\ufffd", 1, None, True, 0.5, {"b": "c\ufffd"}], "d": {}},
        3,
    )
    assert repr(tree) == given_before


@pytest.mark.parametrize(
    "tree",
    [
        pytest.param({"a": ["b", 1]}, id="plain"),
        pytest.param({"a": r"\u0000 \\u0000"}, id="what-only-looks-like-a-nul-in-json"),
        pytest.param({"a": 2**80}, id="a-number-beyond-64-bits"),
    ],
)
def test_a_clean_tree_is_the_same_object(tree: dict[str, Any]) -> None:
    assert clean_tree(tree) == (tree, 0)
    assert clean_tree(tree)[0] is tree


@pytest.mark.parametrize(
    ("tree", "cleaned"),
    [
        pytest.param(
            {"a\x00": 1, "a\ud800": 2}, {"a\ufffd": 1, "a\ufffd#2": 2}, id="the-later-gets-a-number"
        ),
        pytest.param(
            {"a\x00": 1, "a\ufffd": 2},
            {"a\ufffd#2": 1, "a\ufffd": 2},
            id="a-clean-key-keeps-its-name",
        ),
        pytest.param(
            dict(zip(["\x00", "\ud800", "\ufffd#2", "\udfff"], [1, 2, 3, 4], strict=True)),
            {"\ufffd": 1, "\ufffd#3": 2, "\ufffd#2": 3, "\ufffd#4": 4},
            id="a-number-in-use-is-passed-over",
        ),
    ],
)
def test_keys_that_become_equal_lose_no_entry(tree: dict, cleaned: dict) -> None:
    result, _ = clean_tree(tree)
    assert result == cleaned
    assert list(result) == list(cleaned)


def test_many_equal_keys_stay_linear() -> None:
    tree = {"\x00" * n: n for n in range(500)} | {"\ufffd" * n + "#2": n for n in range(500)}
    result, _ = clean_tree(tree)
    assert len(result) == len(tree)


def test_depth_has_no_limit() -> None:
    tree: list = ["\x00"]
    for _ in range(100_000):
        tree = [tree]
    cleaned, count = clean_tree(tree)
    assert count == 1
    while isinstance(cleaned[0], list):
        cleaned = cleaned[0]
    assert cleaned == ["\ufffd"]


@PATIENT
@given(TREES)
def test_a_cleaned_tree_can_be_stored_and_is_clean(tree: object) -> None:
    cleaned, count = clean_tree(tree)
    stored = orjson.dumps(cleaned)  # refuses lone surrogates
    assert b"\\u0000" not in stored.replace(b"\\\\", b"")
    assert clean_tree(cleaned) == (cleaned, 0)
    assert count == sum(clean(text)[1] for text in texts(tree))


@PATIENT
@given(TREES)
def test_nothing_else_is_changed(tree: object) -> None:
    assert rebuilt(tree, of_key=str, of_text=lambda _, text: text) == tree
