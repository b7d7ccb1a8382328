"""A search that the operator ran becomes the same event once more, out of its status alone."""

from dataclasses import replace
from typing import Any

import pytest

from unit.searches import (
    CLUSTER,
    FAILED,
    POLICY,
    REDACTOR,
    TINY,
    WITHOUT,
    an_event,
    an_object,
    changed,
    line,
)
from unit.verified import a_recorded_object, a_recorded_search
from workflow_audit.domain.events import audit_event
from workflow_audit.domain.free_text import redacted_search
from workflow_audit.domain.parsing import parse_search
from workflow_audit.domain.rebuilding import rebuilt, with_known
from workflow_audit.domain.verifying import agrees, seen_search
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.event import AuditEvent
from workflow_audit.models.policy import Limits, PolicySpec
from workflow_audit.models.search import WorkflowSearch
from workflow_audit.models.verification import SearchSeen

FEW = PolicySpec(limits=Limits(max_workflows=1))
SECRET = changed(TINY, ("results", "workflows", 0, "title"), "call jane.doe@example.com")
OTHER_POLICY = PolicySpec.model_validate(
    {"scoring": {"weights": {"signal-type": {"boost": 0.01}}}, "limits": {"maxWorkflows": 1}}
)


def executed_event(spec: Any, policy: PolicySpec = POLICY) -> AuditEvent:
    """The event of a search that the operator ran, with this answer."""
    search = parse_search(an_object(spec))
    assert isinstance(search, WorkflowSearch)
    ran = replace(search, executed=True, catalogue="ClusterAuditPolicy/default")
    return audit_event(redacted_search(ran, REDACTOR), policy, "default", CLUSTER)


def open_search(answered: Any, event: AuditEvent) -> SearchSeen:
    """The same search as the cluster has it: without its answer, which status shows."""
    asked = {key: value for key, value in answered.items() if key not in {"results", "failure"}}
    return seen_search(a_recorded_object(asked, event, executed=True))


def made_again(seen: SearchSeen, policy: PolicySpec = POLICY) -> AuditEvent:
    again = rebuilt(seen)
    event = audit_event(redacted_search(again.search, REDACTOR), policy, "default", CLUSTER)
    return with_known(event, again.known)


@pytest.mark.parametrize(
    ("spec", "policy"),
    [
        pytest.param(TINY, POLICY, id="without-breakdowns"),
        pytest.param(line(1), POLICY, id="bundled"),
        pytest.param(SECRET, POLICY, id="redacted"),
        pytest.param(line(1), FEW, id="truncated"),
    ],
)
def test_it_says_what_was_recorded(spec: Any, policy: PolicySpec) -> None:
    event = executed_event(spec, policy)
    seen = open_search(spec, event)
    again = made_again(seen, OTHER_POLICY)
    for part in ("query", "results", "redactions", "truncated"):
        assert again.event_data[part] == event.event_data[part], part
    assert again.event_id == event.event_id
    assert again.duration_ms == event.duration_ms
    assert (again.top_workflow_id, again.top_confidence) == (
        event.top_workflow_id,
        event.top_confidence,
    )
    assert agrees(seen, again) is None


def test_what_status_does_not_say_is_not_invented() -> None:
    again = made_again(open_search(TINY, executed_event(TINY)))
    assert again.event_metadata["catalogue"] is None
    assert "searched_at" not in again.event_data["search_metadata"]


def test_a_failed_search_keeps_its_reason() -> None:
    event = executed_event(FAILED)
    again = made_again(open_search(FAILED, event))
    assert again.event_outcome == "failure"
    assert (again.error_code, again.error_message) == (event.error_code, event.error_message)
    assert again.event_data["failure"] == event.event_data["failure"]


def test_a_search_that_came_with_its_answer_is_left_as_it_is() -> None:
    seen = a_recorded_search()
    again = rebuilt(seen)
    assert again.search == seen.search
    assert again.known == {}
    event = an_event()
    assert with_known(event, again.known) is event


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("results",), WITHOUT, "status.results: None is not there"),
        (("results", "totalFound"), WITHOUT, "status.results.totalFound: None cannot be read"),
        (("results", "workflows"), [], "lists 0 of 2 workflows that were recorded"),
    ],
)
def test_half_an_answer_is_refused(path: tuple[str, ...], value: Any, said: str) -> None:
    seen = open_search(TINY, executed_event(TINY))
    with pytest.raises(InvalidFieldError, match=said):
        rebuilt(replace(seen, status=changed(seen.status, path, value)))


def test_a_failure_without_its_reason_is_refused() -> None:
    seen = open_search(FAILED, executed_event(FAILED))
    with pytest.raises(InvalidFieldError, match="has no condition Searched"):
        rebuilt(replace(seen, status=changed(seen.status, ("conditions",), [])))
