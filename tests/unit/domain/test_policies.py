"""Which policy applies to a search."""

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from unit.policies import any_policy
from workflow_audit.domain.policies import Subject, applying_policy, catalogue_policy, matches
from workflow_audit.models.selector import LabelSelector


def subject(
    namespace: str = "team-a",
    labels: Mapping[str, str] | None = None,
    namespace_labels: Mapping[str, str] | None = None,
) -> Subject:
    return Subject(namespace, labels or {}, namespace_labels or {})


def policy(name: str, namespace: str | None = None, **spec: Any) -> Any:
    return any_policy(name, spec, namespace=namespace)


WITH = {"catalogue": {"url": "https://catalogue.example"}}

CRITICAL = {"matchLabels": {"severity": "critical"}}
PRODUCTION = {"matchLabels": {"stage": "production"}}


@pytest.mark.parametrize(
    ("policies", "search", "winner"),
    [
        pytest.param([], subject(), None, id="none-at-all"),
        pytest.param([policy("all")], subject(), "ClusterAuditPolicy/all", id="without-selector"),
        pytest.param(
            [policy("own", "team-b")], subject(), None, id="of-another-namespace-is-not-meant"
        ),
        pytest.param(
            [policy("all", priority=1000), policy("own", "team-a", priority=-1000)],
            subject(),
            "AuditPolicy/own",
            id="a-namespaces-own-goes-before-the-clusters-whatever-the-priority",
        ),
        pytest.param(
            [policy("low", "team-a", priority=1), policy("z-high", "team-a", priority=2)],
            subject(),
            "AuditPolicy/z-high",
            id="higher-priority-goes-before-name",
        ),
        pytest.param(
            [policy("b"), policy("a"), policy("c")],
            subject(),
            "ClusterAuditPolicy/a",
            id="then-the-first-name",
        ),
        pytest.param(
            [policy("own", "team-a", selector=CRITICAL), policy("all")],
            subject(labels={"severity": "low"}),
            "ClusterAuditPolicy/all",
            id="falls-to-the-cluster-where-its-own-does-not-select",
        ),
        pytest.param(
            [policy("prod", namespaceSelector=PRODUCTION), policy("rest", priority=-1)],
            subject(namespace_labels={"stage": "production"}),
            "ClusterAuditPolicy/prod",
            id="by-the-labels-of-the-namespace",
        ),
        pytest.param(
            [policy("prod", namespaceSelector=PRODUCTION), policy("rest", priority=-1)],
            subject(labels={"stage": "production"}),
            "ClusterAuditPolicy/rest",
            id="labels-of-the-search-are-not-those-of-the-namespace",
        ),
        pytest.param(
            [policy("both", namespaceSelector=PRODUCTION, selector=CRITICAL)],
            subject(labels={"severity": "critical"}),
            None,
            id="both-selectors-must-be-met",
        ),
        pytest.param(
            [policy("own", "team-a", namespaceSelector=PRODUCTION)],
            subject(),
            "AuditPolicy/own",
            id="an-audit-policy-has-no-namespace-selector",
        ),
        pytest.param(
            [policy("broken", "team-a", limits="none"), policy("all")],
            subject(),
            "AuditPolicy/broken",
            id="one-that-cannot-be-used-still-decides",
        ),
    ],
)
def test_the_applying_policy(policies: list[Any], search: Subject, winner: str | None) -> None:
    for order in itertools.permutations(policies):
        found = applying_policy(order, search)
        assert (str(found.key) if found else None) == winner


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "labels", "selected"),
    [
        pytest.param({}, {}, True, id="no-demands"),
        pytest.param({"matchLabels": {"a": "1"}}, {"a": "1", "b": "2"}, True, id="further-labels"),
        pytest.param({"matchLabels": {"a": "1"}}, {"a": "2"}, False, id="another-value"),
        pytest.param({"matchLabels": {"a": ""}}, {}, False, id="an-empty-value-must-be-there"),
        pytest.param({"matchLabels": {"a": ""}}, {"a": ""}, True, id="an-empty-value"),
        pytest.param({"matchLabels": {"a": "1", "b": "2"}}, {"a": "1"}, False, id="all-are-asked"),
        pytest.param(expression("a", "In", "1", "2"), {"a": "2"}, True, id="in"),
        pytest.param(expression("a", "In", "1", "2"), {"a": "3"}, False, id="not-among-them"),
        pytest.param(expression("a", "In", "1"), {}, False, id="in-needs-the-label"),
        pytest.param(expression("a", "NotIn", "1"), {"a": "2"}, True, id="not-in"),
        pytest.param(expression("a", "NotIn", "1"), {"a": "1"}, False, id="is-in"),
        pytest.param(expression("a", "NotIn", "1"), {}, True, id="not-in-without-the-label"),
        pytest.param(expression("a", "Exists"), {"a": ""}, True, id="exists"),
        pytest.param(expression("a", "Exists"), {"b": ""}, False, id="does-not"),
        pytest.param(expression("a", "DoesNotExist"), {}, True, id="absent"),
        pytest.param(expression("a", "DoesNotExist"), {"a": "x"}, False, id="not-absent"),
        pytest.param(
            {"matchLabels": {"a": "1"}} | expression("b", "Exists"),
            {"a": "1"},
            False,
            id="labels-and-expressions",
        ),
    ],
)
def test_selectors(selector: dict[str, Any], labels: dict[str, str], selected: bool) -> None:
    assert matches(LabelSelector.model_validate(selector), labels) is selected


