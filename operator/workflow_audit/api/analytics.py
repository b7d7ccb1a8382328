"""REST: statistics of searches, each exact."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from workflow_audit.api.analytics_parameters import (
    CountedParameters,
    LowConfidenceParameters,
    StatisticParameters,
    WorkflowParameters,
    statistic_query,
)
from workflow_audit.api.objects import plain
from workflow_audit.api.rest_openapi import problems
from workflow_audit.api.rest_parameters import refuse_repeated
from workflow_audit.api.services import ReadServices
from workflow_audit.models.rest_statistics import (
    LowConfidenceAnswer,
    MostSelectedAnswer,
    PatternsAnswer,
    SelectionRateAnswer,
    UnattributedAnswer,
)
from workflow_audit.models.statistics import Statistic, StatisticAnswer
from workflow_audit.models.user import User

ROOT = "/api/v1/audit/analytics"
NO_STORE = {"Cache-Control": "no-store"}

Json = dict[str, Any]


def analytics_router(services: ReadServices) -> APIRouter:
    """Give the routes."""
    answers = problems(400, 401, 403, 429, 500, 503)
    router = APIRouter(prefix=ROOT, tags=["statistics"], responses=answers)
    caller = Depends(services.authenticate)

    async def answered(
        request: Request, statistic: Statistic, parameters: StatisticParameters, reader: User
    ) -> Response:
        refuse_repeated(request.query_params)
        query = statistic_query(statistic, parameters, services.clock())
        found = await services.statistics.answer(reader, query)
        content = orjson.dumps(statistic_row(found))
        return Response(content, headers=NO_STORE, media_type="application/json")

    @router.get("/selection-rate", response_model=SelectionRateAnswer)
    async def selection_rate(
        request: Request,
        parameters: Annotated[WorkflowParameters, Query()],
        reader: User = caller,
    ) -> Response:
        """Tell of each workflow, by version, how often searches list it and how often it wins."""
        return await answered(request, Statistic.SELECTION_RATE, parameters, reader)

    @router.get("/low-confidence", response_model=LowConfidenceAnswer)
    async def low_confidence(
        request: Request,
        parameters: Annotated[LowConfidenceParameters, Query()],
        reader: User = caller,
    ) -> Response:
        """List the searches whose winner has a low confidence, the newest first."""
        return await answered(request, Statistic.LOW_CONFIDENCE, parameters, reader)

    @router.get("/patterns", response_model=PatternsAnswer)
    async def patterns(
        request: Request,
        parameters: Annotated[CountedParameters, Query()],
        reader: User = caller,
    ) -> Response:
        """Tell which sets of filters and which texts are frequent, and what came of them."""
        return await answered(request, Statistic.PATTERNS, parameters, reader)

    @router.get("/most-selected", response_model=MostSelectedAnswer)
    async def most_selected(
        request: Request,
        parameters: Annotated[WorkflowParameters, Query()],
        reader: User = caller,
    ) -> Response:
        """Tell which workflows win most searches, and with what confidence."""
        return await answered(request, Statistic.MOST_SELECTED, parameters, reader)

    @router.get("/unattributed", response_model=UnattributedAnswer)
    async def unattributed(
        request: Request,
        parameters: Annotated[WorkflowParameters, Query()],
        reader: User = caller,
    ) -> Response:
        """Tell for which workflows breakdowns leave a boost or a penalty unexplained."""
        return await answered(request, Statistic.UNATTRIBUTED, parameters, reader)

    return router


def statistic_row(found: StatisticAnswer) -> Json:
    """Give an answer with names in snake_case; `orjson.dumps` takes it."""
    query = found.query
    return {
        "statistic": query.statistic.value,
        "namespace": query.namespace,
        "period": {
            "since": plain(query.period.since),
            "until": plain(query.period.until),
        },
        "totals": found.totals and dict(found.totals),
        "rows": [{name: plain(value) for name, value in row} for row in found.rows],
        "has_more": found.has_more,
    }
