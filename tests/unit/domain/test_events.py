"""One search gives one event, the same at every call, in the shape that readers rely on."""

import json
import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings

from support.golden import Golden
from unit.searches import (
    CLUSTER,
    FAILED,
    LINES,
    POLICY,
    TINY,
    UID,
    WITHOUT,
    an_event,
    changed,
    greatest_spec,
    line,
    offset_time,
    specs,
)
from workflow_audit.domain.events import event_id, low_confidence, unattributed_workflows
from workflow_audit.domain.limits import json_bytes
from workflow_audit.models.policy import Limits, PolicySpec, Retention, ScoringRules

GOLDEN_LINES = {
    "a-search-with-labels-and-penalties": 1,
    "a-search-without-breakdowns": next(
        n
        for n, spec in enumerate(LINES, 1)
        if any("boostBreakdown" not in w["scoring"] for w in spec.get("results", {})["workflows"])
    ),
    "an-empty-answer": 58,
    "a-failed-search-with-a-secret": 177,
    "a-secret-in-the-query": 231,
}
"""Line numbers of searches.jsonl."""


@pytest.mark.parametrize("name", GOLDEN_LINES)
def test_event_data(name: str, golden: Golden) -> None:
    event = an_event(line(GOLDEN_LINES[name]))
    golden(f"events/{name}.json", json.dumps(event.event_data, indent=2, ensure_ascii=False) + "\n")


def test_event_data_of_an_invalid_search(golden: Golden) -> None:
    event = an_event(changed(TINY, ("query", "topK"), 0))
    golden(
        "events/an-invalid-search.json",
        json.dumps(event.event_data, indent=2, ensure_ascii=False) + "\n",
    )


def test_the_event_is_the_same_at_every_call() -> None:
    for spec in (*LINES, {}, greatest_spec("\U0001f680")):
        assert an_event(spec) == an_event(spec)


def test_the_id_follows_from_cluster_and_search() -> None:
    assert an_event().event_id == uuid.uuid5(CLUSTER, str(UID)) == event_id(CLUSTER, UID)
    assert an_event().event_id.version == 5


def test_another_search_or_cluster_gives_another_id() -> None:
    other = uuid.UUID(int=7)
    assert len({event_id(CLUSTER, UID), event_id(CLUSTER, other), event_id(other, UID)}) == 3


@pytest.mark.parametrize(
    ("created", "day"),
    [
        pytest.param("2026-11-23T23:59:59Z", date(2026, 11, 23), id="before-midnight"),
        pytest.param("2026-11-24T00:00:00Z", date(2026, 11, 24), id="midnight-is-the-next-day"),
        pytest.param(offset_time(+14), date(2026, 11, 23), id="far-east-is-a-day-ahead"),
        pytest.param(offset_time(-12), date(2026, 11, 23), id="far-west-is-behind"),
        pytest.param("2026-12-31T23:30:00-01:00", date(2027, 1, 1), id="over-the-year"),
    ],
)
def test_the_date_is_that_of_utc(created: str, day: date) -> None:
    event = an_event(created=created)
    assert event.event_date == day
    assert event.event_timestamp == datetime.fromisoformat(created)
    assert event.event_timestamp.tzinfo is UTC


def test_columns_of_a_search_with_results() -> None:
    event = an_event(TINY | {"requestedBy": "system:serviceaccount:kubernaut:holmesgpt"})
    columns = {
        "event_outcome": "success",
        "actor_id": "holmesgpt-api",
        "actor_type": "service",
        "resource_type": "WorkflowSearch",
        "resource_id": str(UID),
        "resource_name": "rr-2026-001-x7k2p",
        "correlation_id": "rr-2026-001",
        "namespace": "payments",
        "cluster_id": str(CLUSTER),
        "event_version": "1.0",
        "event_type": "workflow.catalog.search_completed",
        "event_category": "workflow",
        "event_action": "search_completed",
        "event_metadata": {
            "requested_by": "system:serviceaccount:kubernaut:holmesgpt",
            "policy": "default",
        },
        "retention_days": 2555,
        "duration_ms": 45,
        "error_code": None,
        "error_message": None,
        "top_workflow_id": "pod-oom-gitops",
        "top_confidence": 0.9,
        "is_sensitive": False,
    }
    assert {name: getattr(event, name) for name in columns} == columns


