"""OpenAPI v2 and v3 of the aggregated API, for `kubectl explain` and generated clients.

The API server merges both into its own documents. What it looks for is the path of the resource
and `x-kubernetes-group-version-kind` beside it and its schema.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Response

from workflow_audit import __version__
from workflow_audit.api.openapi_parts import (
    GVK_KEY,
    TEXT,
    group_version_kind,
    head,
    operation,
    parameter,
    schema_name,
)
from workflow_audit.api.services import ReadServices
from workflow_audit.api.statistic_openapi import statistic_paths, statistic_schemas
from workflow_audit.domain.crds import structural_schema
from workflow_audit.domain.selectors import FIELDS, LABELS
from workflow_audit.models.audit_object import AuditEventObject
from workflow_audit.models.auditlog import AUDIT_EVENT

Json = dict[str, Any]

NAME = schema_name(AUDIT_EVENT)
ROOT = f"/apis/{AUDIT_EVENT.group}/{AUDIT_EVENT.version}"
_METADATA = {
    "type": "object",
    "description": "Name and namespace, labels, and the resourceVersion from which to watch on.",
    "properties": {
        "name": TEXT | {"description": "Id of the event."},
        "namespace": TEXT | {"description": "Namespace of the search."},
        "uid": TEXT | {"description": "Id of the event."},
        "resourceVersion": TEXT | {"description": "Its place in the order of recording."},
        "creationTimestamp": TEXT
        | {"format": "date-time", "description": "When the API server accepted the search."},
        "labels": {
            "type": "object",
            "additionalProperties": TEXT,
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
    """Give the schemas of events, statistics and lists of both, by name."""
    event = structural_schema(AuditEventObject)
    event["properties"] = head(AUDIT_EVENT, _METADATA) | event["properties"]
    event[GVK_KEY] = [group_version_kind(AUDIT_EVENT)]
    metadata = {
        "type": "object",
        "description": "resourceVersion, from which to watch on, and the next page.",
        "properties": {
            "resourceVersion": TEXT,
            "continue": TEXT,
            "remainingItemCount": {"type": "integer", "format": "int64"},
        },
    }
    listed = {
        "type": "object",
        "description": "Events, the newest first.",
        "required": ["items"],
        "properties": head(AUDIT_EVENT, metadata)
        | {"items": {"type": "array", "items": {"$ref": f"{references}{NAME}"}}},
        GVK_KEY: [group_version_kind(AUDIT_EVENT, "List")],
    }
    return {NAME: event, f"{NAME}List": listed, **statistic_schemas(references)}


def _paths(reference: Callable[[str], Json], *, version: int) -> Json:
    def done(action: str, scope: str, name: str) -> Json:
        return operation(
            AUDIT_EVENT, action, scope, reference(name), version=version, noun="audit events"
        )

    plural = AUDIT_EVENT.plural
    within = f"{ROOT}/namespaces/{{namespace}}/{plural}"
    namespace, name = parameter("namespace", version), parameter("name", version)
    listed = {"parameters": [parameter(each, version, text) for each, text in PARAMETERS.items()]}
    everywhere = done("list", "ForAllNamespaces", f"{NAME}List")
    of_one = done("list", "Namespaced", f"{NAME}List")
    one = done("read", "Namespaced", NAME)
    return {
        f"{ROOT}/{plural}": {"get": everywhere | listed},
        within: {"get": of_one | listed, "parameters": [namespace]},
        f"{within}/{{name}}": {"get": one, "parameters": [namespace, name]},
        **statistic_paths(reference, version),
    }


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")
