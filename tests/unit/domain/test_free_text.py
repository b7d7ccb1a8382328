"""Free text is redacted, identifiers are not, and a malformed search is redacted as a whole."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from pydantic import JsonValue

from unit.searches import FAILED, LINES, REDACTOR, TINY, a_search, changed
from workflow_audit.domain import free_text
from workflow_audit.domain.characters import rebuilt, texts
from workflow_audit.domain.free_text import RedactedSearch, redacted_search
from workflow_audit.domain.redaction import Redactor
from workflow_audit.models.policy import Redaction, RedactionPattern
from workflow_audit.models.search import InvalidSearch, WorkflowSearch

SECRET = "jane.doe@example.com"  # noqa: S105 - made up
MARKER = "[redacted:email]"
WORKFLOW = ("results", "workflows", 1)


def with_secret_at(spec: dict[str, Any], path: tuple[str | int, ...]) -> WorkflowSearch:
    search = a_search(changed(spec, path, f"ask {SECRET}"))
    assert isinstance(search, WorkflowSearch)
    return search


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        pytest.param(TINY, ("query", "text"), id="query-text"),
        pytest.param(TINY, ("query", "filters", "signal-type"), id="filter-value"),
        pytest.param(TINY, (*WORKFLOW, "title"), id="workflow-title"),
        pytest.param(FAILED, ("failure", "message"), id="failure-message"),
    ],
)
def test_free_text_is_redacted(spec: dict[str, Any], path: tuple[str | int, ...]) -> None:
    redacted = redacted_search(with_secret_at(spec, path), REDACTOR)
    assert redacted.redactions == {"email": 1}
    assert redacted.search == a_search(changed(spec, path, f"ask {MARKER}"))


@pytest.mark.parametrize("place", ["filters", "labels"])
def test_label_keys_and_values_are_redacted(place: str) -> None:
    path = ("query", "filters") if place == "filters" else (*WORKFLOW, "labels")
    search = a_search(changed(TINY, path, {"203.0.113.9": SECRET}))
    redacted = redacted_search(search, REDACTOR)
    assert redacted.redactions == {"email": 1, "ipv4": 1}
    assert isinstance(redacted.search, WorkflowSearch)
    shown = redacted.search.spec.model_dump_json(by_alias=True)
    assert MARKER in shown
    assert "[redacted:ipv4]" in shown


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(("correlationId",), id="correlation-id"),
        pytest.param(("service",), id="service"),
        pytest.param(("requestedBy",), id="requester"),
        pytest.param((*WORKFLOW, "workflowId"), id="workflow-id"),
        pytest.param((*WORKFLOW, "version"), id="workflow-version"),
    ],
)
def test_identifiers_are_not_redacted(path: tuple[str | int, ...]) -> None:
    search = with_secret_at(TINY, path)
    assert redacted_search(search, REDACTOR) == RedactedSearch(search, {})


def test_without_anything_to_redact_the_search_is_the_same_object() -> None:
    search = a_search()
    assert redacted_search(search, REDACTOR).search is search


def test_counts_are_summed_over_all_places() -> None:
    spec = changed(TINY, ("query", "text"), f"{SECRET} at 203.0.113.9")
    spec = changed(spec, (*WORKFLOW, "title"), SECRET)
    assert redacted_search(a_search(spec), REDACTOR).redactions == {"email": 2, "ipv4": 1}


def test_ranks_and_scores_stay_with_their_workflow() -> None:
    spec = changed(TINY, (*WORKFLOW, "title"), SECRET)
    search = redacted_search(a_search(spec), REDACTOR).search
    assert isinstance(search, WorkflowSearch)
    assert search.spec.results is not None
    assert [(w.workflow_id, w.rank, w.title) for w in search.spec.results.workflows] == [
        ("pod-oom-gitops", 1, ""),
        ("pod-oom-manual", 2, MARKER),
    ]


def test_a_malformed_search_is_redacted_as_a_whole() -> None:
    spec = {
        "correlationId": SECRET,
        "service": f"agent of {SECRET}",
        "query": [SECRET],
        SECRET: {"deep": [SECRET]},
    }
    redacted = redacted_search(a_search(spec), REDACTOR)
    assert isinstance(redacted.search, InvalidSearch)
    assert SECRET not in repr(redacted.search)
    assert redacted.search.correlation_id == MARKER
    assert redacted.search.service == f"agent of {MARKER}"
    assert isinstance(redacted.search.submitted, str)
    assert json.loads(redacted.search.submitted)[MARKER] == {"deep": [MARKER]}
    assert redacted.search.message.startswith(f"spec.query: ['{MARKER}'] is refused")


def test_the_requester_of_a_malformed_search_is_kept() -> None:
    redacted = redacted_search(a_search({"requestedBy": SECRET}), REDACTOR).search
    assert isinstance(redacted, InvalidSearch)
    assert redacted.requested_by == SECRET


@pytest.mark.parametrize("cut_at", range(4, len(SECRET) - 1))
def test_no_part_of_a_secret_stays_where_a_message_is_cut(cut_at: int) -> None:
    spec = changed(TINY, ("query", "text"), ["x" * (77 - cut_at) + " " + SECRET + "y" * 50])
    redacted = redacted_search(a_search(spec), REDACTOR).search
    assert isinstance(redacted, InvalidSearch)
    assert "jane" not in redacted.message, redacted.message


def test_a_card_number_that_came_as_a_number_is_redacted_too() -> None:
    spec = changed(TINY, ("query", "text"), 4111111111111111)
    redacted = redacted_search(a_search(spec), REDACTOR).search
    assert isinstance(redacted, InvalidSearch)
    assert "4111111111111111" not in redacted.message
    assert "4111111111111111" not in str(redacted.submitted)


class Shouting:
    """A redactor that changes every text."""

    def redact_tree(self, value: JsonValue) -> tuple[JsonValue, Counter[str]]:
        tree = rebuilt(value, of_key=str, of_text=lambda _, text: text.upper() + "!")
        return tree, Counter(shouted=1)

    def finds_nothing(self, among: Iterable[str]) -> bool:
        return False


class Collecting:
    """A redactor that keeps what it is shown, and finds nothing in it."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def redact_tree(self, value: JsonValue) -> tuple[JsonValue, Counter[str]]:
        raise AssertionError("there was nothing to be found")

    def finds_nothing(self, among: Iterable[str]) -> bool:
        self.shown = list(among)
        return True


