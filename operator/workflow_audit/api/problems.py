"""Errors -> answers, here and nowhere else: `Status` for the Kubernetes API, problems for REST.

Shapes: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ and
https://www.rfc-editor.org/rfc/rfc9457
"""

import logging
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

from workflow_audit.api.limited_http import body_is_coming
from workflow_audit.api.rest_parameters import invalid_parameter
from workflow_audit.errors import (
    AnswerTooLongError,
    AuditError,
    BodyIncompleteError,
    BodyTooLargeError,
    BodyTooSlowError,
    ClusterError,
    CursorExpiredError,
    DatabaseError,
    DatabaseUnavailableError,
    EventConflictError,
    EventNotFoundError,
    EventRefusedError,
    ForbiddenError,
    IngestionBusyError,
    IngestionOffError,
    InvalidFieldError,
    PolicyError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnsupportedBodyError,
)
from workflow_audit.models.rest import PROBLEM_TYPES

log = logging.getLogger(__name__)

RETRY_SECONDS = 5
WRONG_METHOD = 405
PROBLEM = "application/problem+json"
KUBERNETES_PATHS = ("/apis", "/openapi")
"""Below these the API server asks, which understands `Status` objects only."""

Json = dict[str, Any]


class Answer(NamedTuple):
    """How an error is told."""

    code: int
    reason: str
    """As the Kubernetes API names it."""

    slug: str
    """As the type of a problem ends."""

    title: str


MISTAKE = Answer(500, "InternalError", "internal-error", "Internal Error")
UNAVAILABLE = Answer(503, "ServiceUnavailable", "service-unavailable", "Service Unavailable")

ANSWERS: Mapping[type[Exception], Answer] = {
    InvalidFieldError: Answer(400, "BadRequest", "validation-error", "Validation Error"),
    UnauthenticatedError: Answer(
        401, "Unauthorized", "authentication-failed", "Authentication Failed"
    ),
    ForbiddenError: Answer(403, "Forbidden", "forbidden", "Forbidden"),
    EventNotFoundError: Answer(404, "NotFound", "not-found", "Not Found"),
    IngestionOffError: Answer(404, "NotFound", "ingestion-off", "Ingestion Is Off"),
    BodyTooSlowError: Answer(408, "Timeout", "body-too-slow", "Body Too Slow"),
    EventConflictError: Answer(409, "Conflict", "conflict", "Conflict"),
    CursorExpiredError: Answer(410, "Expired", "cursor-expired", "Cursor Expired"),
    BodyTooLargeError: Answer(413, "RequestEntityTooLarge", "body-too-large", "Body Too Large"),
    UnsupportedBodyError: Answer(
        415, "UnsupportedMediaType", "unsupported-body", "Unsupported Body"
    ),
    BodyIncompleteError: Answer(400, "BadRequest", "body-incomplete", "Body Incomplete"),
    EventRefusedError: Answer(400, "BadRequest", "event-refused", "Event Refused"),
    AnswerTooLongError: UNAVAILABLE,
    TooManyRequestsError: Answer(429, "TooManyRequests", "too-many-requests", "Too Many Requests"),
    DatabaseError: UNAVAILABLE,
    ClusterError: UNAVAILABLE,
    IngestionBusyError: UNAVAILABLE,
    PolicyError: UNAVAILABLE,
}
"""By the class that is nearest."""

HTTP_ANSWERS: Mapping[int, Answer] = {
    404: ANSWERS[EventNotFoundError],
    405: Answer(405, "MethodNotAllowed", "method-not-allowed", "Method Not Allowed"),
}
"""What the framework itself refuses."""


def answer_to(error: Exception) -> Answer:
    """Give how an error is told; what is not expected is a mistake of ours."""
    if isinstance(error, HTTPException):
        return HTTP_ANSWERS.get(error.status_code, MISTAKE)
    return next((ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS), MISTAKE)


