"""Thresholds become alert rules; what they do is tried in tests/integration/monitoring."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from support.exported import series, unknown_in
from support.golden import Golden
from unit.policies import a_policy
from workflow_audit.domain.children import alert_rules
from workflow_audit.domain.children.alerts import alerts_for, rule_groups
from workflow_audit.domain.crds import structural_schema
from workflow_audit.domain.policy_parsing import parse_policy
from workflow_audit.models.alerting import Alerts, Dashboard
from workflow_audit.models.kinds import AUDIT_POLICY
from workflow_audit.models.policy import Policy

ROOT = Path(__file__).parents[4]
DOCUMENT = (ROOT / "docs" / "how-to" / "alerts.md").read_text(encoding="utf-8")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
ALERTS = alerts_for(Alerts())

CUSTOM: dict[str, Any] = {
    "enabled": True,
    "writeErrorRate": 2,
    "writeErrorRatio": 0.125,
    "queryP95Seconds": 0.2,
    "writeP95Seconds": 0.015,
    "growthBytesPerDay": "1536Mi",
    "oldestPendingSeconds": 90.5,
    "for": "90s",
    "labels": {"release": "monitoring"},
    "runbookURL": "https://wiki.example.com/audit",
}


def rules(policy: Policy, namespace: str = "workflow-audit") -> list[dict[str, Any]]:
    rule = alert_rules(policy, namespace)
    assert rule is not None
    groups: list[dict[str, Any]] = rule.manifest["spec"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize(
    ("case", "namespace", "alerts", "goes_to"),
    [
        pytest.param("namespaced", "team-a", {"enabled": True}, "team-a", id="namespaced"),
        pytest.param("cluster-wide", None, CUSTOM, "workflow-audit", id="cluster-wide"),
    ],
)
def test_alert_rules(
    case: str, namespace: str | None, alerts: dict[str, Any], goes_to: str, golden: Golden
) -> None:
    rule = alert_rules(a_policy("audit", {"alerts": alerts}, namespace=namespace), goes_to)
    assert rule is not None
    assert rule.namespace == goes_to
    golden(f"alerts/{case}.yaml", yaml.safe_dump(rule.manifest, width=100))


@pytest.mark.parametrize("alerts", [{}, {**CUSTOM, "enabled": False}], ids=["default", "off"])
def test_who_wants_none_gets_none(alerts: dict[str, Any]) -> None:
    assert alert_rules(a_policy("audit", {"alerts": alerts}), "workflow-audit") is None


def test_every_threshold_changes_a_rule() -> None:
    """And so no field of a policy's alerts is without effect."""
    fields = structural_schema(AUDIT_POLICY.spec)["properties"]["alerts"]["properties"]
    thresholds = CUSTOM.keys() - {"enabled", "labels"}
    assert thresholds == fields.keys() - {"enabled", "labels"}
    before = rule_groups(Alerts(), "p")
    for name in thresholds:
        assert rule_groups(Alerts.model_validate({name: CUSTOM[name]}), "p") != before, name


def test_the_alerts_that_the_policy_speaks_of_exist() -> None:
    spoken_of = set(re.findall(r"WorkflowAudit\w+", str(structural_schema(AUDIT_POLICY.spec))))
    assert spoken_of
    assert spoken_of <= {alert.name for alert in ALERTS}


def test_equal_alerts_of_two_policies_can_be_told_apart() -> None:
    wanted = {"alerts": {"enabled": True}}
    policies = [
        a_policy("audit", wanted),
        a_policy("audit", wanted, namespace="a"),
        a_policy("audit", wanted, namespace="b"),
    ]
    labels = {rule["labels"]["policy"] for policy in policies for rule in rules(policy)}
    assert labels == {"ClusterAuditPolicy/audit", "AuditPolicy/a/audit", "AuditPolicy/b/audit"}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_metrics_and_labels_of_an_alert_are_exported(alert: Any) -> None:
    assert "workflow_audit_" in alert.expression
    assert unknown_in(alert.expression) == set()


@pytest.mark.parametrize(
    ("expression", "unknown"),
    [
        ("rate(workflow_audit_write_errors[5m])", {"workflow_audit_write_errors"}),
        ("workflow_audit_write_duration_seconds", {"workflow_audit_write_duration_seconds"}),
        ('workflow_audit_policies{redy="false"}', {"workflow_audit_policies{redy}"}),
        ("sum by (kind) (workflow_audit_write_errors_total)", {"kind"}),
        ("sum by (le) (workflow_audit_write_duration_seconds_bucket)", set()),
    ],
)
def test_an_unknown_metric_or_label_is_noticed(expression: str, unknown: set[str]) -> None:
    assert unknown_in(expression) == unknown
    assert "workflow_audit_write_duration_seconds_bucket" in series()


def test_the_documented_example_is_a_policy_with_the_default_thresholds() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    body = yaml.safe_load(example)
    body["metadata"] |= {"uid": str(UUID(int=1)), "generation": 1}
    policy = parse_policy(body)
    assert isinstance(policy, Policy), policy
    assert policy.spec.alerts == Alerts(enabled=True, labels=policy.spec.alerts.labels)
    assert policy.spec.dashboard == Dashboard(enabled=True)


def test_the_documented_defaults_are_those_in_force() -> None:
    documented = dict(re.findall(r"\| `(\w+)`, (\w[\w.]*) \|", DOCUMENT))
    assert CUSTOM.keys() - documented.keys() == {"enabled", "labels", "runbookURL"}
    assert Alerts.model_validate(documented) == Alerts()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_the_documented_severity_is_the_one_in_force(alert: Any) -> None:
    (row,) = re.findall(
        rf"^\| \[{alert.name}\]\(\.\./runbook\.md#{alert.name.lower()}\) .*$",
        DOCUMENT,
        re.MULTILINE,
    )
    assert row.endswith(f"| {alert.severity} |")
    assert f"{alert.holds} |" in row


def test_the_runbook_has_a_section_for_each_alert_and_for_no_other() -> None:
    sections = re.findall(r"^### (WorkflowAudit\w+)$", RUNBOOK, re.MULTILINE)
    assert sorted(sections) == sorted(alert.name for alert in ALERTS)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_a_section_says_what_one_needs_at_night(alert: Any) -> None:
    sections = re.split(r"^#+ ", RUNBOOK, flags=re.MULTILINE)
    (section,) = (each for each in sections if each.startswith(f"{alert.name}\n"))
    parts = ("Meaning", "First look", "Likely causes", "Remedy")
    assert all(f"**{part}**" in section for part in parts), section


def test_a_runbook_url_leads_to_the_section() -> None:
    """Headings get their name in lower case as anchor, also where Markdown is rendered."""
    for rule in rules(a_policy("audit", {"alerts": CUSTOM})):
        url = f"https://wiki.example.com/audit#{rule['alert'].lower()}"
        assert rule["annotations"]["runbook_url"] == url
