"""A search that came by HTTP is the search that a resource would be, by the same rules."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from unit.searches import CLUSTER, FAILED, LINES, REDACTOR, TINY, a_search, changed
from workflow_audit.domain.events import audit_event
from workflow_audit.domain.free_text import redacted_search
from workflow_audit.domain.instants import rfc3339
from workflow_audit.domain.submissions import (
    MOST_AHEAD,
    MOST_BEHIND,
    Submitted,
    sender_of,
    submitted_search,
)
from workflow_audit.errors import InvalidFieldError, MissingFieldError
from workflow_audit.models.event import AuditEvent
from workflow_audit.models.policy import PolicySpec
from workflow_audit.models.user import User

NOW = datetime(2026, 11, 23, 10, 31, 7, 123456, tzinfo=UTC)
AGENT = User("system:serviceaccount:payments:agent")
PERSON = User("ada@example.com")
WITHOUT = object()

Json = dict[str, Any]


def in_snake_case(value: Any) -> Any:
    """Write the fields of a spec as the event has them; keys of labels stay."""
    if isinstance(value, list):
        return [in_snake_case(each) for each in value]
    if not isinstance(value, dict):
        return value
    maps = {"filters", "labels", "boostBreakdown", "penaltyBreakdown"}
    return {
        "".join(f"_{c.lower()}" if c.isupper() else c for c in name): (
            each if name in maps else in_snake_case(each)
        )
        for name, each in value.items()
    }


def submission(spec: Json = TINY, at: datetime = NOW, **changes: Any) -> Json:
    """The same search as a program sends it."""
    told = in_snake_case(spec)
    answer = told.get("results") or told["failure"]
    data = {name: told[name] for name in ("query", "results", "failure") if name in told}
    data = copy.deepcopy(data)
    data["search_metadata"] = {"duration_ms": answer.get("duration_ms")}
    (data.get("results") or data["failure"]).pop("duration_ms", None)
    event = {
        "version": "1.0",
        "event_type": "workflow.catalog.search_completed",
        "event_timestamp": rfc3339(at),
        "event_category": "workflow",
        "event_action": "search_completed",
        "event_outcome": "failure" if "failure" in told else "success",
        "correlation_id": told["correlation_id"],
        "namespace": "payments",
        "event_data": data,
    } | changes
    return {name: value for name, value in event.items() if value is not WITHOUT}


def event_of(submitted: Submitted) -> AuditEvent:
    redacted = redacted_search(submitted.search, REDACTOR)
    sender = sender_of(submitted, REDACTOR)
    return audit_event(redacted, PolicySpec(), "default", CLUSTER, sender)


@pytest.mark.parametrize("spec", [TINY, FAILED, *LINES[:40]])
def test_its_event_says_what_that_of_a_resource_says(spec: Json) -> None:
    searched = spec | {"searchedAt": rfc3339(NOW)}
    redacted = redacted_search(a_search(searched), REDACTOR)
    resource = audit_event(redacted, PolicySpec(), "default", CLUSTER)
    event = event_of(submitted_search(submission(spec), AGENT, NOW))
    assert event.event_data == resource.event_data
    for name in ("event_outcome", "correlation_id", "duration_ms", "top_workflow_id"):
        assert getattr(event, name) == getattr(resource, name)
    assert event.event_timestamp == NOW


def test_the_actor_is_who_has_sent_it() -> None:
    claims = {"service": "chat", "actor_id": "root", "actor_ip": "10.1.2.3", "retention_days": 3}
    event = event_of(submitted_search(submission(**claims), AGENT, NOW))
    assert (event.actor_type, event.actor_id) == ("service", AGENT.name)
    assert event.event_metadata == {
        "requested_by": AGENT.name,
        "policy": "default",
        "claimed": claims | {"actor_ip": "[redacted:ipv4]", "retention_days": "3"},
    }
    person = event_of(submitted_search(submission(), PERSON, NOW))
    assert (person.actor_type, person.actor_id) == ("user", PERSON.name)
    assert "claimed" not in person.event_metadata


def test_a_name_that_is_too_long_for_its_column_stays_whole_in_the_metadata() -> None:
    user = User("u" * 300)
    event = event_of(submitted_search(submission(), user, NOW))
    assert event.actor_id == "u" * 255
    assert event.event_metadata["requested_by"] == user.name


def ids(event: Json, user: User = AGENT, key: str | None = None) -> tuple[str, str]:
    metadata = submitted_search(event, user, NOW, key).search.metadata
    return str(metadata.uid), metadata.name


def test_names_stay_the_same_from_version_to_version() -> None:
    """A retry after an upgrade has to meet its own event."""
    assert ids(submission()) == (
        "2e6e6202-c5dc-5b70-b95c-64259c9d3cb0",
        "http-3e1d039b0c35b236fb06b28a3f988732",
    )
    assert ids(submission(), key="call-1")[0] == "3d9433ce-54df-5bed-8a81-8e9e4f2fa31d"


LATER = NOW + timedelta(microseconds=1)
TEXT = changed(TINY, ("query", "text"), "OOMKilled critical!")
SCORE = changed(TINY, ("results", "workflows", 0, "scoring", "confidence"), 0.91)


@pytest.mark.parametrize(
    ("event", "user"),
    [
        pytest.param(submission(at=LATER), AGENT, id="time"),
        pytest.param(submission(TEXT), AGENT, id="length-of-a-text"),
        pytest.param(submission(SCORE), AGENT, id="score"),
        pytest.param(submission(FAILED), AGENT, id="outcome"),
        pytest.param(submission(correlation_id="rr-2"), AGENT, id="correlation-id"),
        pytest.param(submission(namespace="other"), AGENT, id="namespace"),
        pytest.param(submission(service="chat"), AGENT, id="service"),
        pytest.param(submission(), PERSON, id="user"),
    ],
)
def test_without_a_key_the_facts_name_it(event: Json, user: User) -> None:
    (uid, name), (other_uid, other_name) = ids(submission()), ids(event, user)
    assert uid != other_uid
    assert name != other_name


def test_the_text_itself_names_nothing() -> None:
    """A digest of a text that was redacted could be looked for by trying texts."""
    other = changed(TINY, ("query", "text"), "OOMKilled cRITICAL")
    assert ids(submission()) == ids(submission(other))


def test_a_key_names_it_whatever_it_says_and_the_name_tells_what_that_was() -> None:
    (uid, name), (other_uid, other_name) = (
        ids(submission(), key="call-1"),
        ids(submission(SCORE), key="call-1"),
    )
    assert uid == other_uid
    assert name != other_name
    assert ids(submission(), key="call-2")[0] != uid
    assert ids(submission(), PERSON, key="call-1")[0] != uid
    assert ids(submission(namespace="other"), key="call-1")[0] != uid
    assert ids(submission(idempotency_key="call-1"))[0] == uid
    assert not submitted_search(submission(), AGENT, NOW).is_keyed
    assert submitted_search(submission(), AGENT, NOW, "call-1").is_keyed


def test_the_namespace_is_that_of_the_service_account_where_none_is_named() -> None:
    event = submission(namespace=WITHOUT)
    assert submitted_search(event, AGENT, NOW).namespace == "payments"
    with pytest.raises(MissingFieldError, match=r"missing required field: namespace \(namespace\)"):
        submitted_search(event, PERSON, NOW)


FAILURE = {"code": "CatalogueTimeout", "message": "late"}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"duration_ms": 45}, id="above"),
        pytest.param({}, id="in-search-metadata"),
    ],
)
def test_the_duration_is_told_in_one_of_its_places(changes: Json) -> None:
    event = submission(**changes)
    if changes:
        del event["event_data"]["search_metadata"]
    spec = submitted_search(event, AGENT, NOW).search.spec
    assert spec.results
    assert spec.results.duration_ms == 45


def test_a_failure_may_stand_beside_the_data() -> None:
    event = submission(FAILED, error_code="CatalogueTimeout", error_message="no answer within 5 s")
    beside = copy.deepcopy(event)
    del beside["event_data"]["failure"]
    first, second = (submitted_search(each, AGENT, NOW).search.spec for each in (event, beside))
    assert first == second


Change = Callable[[Json], Any]


@pytest.mark.parametrize(
    ("change", "path", "said"),
    [
        (lambda e: e.pop("version"), "version", "missing required field: version (version); give"),
        (lambda e: e.update(version="2.0"), "version", "input should be '1.0'"),
        (lambda e: e.update(event_category="x"), "event_category", "should be 'workflow'"),
        (lambda e: e.update(event_action="x"), "event_action", "should be 'search_completed'"),
        (lambda e: e.update(event_data=[]), "event_data", "input should be an object"),
        (lambda e: e.update(event_timestamp=5), "event_timestamp", "valid string"),
        (
            lambda e: e.update(event_timestamp="2026-11-23"),
            "event_timestamp",
            "'2026-11-23' is no time; write it as 2026-11-24T10:30:00Z",
        ),
        (
            lambda e: e.update(event_timestamp="0001-01-01T00:00:00+14:00"),
            "event_timestamp",
            "is in no calendar",
        ),
        (
            lambda e: e.update(event_timestamp="9999-12-31T23:59:59-14:00"),
            "event_timestamp",
            "is in no calendar",
        ),
        (
            lambda e: e["event_data"].pop("query"),
            "event_data.query",
            "missing required field: query",
        ),
        (
            lambda e: e["event_data"]["results"]["workflows"][0].pop("scoring"),
            "event_data.results.workflows[0].scoring",
            "missing required field: scoring (event_data.results.workflows[0].scoring)",
        ),
        (
            lambda e: e["event_data"]["results"].update(total_found=1),
            "event_data.results.returned",
            "2 is above total_found, 1; total_found counts",
        ),
        (
            lambda e: e["event_data"]["results"]["workflows"][1].update(rank=3),
            "event_data.results.workflows",
            "are no ranks from 1 without gaps",
        ),
        (
            lambda e: e["event_data"]["results"]["workflows"][1]["scoring"].update(
                boost_breakdown={"no key": 1}
            ),
            "event_data.results.workflows[1].scoring.boost_breakdown",
            "'no key' is no label key",
        ),
        (
            lambda e: e["event_data"]["query"].update(filters={"a b": "c"}),
            "event_data.query.filters",
            "is no label key",
        ),
        (
            lambda e: e["event_data"]["query"].update(top_k="3"),
            "event_data.query.top_k",
            "valid integer",
        ),
        (
            lambda e: e["event_data"]["results"].update(duration_ms=46),
            "duration_ms",
            "is another one than in event_data",
        ),
        (lambda e: e["event_data"].pop("results"), "event_data.results", "missing required field"),
        (
            lambda e: e["event_data"].update(failure=FAILURE),
            "event_outcome",
            "'success' does not agree with the failure that is given",
        ),
        (lambda e: e.update(error_code="X"), "event_outcome", "does not agree with the failure"),
        (
            lambda e: e.update(event_outcome="failure"),
            "event_data.failure",
            "missing required field: failure (event_data.failure); give it, or error_code",
        ),
        (
            lambda e: e.update(event_outcome="failure", error_code="no code"),
            "error_code",
            "'no code' is refused: string should match pattern",
        ),
        (
            lambda e: e.update(event_outcome="failure", error_code="X", error_message="m" * 5000),
            "error_message",
            "at most 4096 characters",
        ),
        (
            lambda e: e.update(event_outcome="failure", error_code="X"),
            "event_data",
            "of results and failure are given; give one of them",
        ),
        (lambda e: e.update(labels={"a": 1}), "labels.a", "valid string"),
        (lambda e: e.update(namespace="a.b"), "namespace", "match pattern"),
        (lambda e: e.update(idempotency_key="a b"), "idempotency_key", "match pattern"),
        (lambda e: e.update(service=""), "service", "at least 1 character"),
    ],
)
def test_what_breaks_a_rule_is_named(change: Change, path: str, said: str) -> None:
    event = submission()
    change(event)
    with pytest.raises(InvalidFieldError) as refused:
        submitted_search(event, AGENT, NOW)
    assert refused.value.path == path
    assert said in str(refused.value)


@pytest.mark.parametrize("body", [None, [], 1, "text"])
def test_what_is_no_object_is_refused(body: Any) -> None:
    with pytest.raises(InvalidFieldError, match=r"body: .* is no object"):
        submitted_search(body, AGENT, NOW)


def test_two_keys_are_one_too_many() -> None:
    with pytest.raises(InvalidFieldError, match="'body' is another one than in the header"):
        submitted_search(submission(idempotency_key="body"), AGENT, NOW, "header")


@pytest.mark.parametrize(
    ("at", "taken"),
    [
        pytest.param(NOW + MOST_AHEAD, True, id="as-far-ahead-as-may-be"),
        pytest.param(NOW + MOST_AHEAD + timedelta(microseconds=1), False, id="too-far-ahead"),
        pytest.param(NOW - MOST_BEHIND, True, id="as-late-as-may-be"),
        pytest.param(NOW - MOST_BEHIND - timedelta(microseconds=1), False, id="too-late"),
    ],
)
def test_times_are_near(at: datetime, *, taken: bool) -> None:
    event = submission(at=at)
    if taken:
        assert submitted_search(event, AGENT, NOW).search.metadata.created == at
    else:
        with pytest.raises(InvalidFieldError, match=r"event_timestamp: .* is more than"):
            submitted_search(event, AGENT, NOW)


def test_unknown_fields_are_passed_over() -> None:
    event = submission(new_field={"a": 1})
    event["event_data"]["new"] = event["event_data"]["query"]["new"] = 1
    assert ids(event) == ids(submission())
