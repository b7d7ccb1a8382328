"""Bad input is refused with the name of its field, or recorded; others never notice."""

import json

import orjson
import pytest

from support.eventually import eventually
from support.malformed import MALFORMED, STRANGE, good_spec
from support.operator_process import StartOperator
from support.searches import Searches, search
from unit.searches import greatest_spec
from workflow_audit.models.policy import Limits
from workflow_audit.models.search import MAX_WORKFLOWS

pytestmark = [pytest.mark.cluster, pytest.mark.database]

GOOD_SECONDS = 15.0
"""Far more than one search takes, and far less than a retry of whatever stuck."""


def test_tables_are_long_enough() -> None:
    assert len(MALFORMED) + len(STRANGE) >= 100
    assert len({case.name for case in (*MALFORMED, *STRANGE)}) == len(MALFORMED) + len(STRANGE)


def test_schema_refuses_every_malformed_search_by_the_name_of_its_field(
    searches: Searches,
) -> None:
    answers = {
        case.name: searches.submit(search(case.spec, f"malformed-{number}"))
        for number, case in enumerate(MALFORMED)
    }
    statuses = {name: answer.status for name, answer in answers.items()}
    assert set(statuses.values()) <= {400, 403, 422}, statuses
    unnamed = [c.name for c in MALFORMED if c.refusal not in answers[c.name].message]
    assert unnamed == []
    assert searches.listed() == []


def test_strange_requests_are_refused_or_become_one_row_of_valid_json(
    searches: Searches, start_operator: StartOperator
) -> None:
    operator = start_operator().wait_ready()
    accepted = []
    for number, case in enumerate(STRANGE):
        answer = searches.submit(case.body, case.query)
        if case.refusal is None:
            assert answer.status == 201, (case.name, answer)
            accepted.append((case, answer.body["metadata"]["name"]))
        else:
            assert 400 <= answer.status < 500, (case.name, answer)
            assert case.refusal in answer.message, (case.name, answer)
        if number % 10 == 9:
            assert_not_slowed(searches, f"good-{number}")
    found = searches.wait_recorded(len(accepted) + len(STRANGE) // 10)
    for item in found:
        assert item["status"]["outcome"] == "success"
        assert item["spec"]["requestedBy"] == "workflow-audit-admin"
    rows = {row["resource_name"]: row for row in searches.rows()}
    for case, name in accepted:
        text = json.dumps(rows[name]["event_data"])
        orjson.loads(text)  # stricter than the standard library: no NaN, no lone surrogates
        assert "\\u0000" not in text, case.name
    assert operator.terminate() == 0
    assert "Traceback" not in operator.log
    assert "\x1b" not in operator.log  # nobody steers the reader's terminal


def assert_not_slowed(searches: Searches, name: str) -> None:
    assert searches.submit(search(good_spec(), name)).ok
    eventually(
        lambda: searches.get(name).get("status", {}).get("phase"),
        until=lambda phase: phase == "Recorded",
        within_seconds=GOOD_SECONDS,
    )


def test_replaced_characters_are_shown_and_counted(
    searches: Searches, start_operator: StartOperator
) -> None:
    start_operator()
    spec = good_spec()
    spec["query"]["text"] = "a\x00b\x00c"
    assert searches.submit(search(spec, "nul")).ok
    searches.wait_recorded(1)
    data = searches.row("nul")["event_data"]
    assert data["query"]["text"] == "a\ufffdb\ufffdc"
    assert data["search_metadata"]["replaced_characters"] == 2


@pytest.mark.parametrize(
    "character",
    [
        pytest.param("\U0001f680", id="four-bytes"),
        pytest.param("<", id="six-bytes-as-go-writes-it"),
        pytest.param("\x01", id="six-bytes-in-any-json"),
    ],
)
def test_the_greatest_search_that_the_schema_accepts_is_stored_and_recorded(
    searches: Searches, start_operator: StartOperator, character: str
) -> None:
    start_operator()
    manifest = search(greatest_spec(character), "greatest")
    answer = searches.submit(json.dumps(manifest, ensure_ascii=False).encode())
    assert answer.ok, answer
    searches.wait_recorded(1)
    data = searches.row("greatest")["event_data"]
    assert data["results"]["returned"] == MAX_WORKFLOWS
    assert data["truncated"]["workflows"] == MAX_WORKFLOWS - len(data["results"]["workflows"]) > 0
    assert len(orjson.dumps(data)) <= Limits().max_event_bytes
