"""Policies on the API server, and what they have in place."""

from typing import Any, Self

from support.api import GROUP_PATH, MERGE_PATCH, Answer, Api, expected
from support.condition_rules import broken_condition_rules, condition_of
from support.eventually import eventually

Json = dict[str, Any]

VERSION = "audit.kubernaut.ai/v1alpha1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
READY_SECONDS = 60.0


class Policies:
    """The policies of a namespace, or those of the cluster that are about it alone."""

    def __init__(self, api: Api, namespace: str, *, of_cluster: bool = False) -> None:
        self._api = api
        self._namespace = namespace
        self._of_cluster = of_cluster
        self._names: set[str] = set()
        self.kind = "ClusterAuditPolicy" if of_cluster else "AuditPolicy"
        within = "" if of_cluster else f"/namespaces/{namespace}"
        self.path = (
            f"{GROUP_PATH}{within}/{'clusterauditpolicies' if of_cluster else 'auditpolicies'}"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._names:
            self._api.delete(f"{self.path}/{name}")

    def apply(self, name: str, **spec: Any) -> Json:
        """Bring a policy into a state; a cluster policy is about this namespace only."""
        if self._of_cluster:
            labels = {"kubernetes.io/metadata.name": self._namespace}
            spec.setdefault("namespaceSelector", {"matchLabels": labels})
        self._names.add(name)
        body = {"apiVersion": VERSION, "kind": self.kind, "metadata": {"name": name}, "spec": spec}
        applied: Json = self._api.apply(f"{self.path}/{name}", body)
        return applied

    def patch(self, name: str, **spec: Any) -> Json:
        """Change some fields of a policy."""
        path, body = f"{self.path}/{name}", {"spec": spec}
        changed: Json = expected(self._api.request("PATCH", path, body, MERGE_PATCH)).body
        return changed

    def delete(self, name: str) -> Answer:
        """Remove a policy."""
        return self._api.delete(f"{self.path}/{name}")

    def get(self, name: str) -> Json:
        """Give a policy as the API server has it."""
        found: Json = self._api.get(f"{self.path}/{name}")
        return found

    def wait(self, name: str, reason: str, type_: str = "Ready") -> Json:
        """Wait until a condition of the present generation has a reason; gives the policy."""

        def read() -> Json:
            found = self.get(name)
            status = found.get("status", {})
            generation = status.get("observedGeneration")
            assert generation == found["metadata"]["generation"], f"speaks of {generation}"
            condition = condition_of(found, type_)
            assert condition.get("reason") == reason, condition
            assert broken_condition_rules(found) == []
            return found

        return eventually(read, within_seconds=READY_SECONDS)

    def wait_ready(self, name: str) -> Json:
        """Wait until all that a policy asks for is in place."""
        return self.wait(name, "InForce")
