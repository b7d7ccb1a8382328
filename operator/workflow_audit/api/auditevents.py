"""The aggregated API: get, list and watch `auditevents`, as objects or as a table.

Shapes: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from workflow_audit.api.following import follow
from workflow_audit.api.objects import audit_event, event_list, list_metadata
from workflow_audit.api.parameters import Shape, listed_up_to, whole_number
from workflow_audit.api.services import ReadServices
from workflow_audit.api.tables import table
from workflow_audit.domain.cursor import unverified_beginning
from workflow_audit.domain.instants import instant
from workflow_audit.domain.resource_versions import resource_version
from workflow_audit.domain.selectors import (
    field_conditions,
    label_conditions,
    named,
    selected_names,
    storable,
)
from workflow_audit.models.auditlog import AUDIT_EVENT
from workflow_audit.models.query import LONGEST_PAGE, EventQuery
from workflow_audit.models.user import Action, User
from workflow_audit.services.accounts import Request as Read

ENDPOINT = "kubernetes"
ROOT = f"/apis/{AUDIT_EVENT.group}/{AUDIT_EVENT.version}"
NO_STORE = {"Cache-Control": "no-store"}


def auditevents_router(services: ReadServices) -> APIRouter:
    """Give the routes of the resource."""
    router = APIRouter(prefix=ROOT, include_in_schema=False)
    caller = Depends(services.authenticate)

    @router.get(f"/{AUDIT_EVENT.plural}")
    async def everywhere(request: Request, reader: User = caller) -> Response:
        return await _listed(services, request, reader, None)

    @router.get(f"/namespaces/{{namespace}}/{AUDIT_EVENT.plural}")
    async def within(request: Request, namespace: str, reader: User = caller) -> Response:
        return await _listed(services, request, reader, namespace)

    @router.get(f"/namespaces/{{namespace}}/{AUDIT_EVENT.plural}/{{name}}")
    async def one(request: Request, namespace: str, name: str, reader: User = caller) -> Response:
        query = EventQuery(storable("namespace", namespace), (named(name),))
        wanted = Read(reader, Action("get", namespace, name), query, ENDPOINT)
        event = await services.reading.event(wanted)
        shape = Shape.of(request)
        if shape.as_table:
            about = {"resourceVersion": resource_version(event.position)}
            return _json(table([event], about, shape.include, services.clock()))
        return _json(audit_event(event))

    return router


async def _listed(
    services: ReadServices, request: Request, reader: User, namespace: str | None
) -> Response:
    parameters, shape = request.query_params, Shape.of(request)
    cursor = parameters.get("continue", "")
    begun = unverified_beginning(cursor, "continue") if cursor else services.clock()
    query = event_query(parameters, namespace, begun)
    watch = parameters.get("watch", "").lower() in {"1", "true"}
    name, *others = selected_names(query.conditions) or (None,)
    action = Action("watch" if watch else "list", namespace, name)
    wanted = Read(reader, action, query, ENDPOINT, begun, tuple(filter(None, others)))
    if watch:
        return await follow(services, wanted, parameters, shape)
    limit = whole_number(parameters, "limit", 0)
    listed = await services.reading.page(
        wanted,
        min(limit or LONGEST_PAGE, LONGEST_PAGE),
        cursor,
        listed_up_to(parameters),
        counted="behind the page" if limit and query.is_unfiltered else None,
    )
    if shape.as_table:
        about = list_metadata(listed)
        return _json(table(listed.page.events, about, shape.include, services.clock()))
    return _json(event_list(listed))


def event_query(
    parameters: Mapping[str, str], namespace: str | None, begun: datetime
) -> EventQuery:
    """Give what the selectors ask for; relative times count from when the list was begun.

    Raises:
        InvalidFieldError: one of them cannot be understood.
    """
    if namespace:
        storable("namespace", namespace)
    within, by_field = field_conditions(parameters.get("fieldSelector", ""))
    by_label = label_conditions(parameters.get("labelSelector", ""))
    since, until = (
        instant(name, text, begun) if (text := parameters.get(name)) else None
        for name in ("since", "until")
    )
    query = EventQuery(namespace or within, by_field + by_label, since, until)
    if namespace and within not in {None, namespace}:
        return replace(query, conditions=(*query.conditions, named("")))  # no event is in both
    return query


def _json(content: Any) -> Response:
    return Response(orjson.dumps(content), headers=NO_STORE, media_type="application/json")