def test_columns_of_a_failed_search() -> None:
    event = an_event(FAILED)
    assert (event.event_outcome, event.error_code) == ("failure", "CatalogueTimeout")
    assert event.error_message == "no answer within 5 s"
    assert (event.duration_ms, event.top_workflow_id, event.top_confidence) == (None, None, None)
    assert event.event_data["failure"] == FAILED["failure"]
    assert "results" not in event.event_data


def test_a_failed_search_took_time_too() -> None:
    event = an_event(FAILED | {"failure": FAILED["failure"] | {"durationMs": 5000}})
    assert event.duration_ms == 5000
    assert event.event_data["search_metadata"]["duration_ms"] == 5000
    assert event.event_data["failure"] == FAILED["failure"]


def test_columns_of_an_invalid_search() -> None:
    event = an_event(TINY | {"query": {}, "service": "my-agent", "requestedBy": "jane"})
    message = "missing required field: text (spec.query.text); give it"
    assert (event.event_outcome, event.error_code) == ("failure", "InvalidSearch")
    assert event.error_message == message
    assert (event.correlation_id, event.actor_id) == ("rr-2026-001", "my-agent")
    assert event.event_metadata == {"requested_by": "jane", "policy": "default"}
    assert event.event_data["invalid"] == {"path": "spec.query.text", "message": message}
    assert json.loads(event.event_data["submitted"])["query"] == {}


def test_identifiers_of_an_invalid_search_fit_their_columns_after_redaction() -> None:
    emails = "a@b.io " * 40
    event = an_event({"correlationId": emails, "service": "s" * 300})
    assert len(event.correlation_id) == len(event.actor_id) == 255
    assert event.correlation_id.startswith("[redacted:email] [redacted:email] ")


@pytest.mark.parametrize("field", ["correlationId", "service"])
def test_no_part_of_a_secret_stays_where_an_identifier_is_cut(field: str) -> None:
    event = an_event({field: "x" * 245 + " jane.doe@example.com"})
    assert "jane" not in event.correlation_id + event.actor_id


def test_an_invalid_search_of_any_depth_and_size_becomes_an_event() -> None:
    tree: Any = "bottom"
    for _ in range(5_000):
        tree = [tree]
    deep = an_event({"query": tree})
    assert deep.event_data["submitted"] == "(nested too deeply to be kept)"
    large = an_event({"query": ["x" * 1_000_000]})
    assert json_bytes(large.event_data) <= POLICY.limits.max_event_bytes
    assert large.event_data["truncated"]["characters"] > 900_000


def test_an_empty_answer_has_no_winner() -> None:
    event = an_event(TINY | {"results": {"totalFound": 0, "returned": 0}})
    assert (event.event_outcome, event.top_workflow_id, event.top_confidence) == (
        "success",
        None,
        None,
    )
    assert event.event_data["results"] == {"total_found": 0, "returned": 0, "workflows": []}


def test_the_winner_is_rank_1_wherever_it_stands() -> None:
    spec = changed(TINY, ("results", "workflows"), TINY["results"]["workflows"][::-1])
    event = an_event(spec)
    assert (event.top_workflow_id, event.top_confidence) == ("pod-oom-gitops", 0.9)
    assert [w["rank"] for w in event.event_data["results"]["workflows"]] == [1, 2]


