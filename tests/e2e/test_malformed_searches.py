"""Bad input is refused with the name of its field, or recorded; others never notice."""

import json
from typing import Any

import orjson
import pytest

from support.eventually import eventually
from support.malformed import MALFORMED, STRANGE, good_spec
from support.operator_process import StartOperator
from support.searches import Searches, search
from workflow_audit.models.search import MAX_WORKFLOWS

pytestmark = [pytest.mark.cluster, pytest.mark.database]

GOOD_SECONDS = 15.0
"""Far more than one search takes, and far less than a retry of whatever stuck."""

TOO_LARGE = ("request is too large", "larger than max")
"""What etcd and its client say; the schema's maxima allow more than they take."""


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


def test_largest_search_is_refused_as_too_large_or_recorded_with_what_was_left_out(
    searches: Searches, start_operator: StartOperator
) -> None:
    operator = start_operator().wait_ready()
    accepted = {}
    for workflows in (MAX_WORKFLOWS, MAX_WORKFLOWS // 2):
        name = f"largest-{workflows}"
        manifest = search(largest_spec(workflows), name)
        answer = searches.submit(json.dumps(manifest, ensure_ascii=False).encode())
        assert answer.ok or any(words in answer.message for words in TOO_LARGE), answer
        if answer.ok:
            accepted[name] = workflows
    assert f"largest-{MAX_WORKFLOWS // 2}" in accepted
    searches.wait_recorded(len(accepted))
    for name, workflows in accepted.items():
        data = searches.row(name)["event_data"]
        listed = data["results"]["workflows"]
        assert data["results"]["returned"] == workflows
        assert data["truncated"]["workflows"] == workflows - len(listed) > 0
        assert data["truncated"]["characters"] > 0
        assert len(orjson.dumps(data)) <= 16 * 1024
    assert operator.terminate() == 0


def largest_spec(workflows: int) -> dict[str, Any]:
    """Every field at its maximum, in characters that take four bytes each."""

    def text(characters: int, number: int = 0) -> str:
        return (chr(0x1F400 + number) * characters)[:characters]

    labels = {text(63, number): text(128) for number in range(16)}
    breakdown = {text(63, number): 0.0123456789012345 for number in range(16)}
    scoring = {
        "confidence": 0.9876543210987654,
        "baseSimilarity": 0.9876543210987654,
        "labelBoost": 0.1975308641975320,
        "labelPenalty": 0.1975308641975320,
        "boostBreakdown": breakdown,
        "penaltyBreakdown": breakdown,
    }
    return {
        "correlationId": text(255),
        "service": text(255),
        "query": {"text": text(8192), "filters": labels, "topK": 100, "minSimilarity": 0.123456789},
        "results": {
            "totalFound": 2**31 - 1,
            "returned": workflows,
            "durationMs": 2**31 - 1,
            "workflows": [
                {
                    "workflowId": text(253),
                    "version": text(64),
                    "title": text(256),
                    "rank": rank,
                    "labels": labels,
                    "scoring": scoring,
                }
                for rank in range(1, workflows + 1)
            ],
        },
    }
