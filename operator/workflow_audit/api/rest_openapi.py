"""OpenAPI of REST at /openapi.json; who may see no event may see it too.

There is no page that shows it: FastAPI's loads its scripts from foreign hosts.
"""

from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.utils import get_openapi

from workflow_audit import __version__
from workflow_audit.api.ingest_openapi import submission_schemas
from workflow_audit.models.rest import Problem

Json = dict[str, Any]

PROBLEM = "application/problem+json"
REFERENCE = "#/components/schemas/{model}"

PROBLEMS = {
    400: "Something given cannot be used; `field` names it.",
    401: "It is not known who asks: the token is missing, wrong or expired.",
    403: "The caller may not do this; `detail` says which right is missing and how to get it.",
    404: "There is no such event that the caller may see; or this server takes no events.",
    408: "The body did not come in time.",
    409: "What names the event names another one already.",
    410: "The cursor has expired; list from the beginning.",
    413: "The body is too large.",
    415: "The body is compressed, or no JSON.",
    429: "The caller asks too much; try again after `Retry-After` seconds.",
    500: "A mistake in the server; its log says more.",
    503: "The database or the API server cannot be reached; try again after `Retry-After` seconds.",
}

RETRY_AFTER: Json = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}

EXPORTED: Json = {
    "description": "One event a line, as in `data` of a list, and a last line that says how many.",
    "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
}

HEADERS: dict[int, Json] = {
    401: {"WWW-Authenticate": {"description": "Bearer.", "schema": {"type": "string"}}},
    429: RETRY_AFTER,
    503: RETRY_AFTER,
}

DESCRIPTION = """
Audit events of remediation-workflow searches, read and recorded under the cluster's own RBAC.

`Authorization: Bearer` takes any token that the API server takes, such as a service account's.
Every answer is `Cache-Control: no-store`. Errors are problems as RFC 9457 has them.
"""


def problems(*codes: int) -> dict[int | str, Json]:
    """Give the errors of a route for its documentation."""
    content = {PROBLEM: {"schema": {"$ref": REFERENCE.format(model="Problem")}}}
    return {
        code: {"description": PROBLEMS[code], "content": content}
        | ({"headers": HEADERS[code]} if code in HEADERS else {})
        for code in codes
    }


def rest_openapi_router(app: FastAPI) -> APIRouter:
    """Give the route; the document is made once, of the routes that the application has by now."""
    router = APIRouter(include_in_schema=False)
    content = orjson.dumps(document(app))

    @router.get("/openapi.json")
    async def openapi() -> Response:
        headers = {"Cache-Control": "no-store"}
        return Response(content, headers=headers, media_type="application/json")

    return router


def document(app: FastAPI) -> Json:
    """Give the OpenAPI document of REST."""
    found = get_openapi(
        title="Workflow Audit",
        version=__version__,
        description=DESCRIPTION.strip(),
        routes=app.routes,
        separate_input_output_schemas=False,
    )
    components = found["components"]
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["schemas"] |= submission_schemas()
    components["schemas"]["Problem"] = Problem.model_json_schema(ref_template=REFERENCE)
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"bearer": []}]
    for path in found["paths"].values():
        for operation in path.values():
            # FastAPI's own answer to parameters that cannot be used; ours is 400.
            operation["responses"].pop("422", None)
    return found
