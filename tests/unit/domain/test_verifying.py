"""What is said of a search and its row: every difference by its field, and no false one."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from unit.searches import CLUSTER, FAILED, RECORDED_AT, TINY, UID, an_event, changed
from unit.verified import a_recorded_object, a_recorded_search, a_skipped_object, its_row
from workflow_audit.domain.submissions import NAMES
from workflow_audit.domain.verifying import (
    agrees,
    forgery,
    is_due,
    is_of_resource,
    judgement,
    seen_search,
)
from workflow_audit.models.verification import FindingKind, SearchSeen, StoredRow

OTHER = UUID("00000000-0000-4000-8000-000000000001")


def kinds(seen: SearchSeen, *rows: StoredRow) -> list[FindingKind]:
    return [finding.kind for finding in judgement(seen, rows, CLUSTER).findings]


def why(seen: SearchSeen, row: StoredRow) -> str:
    (finding,) = judgement(seen, [row], CLUSTER).findings
    assert finding.kind is FindingKind.DIFFERENT
    return finding.why


@pytest.mark.parametrize("spec", [TINY, FAILED], ids=["success", "failure"])
def test_nothing_is_said_where_all_is_well(spec: Any) -> None:
    seen = a_recorded_search(spec)
    row = its_row(seen, an_event(spec))
    assert judgement(seen, [row], CLUSTER).findings == ()
    assert not judgement(seen, [row], CLUSTER).is_recorded_again
    assert kinds(seen, replace(row, content=None)) == []


def test_a_malformed_search_is_not_taken_for_different() -> None:
    broken = changed(TINY, ("correlationId",), "jane.doe@example.com") | {"query": {"text": 7}}
    seen = a_recorded_search(broken)
    row = its_row(seen, an_event(broken))
    assert row.correlation_id == "[redacted:email]"
    assert kinds(seen, row) == []


def test_recorded_without_a_row_is_missing() -> None:
    (finding,) = judgement(a_recorded_search(), [], CLUSTER).findings
    assert finding.kind is FindingKind.MISSING
    assert (finding.namespace, finding.name) == ("payments", "rr-2026-001-x7k2p")
    assert finding.event_id == uuid5(CLUSTER, str(UID))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("resource_id", str(OTHER), "metadata.uid: "),
        ("resource_name", "other", "metadata.name: 'rr-2026-001-x7k2p' in the cluster, 'other'"),
        ("correlation_id", "rr-other", "spec.correlationId: 'rr-2026-001' in the cluster"),
        ("recorded_at", RECORDED_AT - timedelta(microseconds=1), "status.recordedAt: "),
    ],
)
def test_names_that_differ(column: str, value: Any, said: str) -> None:
    seen = a_recorded_search()
    assert why(seen, replace(its_row(seen), **{column: value})).startswith(said)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("namespace", "other", "metadata.namespace: 'payments' in the cluster, 'other'"),
        ("cluster_id", None, "cluster id: "),
        ("resource_type", "Pod", "resource type: "),
        ("outcome", "failure", "status.outcome: 'success' in the cluster, 'failure' in the table"),
        ("top_workflow_id", "other", "status.summary.topWorkflow: 'pod-oom-gitops' in"),
        ("top_confidence", 0.8, "status.summary.topConfidence: 0.9 in the cluster, 0.8"),
        ("top_confidence", None, "status.summary.topConfidence: 0.9 in the cluster, None"),
    ],
)
def test_content_that_differs(column: str, value: Any, said: str) -> None:
    seen = a_recorded_search()
    row = its_row(seen)
    assert row.content
    assert why(seen, replace(row, content=replace(row.content, **{column: value}))).startswith(said)


def test_a_status_that_names_another_event_differs() -> None:
    body = a_recorded_object()
    seen = seen_search(body | {"status": body["status"] | {"eventId": str(OTHER)}})
    assert why(seen, its_row(seen)).startswith(f"status.eventId: '{OTHER}' in the cluster")


@pytest.mark.parametrize("recorded_at", ["yesterday", "2026-11-23T10:31:08", None])
def test_a_status_without_a_time_differs(recorded_at: object) -> None:
    body = a_recorded_object()
    seen = seen_search(body | {"status": body["status"] | {"recordedAt": recorded_at}})
    assert why(seen, its_row(seen)).startswith("status.recordedAt: ")


def test_several_differences_are_one_finding() -> None:
    seen = a_recorded_search()
    row = replace(its_row(seen), correlation_id="rr-other", resource_name="other")
    assert why(seen, row).count(" in the table") == 2


def test_a_younger_row_was_recorded_again_and_is_no_difference() -> None:
    seen = a_recorded_search()
    judged = judgement(
        seen, [replace(its_row(seen), recorded_at=RECORDED_AT + timedelta(days=1))], CLUSTER
    )
    assert judged.findings == ()
    assert judged.is_recorded_again


def test_a_row_on_another_day_is_extra() -> None:
    seen = a_recorded_search()
    row = its_row(seen)
    other = replace(row, event_date=row.event_date + timedelta(days=1))
    assert kinds(seen, row, other) == [FindingKind.EXTRA]
    assert kinds(seen, other) == [FindingKind.EXTRA, FindingKind.MISSING]


def test_skipped_with_a_row_is_extra() -> None:
    seen = seen_search(a_skipped_object())
    assert kinds(seen) == []
    assert kinds(seen, its_row(a_recorded_search())) == [FindingKind.EXTRA]


def test_a_row_of_ours_whose_id_does_not_follow_is_forged() -> None:
    row = its_row(a_recorded_search())
    assert forgery(row, CLUSTER) is None
    found = forgery(replace(row, event_id=OTHER), CLUSTER)
    assert found
    assert (found.kind, found.namespace) == (FindingKind.EXTRA, "payments")
    assert forgery(replace(row, resource_id="none"), CLUSTER)


def test_rows_that_may_be_of_somebody_else_are_not() -> None:
    row = replace(its_row(a_recorded_search()), event_id=OTHER)
    assert row.content
    assert forgery(replace(row, content=None), CLUSTER) is None
    assert forgery(row, uuid4()) is None
    other_kind = replace(row.content, resource_type="RemediationRequest")
    assert forgery(replace(row, content=other_kind), CLUSTER) is None


def test_rows_of_resources_are_told_from_those_that_came_by_http() -> None:
    row = its_row(a_recorded_search())
    assert is_of_resource(row, CLUSTER)
    assert not is_of_resource(row, uuid4())
    by_http = uuid5(NAMES, "a key")
    http = replace(row, resource_id=str(by_http), event_id=uuid5(CLUSTER, str(by_http)))
    assert not is_of_resource(http, CLUSTER)
    assert forgery(http, CLUSTER) is None
    assert not is_of_resource(replace(row, resource_id="none"), CLUSTER)


def test_retention_is_due_on_the_day_and_not_before() -> None:
    week = timedelta(days=7)
    assert is_due(RECORDED_AT, 7, RECORDED_AT + week)
    assert not is_due(RECORDED_AT, 7, RECORDED_AT + week - timedelta(seconds=1))


def test_an_event_made_again_must_be_the_one_that_status_shows() -> None:
    seen = a_recorded_search()
    assert agrees(seen, an_event()) is None
    said = agrees(seen, replace(an_event(), top_workflow_id="other"))
    assert said
    assert said.startswith("status.summary.topWorkflow: 'pod-oom-gitops' in the cluster")