def status(error: Exception) -> Json:
    """Give an error as an object of the Kubernetes API."""
    told = answer_to(error)
    found: Json = {
        "apiVersion": "v1",
        "kind": "Status",
        "metadata": {},
        "status": "Failure",
        "message": _message(error),
        "reason": told.reason,
        "code": told.code,
    }
    if seconds := _retry_seconds(error):
        found["details"] = {"retryAfterSeconds": seconds}
    return found


def problem(error: Exception, path: str) -> Json:
    """Give an error as a problem.

    Args:
        error: any; of a mistake of ours no details are told.
        path: what was asked for.
    """
    told, detail = answer_to(error), _message(error)
    if isinstance(error, ForbiddenError):
        detail = f"{detail}; {error.remedy}"
    found: Json = {
        "type": f"{PROBLEM_TYPES}{told.slug}",
        "title": told.title,
        "status": told.code,
        "detail": detail,
        "instance": quote(path),
    }
    if isinstance(error, InvalidFieldError | CursorExpiredError):
        found["field"] = error.path
    return found


def _message(error: Exception) -> str:
    match error:
        case AuditError():
            return str(error)
        case HTTPException(status_code=404):
            return "there is nothing at this path; /openapi.json says what there is"
        case HTTPException(status_code=405):
            allowed = (error.headers or {}).get("Allow", "GET")
            return f"this method is not possible here; use {allowed}"
        case _:
            return "something went wrong; see the log"


def _retry_seconds(error: Exception) -> int | None:
    if isinstance(error, DatabaseUnavailableError | IngestionBusyError | TooManyRequestsError):
        return max(ceil(error.retry_after_seconds), 1)
    return RETRY_SECONDS if answer_to(error) is UNAVAILABLE else None


def retry_after(*errors: Exception) -> dict[str, str]:
    """Give the header that says when all of them may have passed, if any of them passes."""
    seconds = max((_retry_seconds(error) or 0 for error in errors), default=0)
    return {"Retry-After": str(seconds)} if seconds else {}


def log_cut(error: AuditError) -> None:
    """Log why an answer that has begun could not be ended; nothing else can be told any more."""
    log.warning("an answer was cut: %s", error)


def add_problems(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Have every error answered in this way, and every mistake logged.

    Args:
        app: whose errors.
        routes: all that it has; they say what is possible instead of a method that is not.
    """

    async def answered(request: Request, error: Exception) -> Response:
        if isinstance(error, RequestValidationError):
            error = invalid_parameter(error)
        if answer_to(error) is MISTAKE:
            log.error("a request failed", exc_info=error)
        is_wrong_method = isinstance(error, HTTPException) and error.status_code == WRONG_METHOD
        if is_wrong_method and (methods := _methods(request, routes)):
            error = HTTPException(WRONG_METHOD, headers={"Allow": methods})
        return _response(error, request)

    for kind in (AuditError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, answered)


def _methods(request: Request, routes: Sequence[BaseRoute]) -> str:
    """Give what is possible at a path; Starlette looks at the first of its routes only."""
    fitting = [
        each
        for each in routes
        if isinstance(each, Route) and each.matches(request.scope)[0] is not Match.NONE
    ]
    return ", ".join(sorted({method for each in fitting for method in each.methods or ()}))


def _response(error: Exception, request: Request) -> Response:
    code, path = answer_to(error).code, request.url.path
    headers = {"Cache-Control": "no-store"} | retry_after(error)
    if body_is_coming(request.scope):
        headers["Connection"] = "close"  # and the rest of it is not read
    if isinstance(error, HTTPException):
        headers |= dict(error.headers or {})
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    if any(path == root or path.startswith(f"{root}/") for root in KUBERNETES_PATHS):
        return Response(orjson.dumps(status(error)), code, headers, media_type="application/json")
    return Response(orjson.dumps(problem(error, path)), code, headers, media_type=PROBLEM)
