"""Which events may go, and where a run looks for them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from unit.policies import any_policy
from workflow_audit.domain.policies import KnownPolicies
from workflow_audit.domain.retention import (
    DEFAULT_DAYS,
    counting_rules,
    dry_run_policies,
    plan,
    removal_rules,
    worth_a_look,
)
from workflow_audit.models.policy import AnyPolicy
from workflow_audit.models.removal import Partition

NOW = datetime(2026, 11, 24, 3, 17, tzinfo=UTC)
TEAM = "team-a"
CRITICAL = {"matchLabels": {"severity": "critical"}}
PRODUCTION = {"matchLabels": {"stage": "production"}}


def policy(
    days: int, name: str = "default", namespace: str | None = None, **spec: Any
) -> AnyPolicy:
    retention = {"days": days} | spec.pop("retention", {})
    return any_policy(name, spec | {"retention": retention}, namespace=namespace, generation=days)


def dry(days: int, name: str = "default", namespace: str | None = None, **spec: Any) -> AnyPolicy:
    return policy(days, name, namespace, retention={"dryRun": True}, **spec)


def known(*policies: AnyPolicy, **labels: Mapping[str, str]) -> KnownPolicies:
    return KnownPolicies(policies, {TEAM: {}} | labels)


BROKEN = any_policy("broken", {"retention": {"days": 0}}, namespace=TEAM)
"""One that cannot be used."""

DEFAULT_RULE = (DEFAULT_DAYS, "default")


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        pytest.param(known(), {"": DEFAULT_RULE}, id="without-policies-the-default-for-all"),
        pytest.param(
            known(policy(30)),
            {
                "ClusterAuditPolicy/default": (30, "ClusterAuditPolicy/default"),
                "": (30, "ClusterAuditPolicy/default"),
            },
            id="a-cluster-policy-also-for-events-whose-policy-is-gone",
        ),
        pytest.param(
            known(policy(30), policy(7, "own", TEAM)),
            {
                "ClusterAuditPolicy/default": (30, "ClusterAuditPolicy/default"),
                "AuditPolicy/own": (7, "AuditPolicy/own"),
                "": (7, "AuditPolicy/own"),
            },
            id="a-namespaces-own-goes-first-for-those",
        ),
        pytest.param(
            known(policy(30), policy(7, "own", "team-b")),
            {
                "ClusterAuditPolicy/default": (30, "ClusterAuditPolicy/default"),
                "": (30, "ClusterAuditPolicy/default"),
            },
            id="policies-of-other-namespaces-say-nothing",
        ),
        pytest.param(
            known(policy(30), policy(7, "own", TEAM, selector=CRITICAL)),
            {
                "ClusterAuditPolicy/default": (30, "ClusterAuditPolicy/default"),
                "AuditPolicy/own": (7, "AuditPolicy/own"),
                "": (30, "ClusterAuditPolicy/default"),
            },
            id="one-with-a-selector-is-for-its-own-events-only",
        ),
        pytest.param(
            known(policy(30, namespaceSelector=PRODUCTION)),
            {
                "ClusterAuditPolicy/default": (30, "ClusterAuditPolicy/default"),
                "": DEFAULT_RULE,
            },
            id="one-of-other-namespaces-is-for-its-own-events-only",
        ),
        pytest.param(
            known(policy(30, namespaceSelector=PRODUCTION), **{TEAM: {"stage": "production"}}),
            {
                "ClusterAuditPolicy/default": (30, "ClusterAuditPolicy/default"),
                "": (30, "ClusterAuditPolicy/default"),
            },
            id="by-the-labels-of-the-namespace-as-they-are-now",
        ),
        pytest.param(
            known(policy(30), dry(7, "own", TEAM)),
            {
                "ClusterAuditPolicy/default": (30, "ClusterAuditPolicy/default"),
                "AuditPolicy/own": (None, "AuditPolicy/own"),
                "": (None, "AuditPolicy/own"),
            },
            id="with-dry-run-everything-of-it-stays",
        ),
        pytest.param(
            known(policy(30), BROKEN),
            {
                "ClusterAuditPolicy/default": (30, "ClusterAuditPolicy/default"),
                "AuditPolicy/broken": (None, "AuditPolicy/broken"),
                "": (None, "AuditPolicy/broken"),
            },
            id="with-one-that-cannot-be-used-too",
        ),
    ],
)
def test_removal_rules(policies: KnownPolicies, expected: Mapping[str, Any]) -> None:
    found = removal_rules(policies, [TEAM])[TEAM]
    shown = {name: (rule.days, rule.policy_name) for name, rule in found.items()}
    assert shown == {"default": DEFAULT_RULE} | expected


def test_a_rule_says_which_generation_it_is_of() -> None:
    rules = removal_rules(known(policy(7, "own", TEAM)), [TEAM])[TEAM]
    assert rules["AuditPolicy/own"].generation == 7
    assert rules["default"].generation is None


def test_a_namespace_that_is_gone_falls_to_the_cluster_policy() -> None:
    policies = known(policy(90), policy(30, "prod", priority=9, namespaceSelector=PRODUCTION))
    rest = removal_rules(policies, ["gone"])["gone"][""]
    assert (rest.days, rest.policy_name) == (90, "ClusterAuditPolicy/default")


def test_counting_rules_are_about_policies_with_dry_run_only() -> None:
    policies = known(policy(30), dry(7, "own", TEAM), BROKEN)
    found = {name: rule.days for name, rule in counting_rules(policies, [TEAM])[TEAM].items()}
    assert found == {
        "ClusterAuditPolicy/default": None,
        "AuditPolicy/own": 7,
        "AuditPolicy/broken": None,
        "default": None,
        "": None,  # the first name applies: broken
    }
    assert {key.name: at for key, at in dry_run_policies(policies.policies).items()} == {"own": 7}


def test_removal_and_counting_never_want_the_same_event() -> None:
    policies = known(policy(30), dry(7, "own", TEAM), dry(9, "wide"), policy(8, "x", TEAM), BROKEN)
    removing, counting = (make(policies, [TEAM])[TEAM] for make in (removal_rules, counting_rules))
    assert removing.keys() == counting.keys()
    for name in removing:
        assert None in {removing[name].days, counting[name].days}, name


def month(year: int, number: int) -> Partition:
    following = date(year + number // 12, number % 12 + 1, 1)
    return Partition(date(year, number, 1), following)


JULY, AUGUST, OCTOBER = month(2026, 7), month(2026, 8), month(2026, 10)
NOVEMBER, DECEMBER = month(2026, 11), month(2026, 12)


@pytest.mark.parametrize(
    ("policies", "found", "drops", "removals"),
    [
        pytest.param(known(policy(1)), {}, [], [], id="nothing-there"),
        pytest.param(
            known(policy(100)),
            {JULY: [TEAM], AUGUST: [TEAM]},
            [JULY],
            [(JULY, TEAM), (AUGUST, TEAM)],
            id="a-whole-month-then-the-beginning-of-the-next",
        ),
        pytest.param(
            known(policy(85)),
            {AUGUST: [TEAM]},
            [],
            [(AUGUST, TEAM)],
            id="a-day-before-the-whole-month-may-go",
        ),
        pytest.param(
            known(policy(84)), {AUGUST: [TEAM]}, [AUGUST], [(AUGUST, TEAM)], id="on-the-day"
        ),
        pytest.param(
            known(policy(300), policy(1, "own", TEAM)),
            {AUGUST: [TEAM, "team-b"]},
            [],
            [(AUGUST, TEAM)],
            id="another-namespace-keeps-the-month-but-not-the-events",
        ),
        pytest.param(
            known(policy(1)),
            {NOVEMBER: [TEAM], DECEMBER: []},
            [],
            [(NOVEMBER, TEAM)],
            id="the-present-month-is-never-dropped-nor-a-future-one",
        ),
        pytest.param(
            known(policy(1)), {OCTOBER: []}, [OCTOBER], [], id="an-empty-month-that-is-over"
        ),
        pytest.param(known(dry(1)), {JULY: [TEAM]}, [], [], id="nothing-of-a-policy-with-dry-run"),
        pytest.param(
            known(policy(1), dry(1, "own", TEAM, selector=CRITICAL)),
            {JULY: [TEAM]},
            [JULY],
            [(JULY, TEAM)],
            id="others-of-its-namespace-may-go-the-database-looks-at-each",
        ),
        pytest.param(known(BROKEN), {JULY: [TEAM]}, [], [], id="one-that-cannot-be-used"),
    ],
)
def test_plan(
    policies: KnownPolicies,
    found: Mapping[Partition, list[str]],
    drops: list[Partition],
    removals: list[tuple[Partition, str]],
) -> None:
    todo = plan(policies, found, NOW)
    assert list(todo.drops) == drops
    assert [(each.partition, each.namespace) for each in todo.removals] == removals


def test_the_oldest_goes_first_and_counting_goes_before() -> None:
    found = {AUGUST: [TEAM], JULY: [TEAM, "team-b"]}
    todo = plan(known(policy(1), dry(2, "own", TEAM)), found, NOW)
    assert [each.partition for each in todo.removals] == [JULY, JULY, AUGUST]
    assert [(each.partition, each.namespaces) for each in todo.countings] == [
        (JULY, (TEAM,)),
        (AUGUST, (TEAM,)),
    ]


@pytest.mark.parametrize(
    ("policies", "partitions"),
    [
        pytest.param(known(), [], id="seven-years-by-default"),
        pytest.param(known(policy(100)), [JULY, AUGUST], id="by-the-shortest-time"),
        pytest.param(
            known(policy(100), policy(1, "own", TEAM)), [JULY, AUGUST, NOVEMBER], id="any"
        ),
        pytest.param(known(policy(2555), dry(100, "own", TEAM)), [JULY, AUGUST], id="counting-too"),
        pytest.param(known(BROKEN), [], id="none-that-cannot-be-used"),
    ],
)
def test_only_months_in_which_something_may_be_old_enough_are_looked_at(
    policies: KnownPolicies, partitions: list[Partition]
) -> None:
    assert worth_a_look(policies, [JULY, AUGUST, NOVEMBER, DECEMBER], NOW) == partitions


def test_the_time_zone_of_the_clock_does_not_matter() -> None:
    local = NOW.astimezone(datetime.fromisoformat("2026-11-24T00:00:00+14:00").tzinfo)
    found = {OCTOBER: [TEAM]}
    assert plan(known(policy(1)), found, local) == plan(known(policy(1)), found, NOW)
