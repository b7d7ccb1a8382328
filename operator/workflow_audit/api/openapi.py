"""OpenAPI v2 and v3 of the aggregated API, for `kubectl explain` and generated clients.

The API server merges both into its own documents. What it looks for is the path of the resource
and `x-kubernetes-group-version-kind` beside it and its schema.
"""

import hashlib
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Response

from workflow_audit import __version__
from workflow_audit.api.services import ReadServices
from workflow_audit.domain.crds import structural_schema
from workflow_audit.domain.selectors import FIELDS, LABELS
from workflow_audit.models.audit_object import AuditEventObject
from workflow_audit.models.auditlog import AUDIT_EVENT

Json = dict[str, Any]

GVK = {"group": AUDIT_EVENT.group, "version": AUDIT_EVENT.version, "kind": AUDIT_EVENT.kind}
LIST_GVK = GVK | {"kind": f"{AUDIT_EVENT.kind}List"}
NAME = f"io.kubernaut.auditlog.{AUDIT_EVENT.version}.{AUDIT_EVENT.kind}"
ROOT = f"/apis/{AUDIT_EVENT.group}/{AUDIT_EVENT.version}"
GVK_KEY = "x-kubernetes-group-version-kind"

_TEXT = {"type": "string"}
_METADATA = {
    "type": "object",
    "description": "Name and namespace, labels, and the resourceVersion from which to watch on.",
    "properties": {
        "name": _TEXT | {"description": "Id of the event."},
        "namespace": _TEXT | {"description": "Namespace of the search."},
        "uid": _TEXT | {"description": "Id of the event."},
        "resourceVersion": _TEXT | {"description": "Its place in the order of recording."},
        "creationTimestamp": _TEXT
        | {"format": "date-time", "description": "When the API server accepted the search."},
        "labels": {
            "type": "object",
            "additionalProperties": _TEXT,
            "description": f"To select by: {', '.join(LABELS)}.",
        },
    },
}

PARAMETERS = {
    "labelSelector": "Only events that have these labels.",
    "fieldSelector": f"Only events with these fields: {', '.join(FIELDS)}.",
    "limit": "Events in one answer, at most 1000.",
    "continue": "Cursor of the next page, from the answer before.",
    "resourceVersion": "Where a watch begins.",
    "resourceVersionMatch": "Exact: only what was recorded up to resourceVersion.",
    "watch": "true: events as they are recorded, one JSON object a line.",
    "timeoutSeconds": "How long a watch lasts.",
    "allowWatchBookmarks": "true: tell the resourceVersion also while nothing happens.",
    "since": "Events of this time and later ones, such as 24h, 7d or 2026-11-24T10:30:00Z.",
    "until": "Events before this time.",
}


def openapi_router(services: ReadServices) -> APIRouter:
    """Give the routes; the documents are made once."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(services.authenticate)])
    v2, v3 = orjson.dumps(document_v2()), orjson.dumps(document_v3())
    tag = hashlib.sha256(v3).hexdigest()[:32].upper()
    path = f"apis/{AUDIT_EVENT.group}/{AUDIT_EVENT.version}"
    index = {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={tag}"}}}

    @router.get("/openapi/v2")
    async def openapi_v2() -> Response:
        return _json(v2)

    @router.get("/openapi/v3")
    async def openapi_v3_index() -> Response:
        return _json(orjson.dumps(index))

    @router.get(f"/openapi/v3/{path}")
    async def openapi_v3() -> Response:
        return _json(v3)

    return router


def document_v3() -> Json:
    """Give the OpenAPI 3 document."""
    return {
        "openapi": "3.0.0",
        "info": {"title": "Workflow Audit", "version": __version__},
        "paths": _paths(lambda name: {"$ref": f"#/components/schemas/{name}"}, version=3),
        "components": {"schemas": schemas("#/components/schemas/")},
    }


def document_v2() -> Json:
    """Give the OpenAPI 2 document."""
    return {
        "swagger": "2.0",
        "info": {"title": "Workflow Audit", "version": __version__},
        "paths": _paths(lambda name: {"$ref": f"#/definitions/{name}"}, version=2),
        "definitions": schemas("#/definitions/"),
    }


def schemas(references: str) -> Json:
    """Give the schemas of an event and of a list, by name."""
    event = structural_schema(AuditEventObject)
    head = {
        "apiVersion": _TEXT | {"description": AUDIT_EVENT.api_version},
        "kind": _TEXT | {"description": AUDIT_EVENT.kind},
    }
    event["properties"] = head | {"metadata": _METADATA} | event["properties"]
    event[GVK_KEY] = [GVK]
    listed = {
        "type": "object",
        "description": "Events, the newest first.",
        "required": ["items"],
        "properties": head
        | {
            "metadata": {
                "type": "object",
                "description": "resourceVersion, from which to watch on, and the next page.",
                "properties": {
                    "resourceVersion": _TEXT,
                    "continue": _TEXT,
                    "remainingItemCount": {"type": "integer", "format": "int64"},
                },
            },
            "items": {"type": "array", "items": {"$ref": f"{references}{NAME}"}},
        },
        GVK_KEY: [LIST_GVK],
    }
    return {NAME: event, f"{NAME}List": listed}


def _paths(reference: Any, *, version: int) -> Json:
    plural = AUDIT_EVENT.plural
    within = f"{ROOT}/namespaces/{{namespace}}/{plural}"
    namespace, name = _parameter("namespace", version), _parameter("name", version)
    listed = {"parameters": [_parameter(each, version, text) for each, text in PARAMETERS.items()]}
    everywhere = _operation("list", "ForAllNamespaces", reference(f"{NAME}List"), version)
    of_one = _operation("list", "Namespaced", reference(f"{NAME}List"), version)
    one = _operation("read", "Namespaced", reference(NAME), version)
    return {
        f"{ROOT}/{plural}": {"get": everywhere | listed},
        within: {"get": of_one | listed, "parameters": [namespace]},
        f"{within}/{{name}}": {"get": one, "parameters": [namespace, name]},
    }


def _operation(action: str, scope: str, schema: Json, version: int) -> Json:
    answer: Json = {"description": "OK"}
    if version == 2:  # noqa: PLR2004
        answer["schema"] = schema
    else:
        answer["content"] = {"application/json": {"schema": schema}}
    verb = "get" if action == "read" else "list"
    found: Json = {
        "operationId": f"{action}AuditlogKubernautIoV1alpha1{scope}{AUDIT_EVENT.kind}",
        "tags": ["auditlogKubernautIo_v1alpha1"],
        "description": f"{action} audit events",
        "responses": {"200": answer, "401": {"description": "Unauthorized"}},
        "x-kubernetes-action": verb,
        GVK_KEY: GVK,
    }
    return found | ({"produces": ["application/json"]} if version == 2 else {})  # noqa: PLR2004


def _parameter(name: str, version: int, description: str = "") -> Json:
    in_path = not description
    found: Json = {"name": name, "in": "path" if in_path else "query", "required": in_path}
    found["description"] = description or f"The {name}."
    kind = {"type": "integer" if name in {"limit", "timeoutSeconds"} else "string"}
    return found | (kind if version == 2 else {"schema": kind})  # noqa: PLR2004


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")
