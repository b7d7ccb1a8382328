"""Parts of the OpenAPI documents that resources have in common, for version 2 and version 3."""

from typing import Any

from workflow_audit.models.resource import Resource

Json = dict[str, Any]

GVK_KEY = "x-kubernetes-group-version-kind"
TEXT = {"type": "string"}

NUMBERS = frozenset({"limit", "timeoutSeconds"})
FRACTIONS = frozenset({"threshold"})
FLAGS = frozenset({"byNamespace", "totals"})


def group_version_kind(resource: Resource, suffix: str = "") -> Json:
    """Give what the API server looks for."""
    kind = f"{resource.kind}{suffix}"
    return {"group": resource.group, "version": resource.version, "kind": kind}


def schema_name(resource: Resource) -> str:
    """Give the name of a resource's schema."""
    return f"io.kubernaut.auditlog.{resource.version}.{resource.kind}"


def head(resource: Resource, metadata: Json) -> Json:
    """Give the fields that every object begins with."""
    return {
        "apiVersion": TEXT | {"description": resource.api_version},
        "kind": TEXT | {"description": resource.kind},
        "metadata": metadata,
    }


def operation(
    resource: Resource, action: str, scope: str, schema: Json, *, version: int, noun: str
) -> Json:
    """Give what can be done at a path."""
    answer: Json = {"description": "OK"}
    if version == 2:  # noqa: PLR2004
        answer["schema"] = schema
    else:
        answer["content"] = {"application/json": {"schema": schema}}
    verb = "get" if action == "read" else "list"
    found: Json = {
        "operationId": f"{action}AuditlogKubernautIoV1alpha1{scope}{resource.kind}",
        "tags": ["auditlogKubernautIo_v1alpha1"],
        "description": f"{action} {noun}",
        "responses": {"200": answer, "401": {"description": "Unauthorized"}},
        "x-kubernetes-action": verb,
        GVK_KEY: group_version_kind(resource),
    }
    return found | ({"produces": ["application/json"]} if version == 2 else {})  # noqa: PLR2004


def parameter(name: str, version: int, description: str = "") -> Json:
    """Give a parameter; without a description it is part of the path."""
    in_path = not description
    found: Json = {"name": name, "in": "path" if in_path else "query", "required": in_path}
    found["description"] = description or f"The {name}."
    kind = {"type": _type(name)}
    return found | (kind if version == 2 else {"schema": kind})  # noqa: PLR2004


def _type(name: str) -> str:
    if name in NUMBERS:
        return "integer"
    if name in FRACTIONS:
        return "number"
    return "boolean" if name in FLAGS else "string"
