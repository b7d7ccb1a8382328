"""The aggregated API: get and list `auditstatistics`, as objects or as a table."""

from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from workflow_audit.api.analytics_parameters import kubernetes_query
from workflow_audit.api.parameters import Shape, flag
from workflow_audit.api.rest_parameters import refuse_repeated
from workflow_audit.api.services import ReadServices
from workflow_audit.api.statistic_objects import (
    audit_statistic,
    list_table,
    statistic_list,
    statistic_table,
)
from workflow_audit.errors import EventNotFoundError, InvalidFieldError
from workflow_audit.models.auditlog import AUDIT_STATISTIC
from workflow_audit.models.statistics import Statistic, StatisticAnswer
from workflow_audit.models.user import User

ROOT = f"/apis/{AUDIT_STATISTIC.group}/{AUDIT_STATISTIC.version}"
NO_STORE = {"Cache-Control": "no-store"}

OF_EVERY_REQUEST = frozenset({"includeObject", "pretty", "resourceVersion", "timeout"})
"""What clients of the Kubernetes API send with everything, and does not change a statistic."""

OF_EVERY_LIST = OF_EVERY_REQUEST | {
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
}


def auditstatistics_router(services: ReadServices) -> APIRouter:
    """Give the routes of the resource."""
    router = APIRouter(prefix=ROOT, include_in_schema=False)
    caller = Depends(services.authenticate)
    within = f"/namespaces/{{namespace}}/{AUDIT_STATISTIC.plural}"

    @router.get(f"/{AUDIT_STATISTIC.plural}")
    async def everywhere(request: Request, reader: User = caller) -> Response:
        return await _listed(services, request, reader, None)

    @router.get(within)
    async def listed(request: Request, namespace: str, reader: User = caller) -> Response:
        return await _listed(services, request, reader, namespace)

    @router.get(f"/{AUDIT_STATISTIC.plural}/{{name}}")
    async def one_everywhere(request: Request, name: str, reader: User = caller) -> Response:
        return await _one(services, request, reader, None, name)

    @router.get(f"{within}/{{name}}")
    async def one(request: Request, namespace: str, name: str, reader: User = caller) -> Response:
        return await _one(services, request, reader, namespace, name)

    return router


async def _one(
    services: ReadServices, request: Request, reader: User, namespace: str | None, name: str
) -> Response:
    refuse_repeated(request.query_params)
    statistic, shape = _statistic(name), Shape.of(request)
    given = {k: v for k, v in request.query_params.items() if k not in OF_EVERY_REQUEST}
    query = kubernetes_query(statistic, namespace, given, services.clock())
    found = await services.statistics.answer(reader, query)
    shown = statistic_table(found, shape.include) if shape.as_table else audit_statistic(found)
    return _json(shown)


async def _listed(
    services: ReadServices, request: Request, reader: User, namespace: str | None
) -> Response:
    """Give all statistics with their usual parameters; a list's `limit` is not theirs."""
    _check_list(request)
    shape, now = Shape.of(request), services.clock()
    answers: list[StatisticAnswer] = []
    for statistic in Statistic:
        query = kubernetes_query(statistic, namespace, {}, now)
        answers.append(await services.statistics.answer(reader, query))
    shown = list_table(answers, shape.include) if shape.as_table else statistic_list(answers)
    return _json(shown)


def _statistic(name: str) -> Statistic:
    try:
        return Statistic(name)
    except ValueError:
        raise EventNotFoundError(
            f'{AUDIT_STATISTIC.plural}.{AUDIT_STATISTIC.group} "{name}" not found; there are'
            f" {', '.join(Statistic)}"
        ) from None


def _check_list(request: Request) -> None:
    given = request.query_params
    for name in given:
        if name not in OF_EVERY_LIST:
            remedy = "a list has the usual ones; get one statistic by its name, with parameters"
            raise InvalidFieldError(name, given[name], "is no parameter of a list", remedy)
    for name in ("fieldSelector", "labelSelector"):
        if given.get(name):
            remedy = "get one by its name, or all without a selector"
            raise InvalidFieldError(name, given[name], "selects no statistics", remedy)
    if flag(given, "watch"):
        raise InvalidFieldError("watch", "true", "is not possible", "get it again instead")


def _json(content: Any) -> Response:
    return Response(orjson.dumps(content), headers=NO_STORE, media_type="application/json")
