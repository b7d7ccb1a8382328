"""A policy object becomes a policy, or says which field keeps it from being one."""

from typing import Any

import pytest

from unit.policies import a_policy, any_policy
from workflow_audit.domain.redaction import redactor
from workflow_audit.models.policy import (
    ClusterPolicySpec,
    InvalidPolicy,
    PolicyKey,
    PolicySpec,
)


def test_without_anything_it_is_the_default() -> None:
    assert a_policy("own", namespace="team-a").spec == PolicySpec()
    assert a_policy("all").spec == ClusterPolicySpec()


def test_what_identifies_it() -> None:
    policy = a_policy("own", namespace="team-a", generation=7)
    assert policy.key == PolicyKey("AuditPolicy", "team-a", "own")
    assert str(policy.key) == "AuditPolicy/own"
    assert policy.generation == 7
    assert str(a_policy("all").key) == "ClusterAuditPolicy/all"


@pytest.mark.parametrize(
    ("size", "size_bytes"),
    [(8192, 8192), ("8192", 8192), ("16Ki", 16384), ("1Mi", 1048576)],
)
def test_sizes(size: Any, size_bytes: int) -> None:
    spec = a_policy(spec={"limits": {"maxEventBytes": size}}).spec
    assert spec.limits.max_event_bytes == size_bytes


PATTERNS = {"patterns": [{"name": "ok", "regex": "a+"}, {"name": "bad", "regex": "(a"}]}


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        pytest.param({"redaction": PATTERNS}, "spec.redaction.patterns[1].regex", id="expression"),
        pytest.param({"redaction": {"builtin": ["dna"]}}, "spec.redaction.builtin[0]", id="enum"),
        pytest.param(
            {"scoring": {"weights": {"environment": {"boost": 11}}}},
            "spec.scoring.weights.environment.boost",
            id="weight",
        ),
        pytest.param({"scoring": {"lowConfidence": 50}}, "spec.scoring.lowConfidence", id="share"),
        pytest.param({"limits": {"maxEventBytes": "1Ki"}}, "spec.limits.maxEventBytes", id="size"),
        pytest.param({"limits": {"maxEventBytes": "much"}}, "spec.limits.maxEventBytes", id="word"),
        pytest.param({"retention": {"days": 0}}, "spec.retention.days", id="days"),
        pytest.param({"retention": {"searchTTL": "1w"}}, "spec.retention.searchTTL", id="span"),
        pytest.param(
            {"access": {"readers": [{"kind": "Pod", "name": "a"}]}},
            "spec.access.readers[0].kind",
            id="reader",
        ),
        pytest.param({"selector": "all"}, "spec.selector", id="selector"),
    ],
)
def test_what_cannot_be_used_names_the_field(spec: dict[str, Any], path: str) -> None:
    policy = any_policy(spec=spec)
    assert isinstance(policy, InvalidPolicy)
    assert policy.finding.path == path
    assert str(policy.finding).startswith(f"{path}: ")


def test_it_keeps_its_scope() -> None:
    scope = {"priority": 5, "selector": {"matchLabels": {"a": "1"}}}
    policy = any_policy(spec=scope | {"limits": {"maxWorkflows": 0}})
    assert isinstance(policy, InvalidPolicy)
    assert policy.spec == ClusterPolicySpec.model_validate(scope)


def test_with_a_broken_scope_it_is_about_all_that_it_could_be_about() -> None:
    policy = any_policy(spec={"selector": {"matchLabels": ["a"]}})
    assert isinstance(policy, InvalidPolicy)
    assert policy.spec == ClusterPolicySpec(priority=1000)


def test_a_hostile_expression_is_linear() -> None:
    """Backtracking engines need 2^40 steps for this; RE2 has none to go back to."""
    hostile = {"patterns": [{"name": "hostile", "regex": "(a+)+$"}]}
    policy = a_policy(spec={"redaction": hostile})
    text = "a" * 5000 + "!"
    assert redactor(policy.spec.redaction).redact(text).text == text
