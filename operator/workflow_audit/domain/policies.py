"""Which policy applies to a search."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from workflow_audit.models.policy import AnyPolicy, ClusterPolicySpec, InvalidPolicy
from workflow_audit.models.selector import LabelRequirement, LabelSelector

Labels = Mapping[str, str]


@dataclass(frozen=True)
class KnownPolicies:
    """All policies and the labels of all namespaces at one moment."""

    policies: Sequence[AnyPolicy] = ()
    namespaces: Mapping[str, Labels] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """What policies select a search by."""

    namespace: str
    labels: Labels
    namespace_labels: Labels


def applying_policy(policies: Iterable[AnyPolicy], subject: Subject) -> AnyPolicy | None:
    """Give the policy that decides about a search; None where none selects it.

    An AuditPolicy goes before a ClusterAuditPolicy, then the higher priority, then the first name:
    the same at every call, whatever the order of the policies.
    """
    selecting = (policy for policy in policies if selects(policy, subject))
    return min(selecting, key=precedence, default=None)


def catalogue_policy(policies: Iterable[AnyPolicy], subject: Subject) -> AnyPolicy | None:
    """Give the policy whose catalogue an open search is run against; None where there is none.

    The first ClusterAuditPolicy in the order of precedence that selects the search and has a
    catalogue, whichever policy else applies. One that cannot be used may have meant another one,
    so it comes first here where it stands first.
    """
    having = (policy for policy in policies if _may_have_catalogue(policy))
    return applying_policy(having, subject)


def _may_have_catalogue(policy: AnyPolicy) -> bool:
    if not isinstance(policy.spec, ClusterPolicySpec):
        return False
    return policy.spec.catalogue is not None or isinstance(policy, InvalidPolicy)


def precedence(policy: AnyPolicy) -> tuple[bool, int, str]:
    """Give what policies are sorted by, the one that applies first."""
    return (policy.key.namespace is None, -policy.spec.priority, policy.key.name)


def selects(policy: AnyPolicy, subject: Subject) -> bool:
    """Tell whether a search is in the scope of a policy."""
    if policy.key.namespace not in {None, subject.namespace}:
        return False
    if isinstance(policy.spec, ClusterPolicySpec) and not matches(
        policy.spec.namespace_selector, subject.namespace_labels
    ):
        return False
    return matches(policy.spec.selector, subject.labels)


def matches(selector: LabelSelector, labels: Labels) -> bool:
    """Tell whether labels meet all demands of a selector; without demands all do."""
    return all(labels.get(key) == value for key, value in selector.match_labels.items()) and all(
        _meets(requirement, labels) for requirement in selector.match_expressions
    )


def _meets(requirement: LabelRequirement, labels: Labels) -> bool:
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value in requirement.values
        case "NotIn":
            return value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