def test_the_winner_stays_when_little_else_does() -> None:
    spec = greatest_spec("\U0001f680")
    event = an_event(spec, PolicySpec(limits=Limits(max_event_bytes=8192)))
    assert [workflow["rank"] for workflow in event.event_data["results"]["workflows"]] == [1]
    assert event.event_data["truncated"]["workflows"] == 99
    assert event.event_data["truncated"]["characters"] > 0
    assert event.top_workflow_id == "\U0001f680" * 128


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("2026-11-23T10:31:07.123456Z", "2026-11-23T10:31:07.123456+00:00", id="utc"),
        pytest.param("2026-11-23T10:31:07+02:00", "2026-11-23T08:31:07+00:00", id="offset"),
        pytest.param(WITHOUT, None, id="left-out"),
        pytest.param(
            "9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59-01:00", id="after-the-last-utc-day"
        ),
        pytest.param(
            "0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00+01:00", id="before-the-first-utc-day"
        ),
    ],
)
def test_the_searchers_own_clock_is_kept_beside(given: Any, kept: str | None) -> None:
    event = an_event(changed(TINY | {"searchedAt": ""}, ("searchedAt",), given))
    assert event.event_data["search_metadata"].get("searched_at") == kept
    assert event.event_timestamp == datetime(2026, 11, 23, 10, 31, 7, tzinfo=UTC)


def test_what_was_replaced_is_counted() -> None:
    event = an_event(changed(TINY, ("query", "text"), "a\x00 jane@example.com"))
    assert event.event_data["search_metadata"]["replaced_characters"] == 1
    assert event.event_data["redactions"] == {"email": 1}
    assert event.event_data["query"]["text"] == "a\ufffd [redacted:email]"


def test_retention_is_the_policys() -> None:
    policy = PolicySpec(retention=Retention(days=30))
    assert an_event(TINY, policy).retention_days == 30


@pytest.mark.parametrize(
    ("spec", "threshold", "low"),
    [
        pytest.param(TINY, 0.91, True, id="below"),
        pytest.param(TINY, 0.9, False, id="at-the-threshold-is-not-low"),
        pytest.param(TINY, 0.5, False, id="above"),
        pytest.param(FAILED, 0.5, None, id="without-a-winner-neither"),
    ],
)
def test_low_confidence(spec: dict[str, Any], threshold: float, low: bool | None) -> None:
    policy = PolicySpec(scoring=ScoringRules(low_confidence=threshold))
    assert low_confidence(an_event(spec, policy), policy) is low


def test_193_bundled_searches_have_low_confidence() -> None:
    assert sum(low_confidence(an_event(spec), POLICY) is True for spec in LINES) == 193


@pytest.mark.parametrize(
    ("boost", "penalty", "count"),
    [
        pytest.param(0.0, 0.0, 0, id="all-explained"),
        pytest.param(0.3, 0.0, 1, id="boost"),
        pytest.param(0.0, 0.3, 1, id="penalty"),
        pytest.param(0.3, 0.3, 1, id="a-workflow-counts-once"),
    ],
)
def test_unattributed_workflows(boost: float, penalty: float, count: int) -> None:
    scoring = {"confidence": 0.9, "labelBoost": boost, "labelPenalty": penalty}
    spec = changed(TINY, ("results", "workflows", 0, "scoring"), scoring)
    assert unattributed_workflows(an_event(spec)) == count


def test_neither_failed_nor_invalid_searches_leave_anything_unattributed() -> None:
    assert unattributed_workflows(an_event(FAILED)) == 0
    assert unattributed_workflows(an_event({})) == 0


def test_no_bundled_search_is_truncated_except_for_its_lower_ranks() -> None:
    for spec in LINES:
        listed = spec.get("results", {}).get("workflows", [])
        truncated = an_event(spec).event_data["truncated"]
        assert truncated == {"workflows": max(len(listed) - 10, 0), "characters": 0}


@settings(max_examples=50)
@given(specs())
def test_every_allowed_search_becomes_an_event_that_postgresql_can_store(
    spec: dict[str, Any],
) -> None:
    event = an_event(spec)
    stored = json.dumps(event.event_data, ensure_ascii=False, allow_nan=False).encode()
    assert b"\\u0000" not in stored.replace(rb"\\", b"")
    assert len(event.correlation_id) <= 255
    assert 1 <= len(event.actor_id) <= 255
    assert len(event.error_code or "") <= 50
    assert "\x00" not in repr(event.event_metadata) + event.correlation_id
