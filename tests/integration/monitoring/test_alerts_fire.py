"""Prometheus' own rule engine says when an alert fires, and what it tells people."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.monitoring.alert_cases import CASES, Case
from support.promtool import Promtool, PromtoolError
from workflow_audit.domain.children.alerts import rule_groups
from workflow_audit.models.alerting import Alerts
from workflow_audit.models.policy import DEFAULT_POLICY_NAME

ROOT = Path(__file__).parents[3]
GOLDEN = sorted((ROOT / "tests" / "golden" / "alerts").glob("*.yaml"))
PLAIN_RULES = ROOT / "manifests" / "prometheus" / "rules.yaml"

GROUPS = rule_groups(Alerts(), DEFAULT_POLICY_NAME)
RULES: dict[str, dict[str, Any]] = {rule["alert"]: rule for rule in GROUPS["groups"][0]["rules"]}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert[13:]}-{case.id}")
def test_an_alert_fires_when_it_should_and_only_then(case: Case, promtool: Promtool) -> None:
    rule = RULES[case.alert]
    expected = [
        {
            "exp_labels": {
                **rule["labels"],
                **({"job": firing.job} if firing.job else {}),
                **firing.labels,
            },
            "exp_annotations": rule["annotations"] | {"description": firing.description},
        }
        for firing in case.expected
    ]
    test = {
        "interval": "1m",
        "input_series": [{"series": s, "values": values} for s, values in case.series.items()],
        "alert_rule_test": [
            {"eval_time": case.at, "alertname": case.alert, "exp_alerts": expected}
        ],
    }
    promtool.test_rules({"groups": [{"name": "one", "rules": [rule]}]}, [test])


def test_every_alert_is_tried_on_both_sides() -> None:
    sides: dict[str, set[bool]] = defaultdict(set)
    for case in CASES:
        sides[case.alert].add(bool(case.expected))
    assert dict(sides) == {alert: {True, False} for alert in RULES}


@pytest.mark.parametrize("case", CASES[:2], ids=lambda case: case.id)
def test_a_wrong_expectation_is_noticed(case: Case, promtool: Promtool) -> None:
    """So that what passes above has really been evaluated."""
    wrong = Case(case.alert, case.id, case.series, case.at, () if case.expected else ANY)
    with pytest.raises(PromtoolError, match="FAILED"):
        test_an_alert_fires_when_it_should_and_only_then(wrong, promtool)


ANY = next(case.expected for case in CASES if case.expected)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_generated_rules_can_be_loaded(path: Path, promtool: Promtool) -> None:
    rule = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert f"{len(RULES)} rules found" in promtool.check_rules(rule["spec"])


def test_the_file_for_a_plain_prometheus_can_be_loaded(promtool: Promtool) -> None:
    groups = yaml.safe_load(PLAIN_RULES.read_text(encoding="utf-8"))
    assert f"{len(RULES)} rules found" in promtool.check_rules(groups)


def test_a_broken_rule_is_noticed(promtool: Promtool) -> None:
    with pytest.raises(PromtoolError, match="parse error"):
        promtool.check_expressions(["sum by (rate(x[5m])"])
