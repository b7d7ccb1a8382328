"""Status says of a search what its committed event says, and keeps the CRD's schema."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from support.condition_rules import broken_condition_rules
from unit.domain.test_events import GOLDEN_LINES, Golden
from unit.schemas import problems
from unit.searches import (
    FAILED,
    LINES,
    RECORDED_AT,
    TINY,
    a_search,
    an_event,
    an_outcome,
    changed,
    greatest_spec,
    line,
    specs,
)
from workflow_audit.domain.crds import structural_schema
from workflow_audit.domain.status import final_status, is_final, is_waiting, waiting_status
from workflow_audit.errors import AuditError, DatabaseUnavailableError, RecordingError
from workflow_audit.models.event import AuditEvent
from workflow_audit.models.outcome import Skipped
from workflow_audit.models.status import SearchStatus

NOW = datetime(2026, 11, 23, 12, 0, 0, 999_999, UTC)
SCHEMA = structural_schema(SearchStatus)


def status_of(spec: Any, event: AuditEvent | None = None) -> dict[str, Any]:
    outcome = an_outcome(event or an_event(spec))
    return final_status(a_search(spec).metadata, outcome, now=NOW)


def condition(status: dict[str, Any], type_: str) -> dict[str, Any]:
    (found,) = (c for c in status["conditions"] if c["type"] == type_)
    return found


@pytest.mark.parametrize("name", GOLDEN_LINES)
def test_status_of_bundled_searches(name: str, golden: Golden) -> None:
    status = status_of(line(GOLDEN_LINES[name]))
    golden(f"status/{name}.yaml", yaml.safe_dump(status, sort_keys=False, allow_unicode=True))


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("invalid", status_of(changed(TINY, ("query", "topK"), 0))),
        ("skipped", final_status(a_search().metadata, Skipped("default"), now=NOW)),
        (
            "waiting",
            waiting_status(
                a_search().metadata,
                DatabaseUnavailableError("the database does not answer", retry_after_seconds=5),
                now=NOW,
            ),
        ),
    ],
)
def test_status_of_other_outcomes(name: str, status: dict[str, Any], golden: Golden) -> None:
    golden(f"status/{name}.yaml", yaml.safe_dump(status, sort_keys=False))


@pytest.mark.parametrize(
    ("status", "final", "waiting"),
    [
        pytest.param(None, False, False, id="no-status"),
        pytest.param({}, False, False, id="empty-status"),
        pytest.param({"phase": None}, False, False, id="no-phase"),
        pytest.param({"phase": "Pending"}, False, True, id="pending-waits"),
        pytest.param({"phase": "Recorded"}, True, False, id="recorded-is-final"),
        pytest.param({"phase": "Skipped"}, True, False, id="skipped-is-final"),
        pytest.param({"phase": "recorded"}, False, False, id="case-matters"),
        pytest.param({"phase": "Later"}, False, False, id="an-unknown-phase-is-neither"),
    ],
)
def test_phases(status: dict[str, Any] | None, final: bool, waiting: bool) -> None:
    assert (is_final(status), is_waiting(status)) == (final, waiting)


@pytest.mark.parametrize(
    ("spec", "outcome", "searched", "reason", "message"),
    [
        pytest.param(
            TINY,
            "success",
            "True",
            "Answered",
            "the catalogue found 3 workflows and listed 2",
            id="answered",
        ),
        pytest.param(
            FAILED, "failure", "False", "CatalogueTimeout", "no answer within 5 s", id="failed"
        ),
        pytest.param(
            changed(FAILED, ("failure",), {"code": "ConnectionRefused"}),
            "failure",
            "False",
            "ConnectionRefused",
            "",
            id="failed-without-a-message",
        ),
        pytest.param(
            {},
            "failure",
            "False",
            "InvalidSearch",
            "missing required field: correlationId (spec.correlationId); give it",
            id="invalid",
        ),
    ],
)
def test_a_recorded_search(
    spec: dict[str, Any], outcome: str, searched: str, reason: str, message: str
) -> None:
    status = status_of(spec)
    assert (status["phase"], status["outcome"]) == ("Recorded", outcome)
    found = condition(status, "Searched")
    assert (found["status"], found["reason"], found["message"]) == (searched, reason, message)
    assert condition(status, "Ready")["status"] == condition(status, "Recorded")["status"] == "True"
    assert status["eventId"] == str(an_event(spec).event_id)


def test_two_operators_write_the_same_bytes() -> None:
    outcome = an_outcome(an_event())
    first, second = (
        final_status(a_search().metadata, outcome, now=NOW + timedelta(hours=hours))
        for hours in (0, 5)
    )
    assert json.dumps(first) == json.dumps(second)


def test_times_are_the_databases_in_utc() -> None:
    elsewhere = RECORDED_AT.astimezone(timezone(timedelta(hours=14)))
    outcome = an_outcome(an_event())
    moved = type(outcome)(outcome.event, elsewhere, outcome.policy, outcome.low_confidence)
    status = final_status(a_search().metadata, moved, now=NOW)
    assert status["recordedAt"] == "2026-11-23T10:31:08.654321Z"
    assert {c["lastTransitionTime"] for c in status["conditions"]} == {"2026-11-23T10:31:08Z"}


def test_a_final_status_speaks_of_its_generation() -> None:
    status = status_of(TINY)
    assert status["observedGeneration"] == 1
    assert {c["observedGeneration"] for c in status["conditions"]} == {1}


def test_a_skipped_search_was_not_recorded() -> None:
    status = final_status(a_search().metadata, Skipped("ClusterAuditPolicy/off"), now=NOW)
    assert (status["phase"], status["policy"]) == ("Skipped", "ClusterAuditPolicy/off")
    assert not {"eventId", "recordedAt", "outcome", "summary"} & status.keys()
    assert condition(status, "Ready")["status"] == "True"
    recorded = condition(status, "Recorded")
    assert (recorded["status"], recorded["reason"]) == ("False", "AuditingDisabled")
    assert "ClusterAuditPolicy/off" in recorded["message"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DatabaseUnavailableError("no answer", retry_after_seconds=5), "DatabaseUnavailable"),
        (RecordingError("KeyError at events.py:7"), "Recording"),
    ],
)
def test_a_waiting_search_says_why(error: AuditError, reason: str) -> None:
    status = waiting_status(a_search().metadata, error, now=NOW)
    assert status["phase"] == "Pending"
    assert "observedGeneration" not in status
    for type_ in ("Ready", "Recorded"):
        found = condition(status, type_)
        assert (found["status"], found["reason"]) == ("False", reason)
        assert found["message"] == str(error)
        assert found["lastTransitionTime"] == "2026-11-23T12:00:00Z"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("OOMKilled", "OOMKilled", id="short"),
        pytest.param("", "", id="empty"),
        pytest.param(" two\n\tlines  here ", "two lines here", id="one-line"),
        pytest.param("x" * 48, "x" * 48, id="just-fits"),
        pytest.param("x" * 49, "x" * 47 + "…", id="one-too-long"),
        pytest.param("ask jane.doe@example.com", "ask [redacted:email]", id="after-redaction"),
    ],
)
def test_the_beginning_of_the_query(text: str, shown: str) -> None:
    summary = status_of(changed(TINY, ("query", "text"), text))["summary"]
    assert summary["query"] == shown


def test_the_summary_shows_the_three_best() -> None:
    number, spec = next(
        (n, s) for n, s in enumerate(LINES, 1) if s.get("results", {}).get("returned", 0) > 12
    )
    summary = status_of(spec)["summary"]
    listed = spec["results"]["workflows"]
    assert [w["workflowId"] for w in summary["workflows"]] == [
        w["workflowId"] for w in listed[:3]
    ], number
    assert summary["topWorkflow"] == listed[0]["workflowId"]
    assert summary["topConfidence"] == listed[0]["scoring"]["confidence"]
    assert (summary["returned"], summary["totalFound"]) == (
        len(listed),
        spec["results"]["totalFound"],
    )
    assert summary["truncated"] == {"workflows": len(listed) - 10, "characters": 0}


def test_the_summary_of_an_empty_answer_has_no_winner() -> None:
    summary = status_of(TINY | {"results": {"totalFound": 0, "returned": 0}})["summary"]
    assert not {"topWorkflow", "topConfidence", "lowConfidence"} & summary.keys()
    assert (summary["totalFound"], summary["returned"], summary["workflows"]) == (0, 0, [])


def test_an_invalid_search_has_no_summary() -> None:
    assert "summary" not in status_of({})


def test_status_of_every_bundled_search_keeps_the_schema() -> None:
    broken = {n: list(problems(status_of(spec), SCHEMA)) for n, spec in enumerate(LINES, 1)}
    assert not {n: found for n, found in broken.items() if found}


@settings(max_examples=50)
@given(specs())
def test_status_of_every_allowed_search_keeps_the_schema(spec: dict[str, Any]) -> None:
    status = status_of(spec)
    assert list(problems(json.loads(json.dumps(status, allow_nan=False)), SCHEMA)) == []
    again = SearchStatus.model_validate(status)
    assert again.model_dump(mode="json", by_alias=True, exclude_none=True) == status
    assert broken_condition_rules({"metadata": {"generation": 1}, "status": status}) == []
    assert len(json.dumps(status)) < 60_000


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(status_of({}), id="invalid"),
        pytest.param(final_status(a_search().metadata, Skipped("default"), now=NOW), id="skipped"),
        pytest.param(
            waiting_status(a_search().metadata, RecordingError("KeyError at x.py:7"), now=NOW),
            id="waiting",
        ),
    ],
)
def test_conditions_keep_the_conventions(status: dict[str, Any]) -> None:
    assert list(problems(status, SCHEMA)) == []
    assert broken_condition_rules({"metadata": {"generation": 1}, "status": status}) == []


@pytest.mark.parametrize("spec", [{}, None, {"query": "x" * 99_999}, greatest_spec("\x01")])
def test_status_of_odd_searches_keeps_the_schema(spec: Any) -> None:
    assert list(problems(status_of(spec), SCHEMA)) == []


def test_the_schema_check_of_these_tests_finds_what_is_wrong() -> None:
    status = status_of(TINY) | {"phase": "Done", "recordedAt": 7, "more": 1}
    status["conditions"] = [*status["conditions"], status["conditions"][0] | {"status": "Yes"}]
    found = "\n".join(problems(status, SCHEMA))
    for part in ("'Done' is none", "7 is no string", "more is unknown", "'Yes'", "not unique"):
        assert part in found
