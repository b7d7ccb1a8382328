"""Single objects: finds, applies and removes them, and writes their status."""

from typing import Any

from workflow_audit.errors import ClusterError
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.models.resource import Resource

Json = dict[str, Any]

FIELD_MANAGER = "workflow-audit-operator"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
NOT_FOUND, CONFLICT = 404, 409


async def find(api: ApiServer, resource: Resource, namespace: str | None, name: str) -> Json | None:
    """Give an object, or None where there is none of that name.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    path = resource.path(namespace, name)
    try:
        return await api.ask(f"reading {resource.kind}/{name}", "GET", path)
    except ClusterError as error:
        if error.status == NOT_FOUND:
            return None
        raise


async def apply(api: ApiServer, resource: Resource, manifest: Json) -> Json:
    """Bring an object into the state of a manifest, and leave all other fields of it alone.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    metadata = manifest["metadata"]
    return await api.ask(
        f"applying {resource.kind}/{metadata['name']}",
        "PATCH",
        resource.path(metadata.get("namespace"), metadata["name"]),
        query={"fieldManager": FIELD_MANAGER, "force": "true"},
        body=manifest,
        content_type=APPLY_PATCH,
    )


async def remove(api: ApiServer, resource: Resource, item: Json) -> bool:
    """Remove this very object; gives False where it is gone, or is another one by now.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    metadata = item["metadata"]
    path = resource.path(metadata.get("namespace"), metadata["name"])
    body = {"preconditions": {"uid": metadata["uid"]}}
    try:
        await api.ask(f"removing {resource.kind}/{metadata['name']}", "DELETE", path, body=body)
    except ClusterError as error:
        if error.status in {NOT_FOUND, CONFLICT}:
            return False
        raise
    return True


async def patch_status(
    api: ApiServer, resource: Resource, namespace: str | None, name: str, status: Json
) -> Json:
    """Put a status in the place of the present one; None removes a field.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    return await api.ask(
        f"writing the status of {resource.kind}/{name}",
        "PATCH",
        resource.path(namespace, name, "status"),
        query={"fieldManager": FIELD_MANAGER},
        body={"status": status},
        content_type=MERGE_PATCH,
    )
