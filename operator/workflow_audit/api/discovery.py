"""What there is: for kubectl, the aggregation layer, k9s and Argo CD.

The aggregation layer asks for the aggregated document first (`apidiscovery.k8s.io/v2`).
Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from workflow_audit.api.services import ReadServices
from workflow_audit.models.auditlog import AUDIT_EVENT, SERVED, Served

Json = dict[str, Any]

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
AGGREGATED_VERSIONS = ("v2", "v2beta1")

GROUP_VERSION = {"groupVersion": AUDIT_EVENT.api_version, "version": AUDIT_EVENT.version}


def discovery_router(services: ReadServices) -> APIRouter:
    """Give the routes."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(services.authenticate)])

    @router.get("/apis")
    async def groups(request: Request) -> Response:
        accepted = request.headers.get("accept", "").replace(" ", "")
        for version in AGGREGATED_VERSIONS:
            kind = AGGREGATED.format(version)
            if kind in accepted:
                return _json(aggregated(version), kind)
        return _json({"apiVersion": "v1", "kind": "APIGroupList", "groups": [group()]})

    @router.get(f"/apis/{AUDIT_EVENT.group}")
    async def our_group() -> Response:
        return _json({"apiVersion": "v1", "kind": "APIGroup", **group()})

    @router.get(f"/apis/{AUDIT_EVENT.group}/{AUDIT_EVENT.version}")
    async def resources() -> Response:
        return _json(resource_list())

    return router


def group() -> Json:
    """Give the group."""
    return {
        "name": AUDIT_EVENT.group,
        "versions": [GROUP_VERSION],
        "preferredVersion": GROUP_VERSION,
    }


def resource_list() -> Json:
    """Give the resources of the one version."""
    return {
        "apiVersion": "v1",
        "kind": "APIResourceList",
        "groupVersion": AUDIT_EVENT.api_version,
        "resources": [_resource(served) for served in SERVED],
    }


def _resource(served: Served) -> Json:
    found: Json = {
        "name": served.resource.plural,
        "singularName": served.singular,
        "namespaced": True,
        "kind": served.resource.kind,
        "verbs": list(served.verbs),
        "shortNames": [served.short_name],
    }
    return found | ({"categories": list(served.categories)} if served.categories else {})


def aggregated(version: str) -> Json:
    """Give all in one document."""
    resources = [_aggregated_resource(served) for served in SERVED]
    versions = [{"version": AUDIT_EVENT.version, "resources": resources, "freshness": "Current"}]
    return {
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "kind": "APIGroupDiscoveryList",
        "metadata": {},
        "items": [{"metadata": {"name": AUDIT_EVENT.group}, "versions": versions}],
    }


def _aggregated_resource(served: Served) -> Json:
    resource = served.resource
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    found: Json = {
        "resource": resource.plural,
        "responseKind": kind,
        "scope": "Namespaced",
        "singularResource": served.singular,
        "verbs": list(served.verbs),
        "shortNames": [served.short_name],
    }
    return found | ({"categories": list(served.categories)} if served.categories else {})


def _json(content: Json, media_type: str = "application/json") -> Response:
    return Response(orjson.dumps(content), media_type=media_type)
