"""Which policy applies to a search, and what it does to it."""

import itertools
import time
from pathlib import Path
from typing import Any

import pytest

from support.api import Api
from support.condition_rules import condition_of
from support.eventually import eventually
from support.faulty_api import Fault, FaultyApi, Request
from support.operator_process import StartOperator
from support.policies import Policies
from support.searches import Searches, bundled_specs, search
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database]

SPECS = bundled_specs()
SWITCHED_WITHIN_SECONDS = 5.0

TOO_LARGE = r"\pL{1,100}"
"""An expression that the API server takes; the operator bounds the memory that one may cost."""


def submitted(searches: Searches, name: str, spec: Any = None, **labels: str) -> dict[str, Any]:
    """Submit a search and wait until it is done."""
    manifest = search(spec or SPECS[0], name)
    manifest["metadata"]["labels"] = labels
    assert searches.submit(manifest).ok

    def read() -> dict[str, Any]:
        found = searches.get(name)
        assert found.get("status", {}).get("phase") in {"Recorded", "Skipped"}, found.get("status")
        return found

    return eventually(read)


def test_the_policy_that_applies_stands_in_status_and_row(
    searches: Searches, own: Policies, cluster: Policies, start_operator: StartOperator
) -> None:
    start_operator().wait_ready()
    critical = {"matchLabels": {"severity": "critical"}}
    steps = [
        ("default", {}),
        ("ClusterAuditPolicy/all", {}),
        ("AuditPolicy/critical", {"severity": "critical"}),
        ("ClusterAuditPolicy/all", {"severity": "low"}),
    ]
    for number, (policy, labels) in enumerate(steps):
        if number == 1:
            cluster.apply("all", retention={"days": 30})
            cluster.wait_ready("all")
        if number == 2:
            own.apply("critical", selector=critical, retention={"days": 7})
            own.wait_ready("critical")
        name = f"s-{number}"
        assert submitted(searches, name, **labels)["status"]["policy"] == policy
        row = searches.row(name)
        assert row["event_metadata"]["policy"] == policy
        days = {"default": 2555, "ClusterAuditPolicy/all": 30, "AuditPolicy/critical": 7}[policy]
        assert row["retention_days"] == days
    assert own.delete("critical").ok
    eventually(
        lambda: submitted(searches, f"after-{time.monotonic_ns()}", severity="critical"),
        until=lambda found: found["status"]["policy"] == "ClusterAuditPolicy/all",
    )


def test_writing_stops_within_seconds_and_goes_on_again(
    searches: Searches, own: Policies, start_operator: StartOperator
) -> None:
    operator = start_operator().wait_ready()
    own.apply("switch", enabled=True)
    own.wait_ready("switch")
    assert submitted(searches, "on")["status"]["phase"] == "Recorded"
    numbers = itertools.count()
    for switched, phase in ((False, "Skipped"), (True, "Recorded")):
        own.patch("switch", enabled=switched)
        began = time.monotonic()
        eventually(
            lambda: submitted(searches, f"s-{next(numbers)}")["status"]["phase"],
            until=lambda seen, phase=phase: seen == phase,
        )
        assert time.monotonic() - began < SWITCHED_WITHIN_SECONDS
    rows = {row["resource_name"] for row in searches.rows()}
    skipped = set(searches.selected("status.phase=Skipped"))
    assert skipped
    assert not rows & skipped
    assert operator.events("skipped") == len(skipped)


def test_weights_threshold_limits_and_redaction_are_the_policys(
    searches: Searches, own: Policies, start_operator: StartOperator
) -> None:
    start_operator().wait_ready()
    own.apply(
        "strict",
        scoring={"weights": {"environment": {"boost": 0.03}}, "lowConfidence": 0.99},
        redaction={
            "builtin": [],
            "patterns": [{"name": "ticket", "regex": r"T-\d{4}"}],
            "replacement": "<{name}>",
        },
        limits={"maxWorkflows": 1},
    )
    own.wait_ready("strict")

    def found(rank: int) -> dict[str, Any]:
        scoring = {"confidence": 0.9, "labelBoost": 0.03, "labelPenalty": 0}
        labels = {"environment": "production"}
        return {"workflowId": f"w-{rank}", "rank": rank, "labels": labels, "scoring": scoring}

    spec = {
        "correlationId": "rr-1",
        "query": {
            "text": "see T-1234 of jane@example.com",
            "filters": {"environment": "production"},
        },
        "results": {"totalFound": 2, "returned": 2, "workflows": [found(1), found(2)]},
    }
    summary = submitted(searches, "one", spec)["status"]["summary"]
    assert summary["query"] == "see <ticket> of jane@example.com"
    assert summary["redactions"] == {"ticket": 1}
    assert summary["truncated"] == {"workflows": 1, "characters": 0}
    assert summary["lowConfidence"] is True
    (workflow,) = summary["workflows"]
    assert workflow["scoring"]["boostBreakdown"] == {"environment": 0.03}
    assert workflow["scoring"]["unattributed"] == {"boost": 0, "penalty": 0}
    data = searches.row("one")["event_data"]
    assert data["query"]["text"] == "see <ticket> of jane@example.com"
    assert len(data["results"]["workflows"]) == 1