@pytest.mark.parametrize(
    ("policies", "meant"),
    [
        pytest.param([], None, id="none-at-all"),
        pytest.param([policy("all")], None, id="one-without-a-catalogue"),
        pytest.param([policy("all", **WITH)], "ClusterAuditPolicy/all", id="one-with-a-catalogue"),
        pytest.param(
            [policy("own", "team-a"), policy("all", **WITH)],
            "ClusterAuditPolicy/all",
            id="also-where-a-policy-of-the-namespace-applies",
        ),
        pytest.param(
            [policy("first", priority=5), policy("second", **WITH)],
            "ClusterAuditPolicy/second",
            id="one-without-a-catalogue-is-passed-over",
        ),
        pytest.param(
            [policy("b", **WITH), policy("a", **WITH)],
            "ClusterAuditPolicy/a",
            id="the-first-name-counts",
        ),
        pytest.param(
            [policy("a", **WITH), policy("b", priority=1, **WITH)],
            "ClusterAuditPolicy/b",
            id="the-higher-priority-counts-more",
        ),
        pytest.param(
            [policy("critical", selector=CRITICAL, **WITH)], None, id="one-for-other-searches"
        ),
        pytest.param(
            [policy("prod", namespaceSelector=PRODUCTION, **WITH)], None, id="for-other-namespaces"
        ),
        pytest.param(
            [policy("a", limits={"maxWorkflows": 0}), policy("b", **WITH)],
            "ClusterAuditPolicy/a",
            id="one-that-cannot-be-used-might-have-named-another",
        ),
        pytest.param(
            [policy("z", limits={"maxWorkflows": 0}), policy("b", **WITH)],
            "ClusterAuditPolicy/b",
            id="where-it-stands-behind-it-does-not-matter",
        ),
        pytest.param(
            [policy("own", "team-a", limits={"maxWorkflows": 0}), policy("b", **WITH)],
            "ClusterAuditPolicy/b",
            id="one-of-the-namespace-names-none-in-any-case",
        ),
    ],
)
def test_which_catalogue_is_meant(policies: list[Any], meant: str | None) -> None:
    for order in itertools.permutations(policies):
        found = catalogue_policy(order, subject())
        assert (str(found.key) if found else None) == meant
