"""An event keeps its policy's limits, and says exactly what it leaves out."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.searches import ODD_CHARACTERS, a_search, an_event, greatest_spec, specs
from workflow_audit.domain.limits import OMISSION, fitting_event_data, json_bytes
from workflow_audit.models.policy import Limits, PolicySpec
from workflow_audit.models.search import WorkflowSearch

LEAST = 8192


def data_of(*title_lengths: int, text: str = "OOMKilled") -> dict[str, Any]:
    """event_data with one workflow for each length of a title."""
    workflows = [
        {"workflow_id": f"w{rank}", "title": "t" * length, "rank": rank}
        for rank, length in enumerate(title_lengths, 1)
    ]
    return {"query": {"text": text}, "results": {"total_found": 99, "workflows": workflows}}


def ranks(data: dict[str, Any]) -> list[int]:
    return [workflow["rank"] for workflow in data["results"]["workflows"]]


@pytest.mark.parametrize(
    ("titles", "most", "kept", "left_out"),
    [
        pytest.param([], 10, [], 0, id="nothing-found"),
        pytest.param([1, 1], 10, [1, 2], 0, id="fewer-than-the-limit"),
        pytest.param([1, 1, 1], 3, [1, 2, 3], 0, id="as-many-as-the-limit"),
        pytest.param([1, 1, 1, 1], 3, [1, 2, 3], 1, id="one-more-than-the-limit"),
        pytest.param([1] * 100, 1, [1], 99, id="only-the-winner"),
    ],
)
def test_most_workflows(titles: list[int], most: int, kept: list[int], left_out: int) -> None:
    fitted = fitting_event_data(data_of(*titles), Limits(max_workflows=most))
    assert ranks(fitted) == kept
    assert fitted["truncated"] == {"workflows": left_out, "characters": 0}


@pytest.mark.parametrize(
    ("titles", "kept"),
    [
        pytest.param([3000] * 5, [1, 2], id="lower-ranks-go-first"),
        pytest.param([9, 9, 9000], [1, 2], id="the-lowest-is-too-large"),
        pytest.param([9, 9, 9, 9, 9, 9, 9, 9, 9, 99_000], list(range(1, 10)), id="only-that-one"),
        pytest.param([9, 9000, 9], [1], id="a-rank-does-not-go-before-a-lower-one"),
        pytest.param([5000, 5000], [1], id="the-winner-stays"),
    ],
)
def test_as_many_of_the_best_as_fit(titles: list[int], kept: list[int]) -> None:
    data = data_of(*titles)
    fitted = fitting_event_data(data, Limits(max_event_bytes=LEAST))
    assert ranks(fitted) == kept
    assert fitted["truncated"] == {"workflows": len(titles) - len(kept), "characters": 0}
    assert fitted["results"]["workflows"] == data["results"]["workflows"][: len(kept)]


@pytest.mark.parametrize("character", ["t", "ä", "漢", "\U0001f680", '"', "\x01"])
def test_long_texts_are_cut_to_one_length_when_the_winner_alone_is_too_much(
    character: str,
) -> None:
    data = data_of(20_000, 5, text=character * 20_000)
    fitted = fitting_event_data(data, Limits(max_event_bytes=LEAST))
    text, title = fitted["query"]["text"], fitted["results"]["workflows"][0]["title"]
    assert ranks(fitted) == [1]
    assert text == character * (len(text) - 1) + OMISSION
    assert title == "t" * (len(title) - 1) + OMISSION
    assert len(text) == len(title)
    assert fitted["results"]["workflows"][0]["workflow_id"] == "w1"
    cut = 2 * (20_000 - (len(text) - 1))
    assert fitted["truncated"] == {"workflows": 1, "characters": cut}
    # One character more would be too much: two texts, 6 bytes each at the most, 1 for a digit.
    assert LEAST - 14 < json_bytes(fitted) <= LEAST


def test_an_event_without_results_is_cut_too() -> None:
    data = {"query": {"text": "x" * 99_999}, "failure": {"code": "CatalogueTimeout"}}
    fitted = fitting_event_data(data, Limits(max_event_bytes=LEAST))
    assert json_bytes(fitted) <= LEAST
    assert fitted["failure"] == {"code": "CatalogueTimeout"}
    assert fitted["truncated"]["characters"] == 99_999 - len(fitted["query"]["text"]) + 1


def test_what_fits_exactly_is_kept_whole() -> None:
    data = data_of(10)
    data["query"]["text"] = "x" * (
        len("OOMKilled") + LEAST - json_bytes(fitting_event_data(data, Limits()))
    )
    fitted = fitting_event_data(data, Limits(max_event_bytes=LEAST))
    assert json_bytes(fitted) == LEAST
    assert fitted["truncated"] == {"workflows": 0, "characters": 0}
    data["query"]["text"] += "x"
    fitted = fitting_event_data(data, Limits(max_event_bytes=LEAST))
    assert json_bytes(fitted) <= LEAST
    assert fitted["truncated"]["characters"] > 0


@pytest.mark.parametrize("titles", [[5, 5], [9000, 9000], [20_000]])
def test_what_was_given_is_not_changed(titles: list[int]) -> None:
    data = data_of(*titles)
    before = copy.deepcopy(data)
    fitting_event_data(data, Limits(max_event_bytes=LEAST, max_workflows=1))
    assert data == before


def test_json_bytes_are_those_of_compact_utf8() -> None:
    assert json_bytes({"a": ["ä", 1, None]}) == len('{"a":["ä",1,null]}'.encode())


# --- Whatever the schema allows ---

LIMITS = st.builds(
    Limits,
    max_workflows=st.integers(1, 100),
    max_event_bytes=st.sampled_from([LEAST, LEAST + 1, 16_384, 1024 * 1024]),
)


@settings(max_examples=40)
@given(specs(), LIMITS)
def test_both_limits_are_kept(spec: dict[str, Any], limits: Limits) -> None:
    search = a_search(spec)
    assert isinstance(search, WorkflowSearch)
    data = an_event(spec, PolicySpec(limits=limits)).event_data
    listed = len(search.spec.results.workflows) if search.spec.results else 0
    kept = data.get("results", {}).get("workflows", [])
    assert json_bytes(data) <= limits.max_event_bytes
    assert [workflow["rank"] for workflow in kept] == list(range(1, len(kept) + 1))
    assert len(kept) <= limits.max_workflows
    assert data["truncated"]["workflows"] == listed - len(kept)


@pytest.mark.parametrize("max_event_bytes", [LEAST, 16_384, 1024 * 1024])
@pytest.mark.parametrize("character", ODD_CHARACTERS, ids=lambda c: f"U+{ord(c):04X}")
def test_limits_are_kept_for_the_greatest_search(character: str, max_event_bytes: int) -> None:
    limits = Limits(max_event_bytes=max_event_bytes, max_workflows=100)
    assert isinstance(a_search(greatest_spec(character)), WorkflowSearch)
    data = an_event(greatest_spec(character), PolicySpec(limits=limits)).event_data
    kept = data["results"]["workflows"]
    assert json_bytes(data) <= max_event_bytes
    assert data["truncated"]["workflows"] == 100 - len(kept)
    assert data["results"]["total_found"] == 2**31 - 1
    # Filters, labels and both breakdowns have 16 keys of 63 characters each, which are never cut.
    if 4 * 16 * 63 * (json_bytes(character) - 2) + 1500 < max_event_bytes:
        assert kept
        assert kept[0]["rank"] == 1


@given(st.lists(st.integers(0, 9000), min_size=1, max_size=12))
def test_one_more_workflow_would_not_fit(titles: list[int]) -> None:
    data = data_of(*titles)
    fitted = fitting_event_data(data, Limits(max_event_bytes=LEAST, max_workflows=12))
    kept = len(ranks(fitted))
    assert kept >= 1
    if kept < len(titles):
        more = data["results"] | {"workflows": data["results"]["workflows"][: kept + 1]}
        rest = {"workflows": len(titles) - kept - 1, "characters": 0}
        assert json_bytes(data | {"results": more, "truncated": rest}) > LEAST


@given(st.text(min_size=1), st.integers(0, 30_000), st.integers(0, 30_000))
def test_characters_are_counted_exactly(part: str, first: int, second: int) -> None:
    texts = [(part * first)[:first], (part * second)[:second]]
    fitted = fitting_event_data({"texts": texts}, Limits(max_event_bytes=LEAST))
    kept = 0
    for before, after in zip(texts, fitted["texts"], strict=True):
        if after == before:
            kept += len(before)
        else:
            assert after.endswith(OMISSION)
            assert before.startswith(after[:-1])
            kept += len(after) - 1
    assert fitted["truncated"]["characters"] == sum(map(len, texts)) - kept
