"""What all objects that a policy asks for have in common: name, labels, owner."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from workflow_audit.models.kinds import GROUP, VERSION
from workflow_audit.models.policy import Policy, PolicyKey
from workflow_audit.models.resource import MANAGED_BY, MANAGER, Resource

Json = dict[str, Any]

APPLIED = "audit.kubernaut.ai/applied"
"""Annotation with a hash of what was applied: fields that are no longer asked for show by it."""

LONGEST_NAME = 253


@dataclass(frozen=True)
class Child:
    """An object that a policy asks for."""

    resource: Resource
    manifest: Json

    @property
    def name(self) -> str:
        """Give its name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def namespace(self) -> str | None:
        """Give its namespace, None for a cluster-wide one."""
        namespace: str | None = self.manifest["metadata"].get("namespace")
        return namespace


def child(
    resource: Resource,
    policy: Policy,
    namespace: str | None,
    content: Mapping[str, Any],
    labels: Mapping[str, str] | None = None,
) -> Child:
    """Give an object of a policy.

    Args:
        resource: what it is.
        policy: whose it is; when it is gone, the cluster removes the object.
        namespace: where it goes; None for a cluster-wide one.
        content: all but apiVersion, kind and metadata.
        labels: besides those that all such objects have.
    """
    metadata: Json = {
        "name": child_name(policy.key),
        "labels": {
            **(labels or {}),
            MANAGED_BY: MANAGER,
            "app.kubernetes.io/part-of": "workflow-audit",
        },
        "ownerReferences": [owner_reference(policy)],
    }
    if namespace:
        metadata["namespace"] = namespace
    manifest = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": metadata,
        **content,
    }
    metadata["annotations"] = {APPLIED: _digest(manifest)}
    return Child(resource, manifest)


def child_name(key: PolicyKey) -> str:
    """Give the name of a policy's objects; policies of both kinds may share a name."""
    prefix = "audit-policy" if key.namespace else "cluster-audit-policy"
    name = f"{prefix}-{key.name}"
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: LONGEST_NAME - 13]}-{digest}"


def policy_path(key: PolicyKey) -> str:
    """Give a policy's name among all policies of the cluster, for people."""
    return "/".join(part for part in (key.kind, key.namespace, key.name) if part)


def owner_reference(policy: Policy) -> Json:
    """Give what makes the cluster remove an object when its policy is gone."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": policy.key.kind,
        "name": policy.key.name,
        "uid": str(policy.uid),
        "controller": True,
        "blockOwnerDeletion": False,
    }


def owner_uid(item: Mapping[str, Any]) -> str | None:
    """Give the uid of an object's controller, if it has one."""
    owners = item["metadata"].get("ownerReferences", [])
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def owner_key(item: Mapping[str, Any]) -> PolicyKey | None:
    """Give the policy that an object belongs to, None where it belongs to none."""
    for owner in item["metadata"].get("ownerReferences", []):
        if owner.get("controller") and owner["apiVersion"].partition("/")[0] == GROUP:
            namespaced = owner["kind"] == "AuditPolicy"
            namespace = item["metadata"].get("namespace") if namespaced else None
            return PolicyKey(owner["kind"], namespace, owner["name"])
    return None


def in_place(wanted: Any, found: Any) -> bool:
    """Tell whether an object has all that is wanted of it; further fields are others' business.

    Lists must be equal: who adds to subjects or rules changes what they mean. Only of owners there
    may be more.
    """
    if not isinstance(wanted, dict):
        return bool(wanted == found)
    return isinstance(found, dict) and all(
        all(owner in found.get(key, ()) for owner in value)
        if key == "ownerReferences"
        else key in found and in_place(value, found[key])
        for key, value in wanted.items()
    )


def _digest(manifest: Json) -> str:
    packed = orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(packed).hexdigest()[:16]
