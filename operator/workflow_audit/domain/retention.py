"""Which events may go, and where to look for them.

Each event keeps the days that were in force when it was recorded. What is decided here can only
keep it longer: the database looks at those days, and at legal holds, itself. So a policy with more
days holds for old events too, one with fewer days for new ones only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from workflow_audit.domain.policies import KnownPolicies, Subject, applying_policy
from workflow_audit.models.policy import (
    DEFAULT_POLICY_NAME,
    AnyPolicy,
    Policy,
    PolicyKey,
    PolicySpec,
)
from workflow_audit.models.removal import REST, Partition, Rule, Rules
from workflow_audit.models.selector import LabelSelector

DEFAULT_DAYS = PolicySpec().retention.days


@dataclass(frozen=True)
class Removal:
    """Events of a namespace in a month, of which some may be old enough."""

    partition: Partition
    namespace: str


@dataclass(frozen=True)
class Counting:
    """Events of policies with dryRun in a month, of which some may be old enough."""

    partition: Partition
    namespaces: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What a run does, in this order: count, drop whole partitions, remove single events."""

    countings: tuple[Counting, ...] = ()
    drops: tuple[Partition, ...] = ()
    """Partitions in which everything may be old enough; the database looks at every event."""

    removals: tuple[Removal, ...] = ()
    """Where single events may be; not in partitions that could be dropped."""


def removal_rules(known: KnownPolicies, namespaces: Iterable[str]) -> Rules:
    """Give after how many days the events of namespaces may go.

    Args:
        known: the policies as they are now.
        namespaces: also such that are gone; REST stands for events without one.

    Returns:
        For each policy that there is its days; none for one with dryRun or that cannot be used. An
        event whose policy is gone falls to the one that would apply to its namespace now.
    """
    return {name: _rules(known, name, counted=False) for name in namespaces}


def counting_rules(known: KnownPolicies, namespaces: Iterable[str]) -> Rules:
    """Give the rules by which the events of policies with dryRun would go, and of no others."""
    return {name: _rules(known, name, counted=True) for name in namespaces}


def _rules(known: KnownPolicies, namespace: str, *, counted: bool) -> dict[str, Rule]:
    own = [policy for policy in known.policies if policy.key.namespace in {None, namespace}]
    rules = {str(policy.key): _rule(policy, counted=counted) for policy in own}
    rules[DEFAULT_POLICY_NAME] = _rule(None, counted=counted)
    rules[REST] = _rule(_fallback(known, namespace), counted=counted)
    return rules


def _rule(policy: AnyPolicy | None, *, counted: bool) -> Rule:
    if policy is None:
        return Rule(None if counted else DEFAULT_DAYS, None, None)
    if isinstance(policy, Policy) and policy.spec.retention.dry_run == counted:
        return Rule(policy.spec.retention.days, policy.key, policy.generation)
    return Rule(None, policy.key, policy.generation)


def _fallback(known: KnownPolicies, namespace: str) -> AnyPolicy | None:
    """Give the policy for events whose own is gone.

    Which labels their searches had is not known any more, so policies with a selector do not count.
    """
    general = [policy for policy in known.policies if policy.spec.selector == LabelSelector()]
    return applying_policy(general, Subject(namespace, {}, known.namespaces.get(namespace, {})))


def worth_a_look(
    known: KnownPolicies, partitions: Iterable[Partition], now: datetime
) -> list[Partition]:
    """Give the partitions in which anything may be old enough, by the shortest time of all."""
    days = [p.spec.retention.days for p in known.policies if isinstance(p, Policy)]
    shortest = min([*days, DEFAULT_DAYS])
    return [part for part in partitions if _is_over(part.starts, shortest, now)]


def plan(known: KnownPolicies, found: Mapping[Partition, Sequence[str]], now: datetime) -> Plan:
    """Give what a run does.

    Args:
        known: the policies as they are now.
        found: the namespaces of which there are events, by partition.
        now: by the database's clock.
    """
    removing = _shortest(removal_rules(known, _names(found)))
    counting = _shortest(counting_rules(known, _names(found)))
    this_month = now.astimezone(UTC).date().replace(day=1)
    countings, drops, removals = [], [], []
    for partition in sorted(found, key=lambda each: each.first_day):
        names = found[partition]
        counted = [name for name in names if _is_over(partition.starts, counting[name], now)]
        if counted:
            countings.append(Counting(partition, tuple(counted)))
        if partition.next_month <= this_month and all(
            _is_over(partition.ends, removing[name], now) for name in names
        ):
            drops.append(partition)
        removals += [
            Removal(partition, name)
            for name in names
            if _is_over(partition.starts, removing[name], now)
        ]
    return Plan(tuple(countings), tuple(drops), tuple(removals))


def _names(found: Mapping[Partition, Sequence[str]]) -> set[str]:
    return {name for names in found.values() for name in names}


def _shortest(rules: Rules) -> dict[str, int | None]:
    """Give the fewest days of each namespace; None where everything stays."""
    return {
        namespace: min((r.days for r in own.values() if r.days is not None), default=None)
        for namespace, own in rules.items()
    }


def _is_over(start: datetime, days: int | None, now: datetime) -> bool:
    return days is not None and start + timedelta(days=days) <= now


def dry_run_policies(policies: Iterable[AnyPolicy]) -> dict[PolicyKey, int]:
    """Give the policies of which nothing is removed, only counted, with their generations."""
    return {
        policy.key: policy.generation
        for policy in policies
        if isinstance(policy, Policy) and policy.spec.retention.dry_run
    }