def test_a_hostile_expression_holds_nobody_up(
    searches: Searches, own: Policies, start_operator: StartOperator
) -> None:
    """For engines that backtrack these take longer than the universe has existed."""
    start_operator().wait_ready()
    hostile = [
        {"name": "nested", "regex": "(a+)+$"},
        {"name": "alternatives", "regex": "(a|a|aa)*b"},
        {"name": "counted", "regex": "(x{0,30}){0,30}y"},
    ]
    own.apply("hostile", redaction={"patterns": hostile})
    own.wait_ready("hostile")
    text = "a" * 4000 + "x" * 4000 + "!"
    spec = {"correlationId": "rr-1", "query": {"text": text}, "failure": {"code": "Any"}}
    found = submitted(searches, "attacked", spec)
    assert found["status"]["policy"] == "AuditPolicy/hostile"
    assert submitted(searches, "another")["status"]["phase"] == "Recorded"


def test_searches_of_a_policy_that_cannot_be_used_wait_for_it(
    searches: Searches, own: Policies, start_operator: StartOperator
) -> None:
    operator = start_operator(
        AUDIT_OPERATOR_PATIENCE_SECONDS="0.2", AUDIT_OPERATOR_RETRY_SECONDS="0.2"
    ).wait_ready()
    greedy = [{"name": "greedy", "regex": TOO_LARGE}]
    own.apply("greedy", redaction={"patterns": greedy})
    stalled = own.wait("greedy", "Invalid", "Stalled")
    message = condition_of(stalled, "Ready")["message"]
    assert message.startswith("spec.redaction.patterns[0].regex: ")
    assert searches.submit(search(SPECS[0], "waiting")).ok

    def reason() -> str:
        return str(condition_of(searches.get("waiting"), "Recorded").get("reason"))

    eventually(reason, until=lambda seen: seen == "PolicyInvalid")
    assert searches.rows() == []
    own.patch("greedy", redaction={"patterns": [{"name": "modest", "regex": "T-[0-9]+"}]})
    found = searches.wait_recorded(1)
    assert found[0]["status"]["policy"] == "AuditPolicy/greedy"
    assert operator.running


def test_old_searches_leave_the_cluster_and_unrecorded_ones_do_not(
    searches: Searches, own: Policies, api: Api, start_operator: StartOperator
) -> None:
    operator = start_operator(AUDIT_OPERATOR_PATIENCE_SECONDS="0.2").wait_ready()
    bad = [{"name": "greedy", "regex": TOO_LARGE}]
    stuck = {"matchLabels": {"stuck": "yes"}}
    own.apply("short", retention={"searchTTL": "2s"})
    own.apply(
        "stuck",
        priority=1,
        selector=stuck,
        redaction={"patterns": bad},
        retention={"searchTTL": "1s"},
    )
    own.apply(
        "forever",
        selector={"matchLabels": {"keep": "yes"}},
        priority=2,
        retention={"searchTTL": "0s"},
    )
    own.wait_ready("short")
    for name, labels in (("gone", {}), ("kept", {"keep": "yes"}), ("unrecorded", {"stuck": "yes"})):
        manifest = search(SPECS[0], name)
        manifest["metadata"]["labels"] = labels
        assert searches.submit(manifest).ok
    left = eventually(
        lambda: sorted(item["metadata"]["name"] for item in searches.listed()),
        until=lambda names: "gone" not in names,
    )
    assert left == ["kept", "unrecorded"]
    assert {row["resource_name"] for row in searches.rows()} == {"gone", "kept"}
    eventually(lambda: operator.metrics()["workflow_audit_searches_removed_total"] == 1)
    own.delete("stuck")
    # It is old enough to go as soon as it is recorded.
    eventually(lambda: [item["metadata"]["name"] for item in searches.listed()] == ["kept"])
    assert {row["resource_name"] for row in searches.rows()} == {"gone", "kept", "unrecorded"}


def test_searches_wait_until_the_policies_are_known(
    searches: Searches,
    own: Policies,
    start_operator: StartOperator,
    prepared_environment: LocalEnvironment,
    tmp_path: Path,
) -> None:
    own.apply("off", enabled=False)

    def no_policies(request: Request) -> Fault | None:
        return Fault("unknown", 503) if "/auditpolicies" in request.path else None

    with FaultyApi(prepared_environment) as proxy:
        with proxy.answering(no_policies):
            operator = start_operator(
                KUBECONFIG=proxy.kubeconfig(tmp_path), AUDIT_OPERATOR_PATIENCE_SECONDS="0.5"
            )
            assert searches.submit(search(SPECS[0], "early")).ok
            eventually(
                lambda: condition_of(searches.get("early"), "Recorded").get("reason"),
                until=lambda seen: seen == "PoliciesUnknown",
            )
            code, text = operator.probe("/readyz")
            assert code == 503
            assert "auditpolicies" in text
        eventually(
            lambda: searches.get("early")["status"]["phase"], until=lambda seen: seen == "Skipped"
        )
        assert searches.rows() == []
        operator.wait_ready()
