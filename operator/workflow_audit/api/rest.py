"""REST: audit events for programs, in the shape of kubernaut's Data Storage."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from workflow_audit.api.objects import plain
from workflow_audit.api.rest_openapi import problems
from workflow_audit.api.rest_parameters import (
    EventParameters,
    NamespaceParameters,
    beginning,
    event_query,
    refuse_repeated,
)
from workflow_audit.api.services import ReadServices
from workflow_audit.domain.selectors import named
from workflow_audit.models.query import EventQuery, StoredEvent, Total
from workflow_audit.models.rest import Event, EventPage
from workflow_audit.models.user import Action, User
from workflow_audit.services.accounts import Request as Read
from workflow_audit.services.reading import Listed

ENDPOINT = "rest"
ROOT = "/api/v1/audit/events"
NO_STORE = {"Cache-Control": "no-store"}

Json = dict[str, Any]


def rest_router(services: ReadServices) -> APIRouter:
    """Give the routes."""
    router = APIRouter(prefix=ROOT, tags=["audit events"])
    caller = Depends(services.authenticate)

    @router.get(
        "",
        operation_id="list_audit_events",
        response_model=EventPage,
        responses=problems(400, 401, 403, 410, 429, 500, 503),
    )
    async def list_events(
        request: Request,
        parameters: Annotated[EventParameters, Query()],
        reader: User = caller,
    ) -> Response:
        """List audit events, the newest first.

        The caller needs the right to list `auditevents.auditlog.kubernaut.ai` in the namespace, or
        at the cluster scope when none is named. A right that is restricted to one event type
        (`resourceNames`) counts when `event_type` names that type.
        """
        refuse_repeated(request.query_params)
        begun = beginning(parameters, services.clock())
        query = event_query(parameters, begun)
        action = Action("list", parameters.namespace, parameters.event_type)
        wanted = Read(reader, action, query, ENDPOINT, begun, cursor_parameter="cursor")
        listed = await services.reading.page(
            wanted,
            parameters.limit,
            parameters.cursor or "",
            offset=parameters.offset,
            counted="the whole list",
        )
        return _json(event_page(listed, parameters))

    @router.get(
        "/{event_id}",
        operation_id="get_audit_event",
        response_model=Event,
        responses=problems(400, 401, 403, 404, 429, 500, 503) | {304: NOT_MODIFIED},
    )
    async def get_event(
        request: Request,
        event_id: Annotated[UUID, Path(description="Id of the event.")],
        parameters: Annotated[NamespaceParameters, Query()],
        reader: User = caller,
    ) -> Response:
        """Get one audit event.

        The caller needs the right to get `auditevents.auditlog.kubernaut.ai` in the event's
        namespace, for its type or for its id. Who has none is told the same as where there is no
        event: 404, or 403 when he has named a namespace in which he may not get this id.
        """
        refuse_repeated(request.query_params)
        namespace, name = parameters.namespace, str(event_id)
        query = EventQuery(namespace, (named(name),))
        wanted = Read(reader, Action("get", namespace, name), query, ENDPOINT)
        event = await services.reading.event_by_id(wanted)
        tag = {"ETag": entity_tag(event)}
        if is_known(request.headers.get("if-none-match", ""), tag["ETag"]):
            return Response(status_code=304, headers=NO_STORE | tag)
        return _json(event_row(event), tag)

    return router


NOT_MODIFIED: Json = {"description": "The caller has it already: `If-None-Match` names its ETag."}


def event_page(listed: Listed, parameters: EventParameters) -> Json:
    """Give a page; `orjson.dumps` takes it."""
    total = listed.total or Total(0, is_exact=False)
    return {
        "data": [event_row(event) for event in listed.page.events],
        "pagination": {
            "limit": parameters.limit,
            "offset": parameters.offset,
            "total": total.number,
            "total_is_exact": total.is_exact,
            "has_more": listed.page.has_more,
            "next_cursor": listed.cursor or None,
        },
    }


def event_row(event: StoredEvent) -> Json:
    """Give an event by its columns; JSON stays as the database has written it."""
    row: Json = {name: plain(value) for name, value in event.columns.items()}
    row["event_data"] = orjson.Fragment(event.event_data)
    row["event_metadata"] = event.event_metadata and orjson.Fragment(event.event_metadata)
    return row


def entity_tag(event: StoredEvent) -> str:
    """Give the strong ETag of an event: it never changes, so its id and place tell it all."""
    return f'"{event.columns["event_id"]}-{event.position}"'


def is_known(if_none_match: str, tag: str) -> bool:
    """Tell whether a caller has an event already; weak tags count too (RFC 9110, 13.1.2)."""
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return bool(known & {tag, "*"})


def _json(content: Json, headers: Json | None = None) -> Response:
    return Response(
        orjson.dumps(content), headers=NO_STORE | (headers or {}), media_type="application/json"
    )
