"""What status says of a policy."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.condition_rules import broken_condition_rules
from unit.policies import a_policy, any_policy
from workflow_audit.domain.policy_status import latest_retention, merge_patch, policy_status
from workflow_audit.domain.readiness import CatalogueState, ChildState, PolicyState, State
from workflow_audit.models.policy_status import RemovalPreview, RetentionStatus

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)

ALL = {
    "access": {"readers": [{"kind": "Group", "name": "sre"}]},
    "alerts": {"enabled": True},
    "dashboard": {"enabled": True},
}


def role(state: State, message: str = "") -> ChildState:
    return ChildState("Access", "Role", "team-a", "audit-policy-own", state, message)


def rule(state: State, message: str = "") -> ChildState:
    return ChildState("Alerts", "PrometheusRule", "team-a", "audit-policy-own", state, message)


def status_of(
    children: Sequence[ChildState] = (),
    before: Any = None,
    now: datetime = NOW,
    spec: Any = ALL,
    retention: RetentionStatus | None = None,
) -> dict[str, Any]:
    policy = any_policy("own", spec, namespace="team-a", generation=3)
    status = policy_status(PolicyState(policy, children), retention, before or {}, now=now)
    assert broken_condition_rules({"metadata": {"generation": 3}, "status": status}) == []
    return status


def conditions(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}


@pytest.mark.parametrize(
    ("children", "expected"),
    [
        pytest.param(
            [role("InPlace"), rule("InPlace")], {"Ready": ("True", "InForce")}, id="all-in-place"
        ),
        pytest.param(
            [role("Refused", "no"), rule("Conflict", "there")],
            {
                "Ready": ("False", "Refused"),
                "Stalled": ("True", "Refused"),
                "Access": ("False", "Refused"),
                "Alerts": ("False", "Conflict"),
            },
            id="a-refusal-goes-before-a-conflict",
        ),
        pytest.param(
            [role("Unreachable", "down"), rule("Conflict", "there")],
            {"Ready": ("False", "Conflict"), "Stalled": ("True", "Conflict")},
            id="what-needs-somebody-goes-before-what-passes",
        ),
        pytest.param(
            [role("InPlace"), rule("NotInstalled", "unknown")],
            {
                "Ready": ("False", "NotInstalled"),
                "Reconciling": ("True", "NotInstalled"),
                "Access": ("True", "InPlace"),
                "Alerts": ("False", "NotInstalled"),
            },
            id="not-installed-passes-once-it-is",
        ),
        pytest.param(
            [role("Unreachable", "down")],
            {"Ready": ("False", "Unreachable"), "Reconciling": ("True", "Unreachable")},
            id="unreachable-passes",
        ),
    ],
)
def test_conditions(children: list[ChildState], expected: dict[str, tuple[str, str]]) -> None:
    found = conditions(status_of(children))
    assert {name: found[name] for name in expected} == expected
    assert ("Stalled" in found) == ("Stalled" in expected)
    assert ("Reconciling" in found) == ("Reconciling" in expected)


def test_the_message_names_the_object_and_the_cause() -> None:
    ready = status_of([role("Refused", "applying Role: 403")])["conditions"][0]
    assert ready["message"] == "Role team-a/audit-policy-own: applying Role: 403"


def test_what_is_not_asked_for_is_off() -> None:
    found = conditions(status_of(spec={}))
    assert found["Ready"] == ("True", "InForce")
    assert {found[name] for name in ("Access", "Alerts", "Dashboard")} == {("False", "Off")}


@pytest.mark.parametrize(
    ("retention", "status", "reason", "message"),
    [
        pytest.param(
            None,
            "False",
            "NotConfigured",
            "nothing is removed: AUDIT_RETENTION_DATABASE_URL is empty",
            id="not-configured",
        ),
        pytest.param(
            RetentionStatus(), "True", "Scheduled", "it runs soon, no run yet", id="just-started"
        ),
        pytest.param(
            RetentionStatus(last_run=NOW, next_run=LATER, removed=7),
            "True",
            "Scheduled",
            "next run 2026-11-24T13:00:00Z, last run 2026-11-24T12:00:00Z",
            id="has-run",
        ),
        pytest.param(
            RetentionStatus(last_run=NOW, next_run=LATER, failed_at=LATER, failure="no database"),
            "False",
            "Failed",
            "no database; next run 2026-11-24T13:00:00Z",
            id="has-failed",
        ),
    ],
)
def test_retention(
    retention: RetentionStatus | None, status: str, reason: str, message: str
) -> None:
    found = status_of([role("InPlace"), rule("InPlace")], retention=retention)
    (shown,) = (each for each in found["conditions"] if each["type"] == "Retention")
    assert (shown["status"], shown["reason"], shown["message"]) == (status, reason, message)
    assert conditions(found)["Ready"] == ("True", "InForce")


def ran(at: datetime) -> RetentionStatus:
    return RetentionStatus(last_run=at, next_run=at + timedelta(days=1), removed=1)


def counted(at: datetime, run: datetime = NOW) -> RetentionStatus:
    preview = RemovalPreview(at=at, generation=1, rows=1, size_bytes=1)
    return ran(run).model_copy(update={"would_remove": preview})


def failed(at: datetime) -> RetentionStatus:
    return RetentionStatus(last_run=NOW, failed_at=at, failure="no database")


@pytest.mark.parametrize(
    ("ours", "theirs", "winner"),
    [
        pytest.param(ran(LATER), ran(NOW), "ours", id="we-know-of-a-later-run"),
        pytest.param(ran(NOW), ran(LATER), "theirs", id="they-know-of-a-later-run"),
        pytest.param(RetentionStatus(), ran(NOW), "theirs", id="we-have-just-started"),
        pytest.param(ran(NOW), failed(LATER), "theirs", id="they-know-of-a-failure-since"),
        pytest.param(ran(LATER + timedelta(1)), failed(LATER), "ours", id="it-has-passed"),
        pytest.param(failed(LATER), ran(NOW), "ours", id="we-have-failed-since"),
        pytest.param(
            failed(NOW - timedelta(days=99)), ran(NOW), "ours", id="we-have-failed-by-a-slow-clock"
        ),
        pytest.param(ran(NOW), ran(NOW), "ours", id="the-same-run"),
        pytest.param(counted(LATER), counted(NOW), "ours", id="we-have-counted-since"),
        pytest.param(ran(NOW), counted(NOW), "theirs", id="they-have-counted"),
        pytest.param(ran(LATER), counted(LATER), "ours", id="we-know-of-a-later-run-than-theirs"),
        pytest.param(None, ran(NOW), "ours", id="it-does-not-run-here"),
        pytest.param(ran(NOW), None, "ours", id="nothing-was-said"),
    ],
)
def test_who_knows_more_has_the_word(
    ours: RetentionStatus | None, theirs: RetentionStatus | None, winner: str
) -> None:
    shown = theirs.model_dump(mode="json", by_alias=True, exclude_none=True) if theirs else None
    before = {"retention": shown} if shown else {}
    expected = ours if winner == "ours" else theirs
    assert latest_retention(ours, before, dry_run=True) == expected


def test_what_was_counted_is_not_shown_once_dry_run_is_off() -> None:
    shown = counted(LATER).model_dump(mode="json", by_alias=True, exclude_none=True)
    for ours in (ran(NOW), counted(NOW)):
        assert latest_retention(ours, {"retention": shown}, dry_run=False) == ran(NOW)


@pytest.mark.parametrize("before", [{"lastRun": "yesterday"}, "x", 7])
def test_what_somebody_spoiled_does_not_count(before: Any) -> None:
    assert latest_retention(ran(NOW), {"retention": before}, dry_run=True) == ran(NOW)


def test_an_invalid_one_stalls_and_names_the_field() -> None:
    status = status_of(spec={"limits": {"maxWorkflows": 0}})
    assert conditions(status) == {"Ready": ("False", "Invalid"), "Stalled": ("True", "Invalid")}
    assert status["conditions"][0]["message"].startswith("spec.limits.maxWorkflows: 0 is refused")


def test_children_and_readers_are_listed() -> None:
    status = status_of([role("InPlace"), rule("NotInstalled", "unknown")])
    assert status["readers"] == 1
    assert status["observedGeneration"] == 3
    assert status["children"] == [
        {"kind": "Role", "namespace": "team-a", "name": "audit-policy-own", "state": "InPlace"},
        {
            "kind": "PrometheusRule",
            "namespace": "team-a",
            "name": "audit-policy-own",
            "state": "NotInstalled",
            "message": "unknown",
        },
    ]


def test_times_move_with_what_is_said_only() -> None:
    before = status_of([role("InPlace"), rule("InPlace")])
    assert status_of([role("InPlace"), rule("InPlace")], before, LATER) == before
    after = status_of([role("InPlace"), rule("Conflict", "there")], before, LATER)
    times = {each["type"]: each["lastTransitionTime"] for each in after["conditions"]}
    assert times["Access"] == "2026-11-24T12:00:00Z"
    assert times["Ready"] == times["Alerts"] == "2026-11-24T13:00:00Z"


@pytest.mark.parametrize("time", [None, "yesterday", 7])
def test_a_time_that_somebody_spoiled_is_mended(time: Any) -> None:
    before = status_of()
    before["conditions"][0]["lastTransitionTime"] = time
    assert status_of(before=before, now=LATER)["conditions"][0]["lastTransitionTime"]


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        pytest.param({}, {}, {}, id="nothing"),
        pytest.param({"a": 1}, {"a": 1}, {}, id="the-same"),
        pytest.param({"a": 1}, {"a": 2}, {"a": 2}, id="a-value"),
        pytest.param({"a": 1}, {}, {"a": None}, id="gone"),
        pytest.param({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a": {"c": None}}, id="inner"),
        pytest.param({"a": [1, 2]}, {"a": [1]}, {"a": [1]}, id="lists-are-whole"),
        pytest.param({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}, id="another-type"),
    ],
)
def test_merge_patches(before: Any, after: Any, patch: Any) -> None:
    assert merge_patch(before, after) == patch


def test_a_policy_without_readers_has_none() -> None:
    state = PolicyState(a_policy())
    assert policy_status(state, None, {}, now=NOW)["readers"] == 0


CATALOGUE = {"catalogue": {"url": "https://catalogue.example"}}
NO_SECRET = CatalogueState(
    "CredentialsMissing", "Secret workflow-audit/own is not there; create it"
)


def status_of_cluster_policy(spec: Any, catalogue: CatalogueState | None = None) -> dict[str, Any]:
    policy = any_policy("all", spec, generation=3)
    status = policy_status(PolicyState(policy, (), catalogue), None, {}, now=NOW)
    assert broken_condition_rules({"metadata": {"generation": 3}, "status": status}) == []
    return status


@pytest.mark.parametrize(
    ("spec", "catalogue", "wanted"),
    [
        pytest.param({}, None, {"Catalogue": ("False", "Off")}, id="without"),
        pytest.param(
            CATALOGUE,
            None,
            {"Ready": ("True", "InForce"), "Catalogue": ("True", "Configured")},
            id="with",
        ),
        pytest.param(
            CATALOGUE,
            NO_SECRET,
            {
                "Ready": ("False", "CredentialsMissing"),
                "Stalled": ("True", "CredentialsMissing"),
                "Catalogue": ("False", "CredentialsMissing"),
            },
            id="somebody-has-to-make-the-secret",
        ),
        pytest.param(
            CATALOGUE,
            CatalogueState("CatalogueInvalid", "spec.catalogue.caBundle: is no certificate"),
            {
                "Ready": ("False", "CatalogueInvalid"),
                "Stalled": ("True", "CatalogueInvalid"),
                "Catalogue": ("False", "CatalogueInvalid"),
            },
            id="somebody-has-to-mend-it",
        ),
        pytest.param(
            CATALOGUE,
            CatalogueState("Unreachable", "no answer"),
            {
                "Ready": ("False", "Unreachable"),
                "Reconciling": ("True", "Unreachable"),
                "Catalogue": ("False", "Unreachable"),
            },
            id="it-passes-by-itself",
        ),
    ],
)
def test_a_catalogue(
    spec: Any, catalogue: CatalogueState | None, wanted: dict[str, tuple[str, str]]
) -> None:
    found = conditions(status_of_cluster_policy(spec, catalogue))
    assert {each: found[each] for each in wanted} == wanted


def test_a_policy_of_a_namespace_speaks_of_no_catalogue() -> None:
    assert "Catalogue" not in conditions(status_of())
