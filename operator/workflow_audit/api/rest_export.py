"""REST: all events that are asked for, in one answer of any length."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from workflow_audit.api.problems import log_cut
from workflow_audit.api.rest import ENDPOINT, NO_STORE, ROOT, event_row
from workflow_audit.api.rest_openapi import EXPORTED, problems
from workflow_audit.api.rest_parameters import FilterParameters, event_query, refuse_repeated
from workflow_audit.api.services import ReadServices
from workflow_audit.errors import AuditError, ReadingError
from workflow_audit.models.query import StoredEvent
from workflow_audit.models.user import Action, User
from workflow_audit.services.accounts import Request as Read

NDJSON = "application/x-ndjson"

CHUNK_BYTES = 64 * 1024

PATIENCE_SECONDS = 120.0
"""How long a chunk waits for the client: one that is connected and takes nothing would keep one of
its user's requests in work for ever. With half a megabyte in buffers, a client that takes
4 KiB a second is quick enough."""

Pages = AsyncGenerator[Sequence[StoredEvent], None]


def rest_export_router(services: ReadServices) -> APIRouter:
    """Give the route; before that of one event, whose path it would be otherwise."""
    router = APIRouter(prefix=ROOT, tags=["audit events"])
    caller = Depends(services.authenticate)

    @router.get(
        "/export",
        operation_id="export_audit_events",
        response_class=Export,
        status_code=200,
        responses=problems(400, 401, 403, 429, 500, 503) | {200: EXPORTED},
    )
    async def export_events(
        request: Request,
        parameters: Annotated[FilterParameters, Query()],
        reader: User = caller,
    ) -> Export:
        """Export all audit events that are asked for, the newest first, one a line (NDJSON).

        Shows what was recorded when it began, with the rights of the list. The last line is
        `{"kind": "end", "events": N}`; an export without it was cut, and is not complete. Then the
        connection is broken off too, so that HTTP clients report an error.
        """
        refuse_repeated(request.query_params)
        begun = services.clock()
        query = event_query(parameters, begun)
        action = Action("list", parameters.namespace, parameters.event_type)
        pages = services.exporting.pages(Read(reader, action, query, ENDPOINT, begun))
        return Export(await anext(pages), pages)

    return router


class Export(StreamingResponse):
    """Ends properly only when all events were sent."""

    media_type = NDJSON

    def __init__(
        self,
        first: Sequence[StoredEvent],
        pages: Pages,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Take the first page, which has come without an error, and where the others come from."""
        super().__init__(_chunks(first, pages), headers=NO_STORE)
        self._pages, self._patience_seconds = pages, patience_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send page by page, each when the client has taken the one before."""

        async def send_in_time(message: Message) -> None:
            try:
                async with asyncio.timeout(self._patience_seconds):
                    await send(message)
            except TimeoutError:
                waited = f"the client took nothing for {self._patience_seconds:g} s"
                raise ReadingError(waited) from None

        try:
            await super().__call__(scope, receive, send_in_time)
        except AuditError as error:
            # The status is sent already. Without a last chunk the server breaks the connection off.
            log_cut(error)
        finally:
            await self._pages.aclose()


async def _chunks(first: Sequence[StoredEvent], pages: Pages) -> AsyncIterator[bytes]:
    count = len(first)
    for chunk in _page(first):
        yield chunk
    async for events in pages:
        count += len(events)
        for chunk in _page(events):
            yield chunk
    yield _line({"kind": "end", "events": count})


def _page(events: Sequence[StoredEvent]) -> Iterator[bytes]:
    page = b"".join(_line(event_row(event)) for event in events)
    return (page[at : at + CHUNK_BYTES] for at in range(0, len(page), CHUNK_BYTES))


def _line(content: object) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)
