"""REST: completed searches from programs, in the shape of kubernaut's Data Storage."""

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from workflow_audit import metrics
from workflow_audit.api.ingest_openapi import BATCH, EVENT
from workflow_audit.api.objects import plain
from workflow_audit.api.problems import answer_to, problem, retry_after
from workflow_audit.api.rest import NO_STORE, ROOT
from workflow_audit.api.rest_openapi import problems
from workflow_audit.api.services import Ingestion, ReadServices
from workflow_audit.domain.json_text import json_value
from workflow_audit.errors import AuditError, IngestionOffError, InvalidFieldError
from workflow_audit.models.submission import (
    KEY_PATTERN,
    MOST_EVENTS,
    Answer,
    BatchAnswer,
)
from workflow_audit.models.user import User
from workflow_audit.services.ingest_account import Ingested, Result, status_of

KEY_HEADER = "Idempotency-Key"
_KEY = re.compile(KEY_PATTERN)

MESSAGES = {
    "recorded": "the event is recorded",
    "replayed": "the event was recorded already",
    "skipped": "a policy has switched auditing off for it; nothing is recorded",
}

OFF = (
    "this server takes no events: set AUDIT_INGESTION_DATABASE_URL for it, and see "
    "docs/how-to/http-ingestion.md; a search can be recorded as a WorkflowSearch too"
)

Json = dict[str, Any]
Work = Callable[[Ingestion, User, Request], Awaitable[Response]]


def ingest_router(services: ReadServices) -> APIRouter:
    """Give the routes."""
    router = APIRouter(prefix=ROOT, tags=["audit events"], route_class=_PlainRoute)

    @router.post(
        "",
        operation_id="record_audit_event",
        response_model=Answer,
        status_code=201,
        responses=problems(400, 401, 403, 404, 408, 409, 413, 415, 429, 500, 503)
        | {200: {"model": Answer, "description": "It was recorded already, or is skipped."}},
        openapi_extra=EVENT,
    )
    async def record_event(request: Request) -> Response:
        """Record one completed search.

        The caller needs the right to create `auditevents.auditlog.kubernaut.ai` in the event's
        namespace. 201 means that the event is in the database. The same search sent again is
        answered with 200, and stays one event; `Idempotency-Key` names it, or else what is said of
        it.
        """
        return await _answered(services, "single", request, _record_event)

    @router.post(
        "/batch",
        operation_id="record_audit_events",
        response_model=BatchAnswer,
        status_code=201,
        responses=problems(400, 401, 403, 404, 408, 413, 415, 429, 500, 503)
        | {
            200: {"model": BatchAnswer, "description": "Nothing is new, and nothing has failed."},
            207: {"model": BatchAnswer, "description": "Some have failed; `results` says why."},
        },
        openapi_extra=BATCH,
    )
    async def record_events(request: Request) -> Response:
        """Record up to 1,000 completed searches; each stands for itself.

        What is `recorded` or `replayed` in `results` is in the database. What is `unavailable` may
        be sent again at any time; what is `refused` would be refused again. 403 for a namespace,
        and 409 for a key, are told of the event that they are about.
        """
        return await _answered(services, "batch", request, _record_events)

    return router


class _PlainRoute(APIRoute):
    """A route whose function makes the response of the request: FastAPI only describes it.

    There is nothing to solve for it, and looking for that costs every event.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.app = self._respond

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


async def _answered(
    services: ReadServices, endpoint: str, request: Request, work: Work
) -> Response:
    """Answer a request of whoever may, and note how that went."""
    began, code = time.monotonic(), int(HTTPStatus.INTERNAL_SERVER_ERROR)
    try:
        sender = await services.authenticate(request)
        if services.ingestion is None:
            raise IngestionOffError(OFF)
        _refuse_parameters(request)
        response = await work(services.ingestion, sender, request)
        code = response.status_code
    except AuditError as error:
        code = answer_to(error).code
        raise
    finally:
        metrics.INGEST_REQUESTS.labels(endpoint, str(code)).inc()
        metrics.INGEST_DURATION.labels(endpoint).observe(time.monotonic() - began)
    return response


async def _record_event(ingestion: Ingestion, sender: User, request: Request) -> Response:
    key = _key(request)
    async with (
        ingestion.ingesting.admitted(sender, "single") as account,
        ingestion.bodies.read(request, ingestion.event_bytes) as body,
    ):
        (result,) = await ingestion.ingesting.record(account, [json_value(body)], key)
    if isinstance(result, AuditError):
        raise result
    return _single(result)


async def _record_events(ingestion: Ingestion, sender: User, request: Request) -> Response:
    async with (
        ingestion.ingesting.admitted(sender, "batch") as account,
        ingestion.bodies.read(request, ingestion.batch_bytes) as body,
    ):
        results = await ingestion.ingesting.record(account, _events(json_value(body)))
    return _batch(results, request.url.path)


def _refuse_parameters(request: Request) -> None:
    for name, value in request.query_params.items():
        rule = "is given to no known parameter"
        raise InvalidFieldError(name, value, rule, "all that is known of an event is its body's")


def _key(request: Request) -> str | None:
    keys = request.headers.getlist(KEY_HEADER)
    if len(keys) > 1:
        rule = f"is given {len(keys)} times"
        raise InvalidFieldError(KEY_HEADER, ", ".join(keys), rule, "give one")
    if keys and not _KEY.fullmatch(keys[0]):
        remedy = "give 1 to 255 visible ASCII characters"
        raise InvalidFieldError(KEY_HEADER, keys[0], "is no key", remedy)
    return keys[0] if keys else None


def _events(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidFieldError("body", value, "is no array", "send an array of events")
    if not 1 <= len(value) <= MOST_EVENTS:
        rule, remedy = "is the number of events", f"send 1 to {MOST_EVENTS} at a time"
        raise InvalidFieldError("body", len(value), rule, remedy)
    return value


def _single(result: Ingested) -> Response:
    answer = {
        "event_id": result.event_id,
        "event_timestamp": plain(result.at),
        "status": result.status,
        "message": MESSAGES[result.status],
    }
    return _json(answer, HTTPStatus.CREATED if result.status == "recorded" else HTTPStatus.OK)


def _batch(results: Sequence[Result], path: str) -> Response:
    """Give the answer to a batch; where nothing could be recorded now, that of a single event."""
    statuses = [status_of(each) for each in results]
    errors = [each for each in results if isinstance(each, AuditError)]
    if set(statuses) == {"unavailable"}:
        raise errors[0]
    ids = [each.event_id for each in results if isinstance(each, Ingested) and each.event_id]
    answer = {
        "results": [
            _result(index, status, each, path)
            for index, (status, each) in enumerate(zip(statuses, results, strict=True))
        ],
        "event_ids": ids,
        "message": f"{len(ids)} of {len(results)} events are recorded",
    }
    code = HTTPStatus.CREATED if "recorded" in statuses else HTTPStatus.OK
    return _json(answer, HTTPStatus.MULTI_STATUS if errors else code, retry_after(*errors))


def _result(index: int, status: str, result: Result, path: str) -> Json:
    found: Json = {"index": index, "status": status, "event_id": None, "problem": None}
    if isinstance(result, AuditError):
        found["problem"] = problem(result, path)
    else:
        found["event_id"] = result.event_id
    return found


def _json(content: Json, code: int, headers: Json | None = None) -> Response:
    body = orjson.dumps(content)
    return Response(body, code, NO_STORE | (headers or {}), media_type="application/json")
