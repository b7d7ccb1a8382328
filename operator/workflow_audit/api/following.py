"""A watch as HTTP: one line of JSON for each event, and bookmarks while nothing happens."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from fastapi import Response
from fastapi.responses import StreamingResponse

from workflow_audit.api.objects import audit_event
from workflow_audit.api.parameters import Shape, flag, watched_from, whole_number
from workflow_audit.api.problems import status
from workflow_audit.api.services import ReadServices
from workflow_audit.api.tables import table
from workflow_audit.domain.resource_versions import resource_version
from workflow_audit.errors import AuditError, InvalidFieldError
from workflow_audit.models.auditlog import AUDIT_EVENT
from workflow_audit.models.query import StoredEvent
from workflow_audit.services.accounts import Request

LONGEST_SECONDS, USUAL_SECONDS = 3600, 1800
BOOKMARK_SECONDS = 15.0

Json = dict[str, Any]
Told = tuple[Sequence[StoredEvent], int]


async def follow(
    services: ReadServices, request: Request, parameters: Mapping[str, str], shape: Shape
) -> Response:
    """Answer a watch.

    Raises:
        ForbiddenError: the reader may not.
        InvalidFieldError: a parameter cannot be understood.
    """
    if flag(parameters, "sendInitialEvents"):
        remedy = "list first, then watch from the list's resourceVersion"
        raise InvalidFieldError("sendInitialEvents", "true", "is not supported", remedy)
    since = watched_from(parameters)
    wanted = whole_number(parameters, "timeoutSeconds", USUAL_SECONDS) or USUAL_SECONDS
    async with services.reading.accounted(request):
        told = services.watching.follow(
            request.query, since, min(wanted, LONGEST_SECONDS), BOOKMARK_SECONDS
        )
    return StreamingResponse(
        _written(services, told, shape, bookmarks=flag(parameters, "allowWatchBookmarks")),
        headers={"Cache-Control": "no-store"},
        media_type="application/json",
    )


async def _written(
    services: ReadServices, told: AsyncIterator[Told], shape: Shape, *, bookmarks: bool
) -> AsyncIterator[bytes]:
    try:
        async for events, position in told:
            for event in events:
                yield _line("ADDED", _shown(event, shape, services.clock()))
            if bookmarks and not events:
                yield _line("BOOKMARK", _bookmark(position))
    except AuditError as error:
        yield _line("ERROR", status(error))


def _shown(event: StoredEvent, shape: Shape, now: datetime) -> Json:
    if shape.as_table:
        about = {"resourceVersion": resource_version(event.position)}
        return table([event], about, shape.include, now)
    return audit_event(event)


def _line(kind: str, shown: Json) -> bytes:
    return orjson.dumps({"type": kind, "object": shown}) + b"\n"


def _bookmark(position: int) -> Json:
    return {
        "apiVersion": AUDIT_EVENT.api_version,
        "kind": AUDIT_EVENT.kind,
        "metadata": {"resourceVersion": resource_version(position), "creationTimestamp": None},
    }
