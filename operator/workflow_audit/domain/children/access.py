"""Readers -> roles and bindings; Kubernetes' own RBAC then decides who reads."""

from typing import Any

from workflow_audit.domain.children.child import Child, child, child_name
from workflow_audit.models.access import Access, Reader
from workflow_audit.models.auditlog import AUDIT_EVENT, AUDIT_STATISTIC
from workflow_audit.models.kinds import GROUP, WORKFLOW_SEARCH
from workflow_audit.models.policy import Policy
from workflow_audit.models.resource import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    RBAC,
    ROLE,
    ROLE_BINDING,
)
from workflow_audit.models.statistics import SEARCH_COMPLETED

READ = ["get", "list", "watch"]
READ_STATISTICS = ["get", "list"]


def access_children(policy: Policy) -> list[Child]:
    """Give role and binding for the readers of a policy; none without readers.

    A policy gives rights within its own reach: an AuditPolicy in its namespace, a
    ClusterAuditPolicy everywhere.
    """
    access = policy.spec.access
    if not access.readers:
        return []
    namespace = policy.key.namespace
    role, binding = (
        (ROLE, ROLE_BINDING) if namespace is not None else (CLUSTER_ROLE, CLUSTER_ROLE_BINDING)
    )
    reference = {"apiGroup": RBAC, "kind": role.kind, "name": child_name(policy.key)}
    subjects = [_subject(reader) for reader in access.readers]
    return [
        child(role, policy, namespace, {"rules": reading_rules(access)}),
        child(binding, policy, namespace, {"roleRef": reference, "subjects": subjects}),
    ]


def reading_rules(access: Access) -> list[dict[str, Any]]:
    """Give the rules that let somebody read; types of events are resource names."""
    events: dict[str, Any] = {
        "apiGroups": [AUDIT_EVENT.group],
        "resources": [AUDIT_EVENT.plural],
        "verbs": READ,
    }
    if access.event_types:
        events["resourceNames"] = list(access.event_types)
    searches = {"apiGroups": [GROUP], "resources": [WORKFLOW_SEARCH.plural], "verbs": READ}
    return [events, *_statistics_rules(access), searches]


def _statistics_rules(access: Access) -> list[dict[str, Any]]:
    """Give the rule about statistics, which are about searches and about no other events."""
    if access.event_types and SEARCH_COMPLETED not in access.event_types:
        return []
    return [
        {
            "apiGroups": [AUDIT_STATISTIC.group],
            "resources": [AUDIT_STATISTIC.plural],
            "verbs": READ_STATISTICS,
        }
    ]


def _subject(reader: Reader) -> dict[str, str]:
    if reader.kind == "ServiceAccount":
        return {"kind": reader.kind, "name": reader.name, "namespace": reader.namespace or ""}
    return {"apiGroup": RBAC, "kind": reader.kind, "name": reader.name}
