"""Policies as the API server gives them, for all unit tests."""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from workflow_audit.domain.policy_parsing import parse_policy
from workflow_audit.models.kinds import GROUP, VERSION
from workflow_audit.models.policy import AnyPolicy, Policy

Json = dict[str, Any]

CLUSTER_WIDE = "ClusterAuditPolicy"


def a_policy_body(
    name: str = "default",
    spec: Any = None,
    *,
    namespace: str | None = None,
    generation: int = 1,
    status: Json | None = None,
) -> Json:
    """A policy of a namespace, or without one of the cluster."""
    kind = "AuditPolicy" if namespace else CLUSTER_WIDE
    metadata = {
        "name": name,
        "uid": str(uuid5(NAMESPACE_URL, f"{namespace}/{name}")),
        "generation": generation,
        "resourceVersion": "1",
    }
    if namespace:
        metadata["namespace"] = namespace
    body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": metadata}
    return body | {"spec": {} if spec is None else spec} | ({"status": status} if status else {})


def any_policy(name: str = "default", spec: Any = None, **metadata: Any) -> AnyPolicy:
    return parse_policy(a_policy_body(name, spec, **metadata))


def a_policy(name: str = "default", spec: Any = None, **metadata: Any) -> Policy:
    policy = any_policy(name, spec, **metadata)
    assert isinstance(policy, Policy), policy
    return policy