def test_the_one_look_sees_every_text_and_key_that_could_be_replaced() -> None:
    for spec in LINES:
        search, redactor = a_search(spec), Collecting()
        assert isinstance(search, WorkflowSearch)
        assert redacted_search(search, redactor).search is search
        assert Counter(filter(None, redactor.shown)) == Counter(
            filter(None, texts(free_text.free_text(search.spec)))
        )


def test_every_text_comes_back_to_its_own_place() -> None:
    for spec in LINES:
        search = a_search(spec)
        shouted = redacted_search(search, Shouting()).search
        assert isinstance(search, WorkflowSearch)
        assert isinstance(shouted, WorkflowSearch)
        before, after = search.spec, shouted.spec
        assert after.query.text == before.query.text.upper() + "!"
        assert after.query.filters == {k: f"{v.upper()}!" for k, v in before.query.filters.items()}
        if before.failure and after.failure:
            assert after.failure.message == before.failure.message.upper() + "!"
        for old, new in zip(
            before.results.workflows if before.results else [],
            after.results.workflows if after.results else [],
            strict=True,
        ):
            assert new.title == old.title.upper() + "!"
            assert new.labels == {key: f"{value.upper()}!" for key, value in old.labels.items()}
            assert new.model_copy(update={"title": old.title, "labels": old.labels}) == old


@pytest.mark.parametrize("spec", [TINY, FAILED, {"query": "bad"}], ids=["found", "failed", "bad"])
def test_an_expression_that_matches_every_word_spoils_texts_only(spec: Any) -> None:
    everything = RedactionPattern(name="word", regex=r"[A-Za-z]+")
    found = redacted_search(a_search(spec), Redactor(Redaction(patterns=(everything,))))
    assert found.redactions["word"] > 0
    assert found.search.metadata == a_search(spec).metadata
