"""Parameters of REST: what there is, and the query that they mean.

Nothing is ignored: a filter that was misspelled or left empty would show more than was asked for.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.json_schema import SkipJsonSchema
from starlette.datastructures import QueryParams

from workflow_audit.domain.cursor import LONGEST as LONGEST_CURSOR
from workflow_audit.domain.cursor import unverified_beginning
from workflow_audit.domain.instants import SPAN, instant
from workflow_audit.domain.selectors import typed
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models import query
from workflow_audit.models.query import FARTHEST_OFFSET, LONGEST_PAGE, Condition, EventQuery
from workflow_audit.models.rest import Outcome

USUAL_PAGE = 50

FILTERS: Mapping[str, query.Field] = {
    "event_type": "event_type",
    "event_category": "event_category",
    "event_action": "event_action",
    "event_outcome": "event_outcome",
    "event_date": "event_date",
    "severity": "severity",
    "correlation_id": "correlation_id",
    "actor_id": "actor_id",
    "service": "actor_id",
    "resource_name": "resource_name",
    "top_workflow_id": "top_workflow_id",
    "workflow_id": "top_workflow_id",
}
"""Parameters that compare a column, and the column; the namespace and times stand beside them."""

Text = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00]*$")]
Optional = Text | SkipJsonSchema[None]
"""Left out or given; never null, which a URL cannot say."""


TIME: dict[str, JsonValue] = {
    "anyOf": [{"pattern": f"^{SPAN}$"}, {"format": "date"}, {"format": "date-time"}]
}
"""For `json_schema_extra` of a time."""


class NamespaceParameters(BaseModel):
    """Where the event is."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    namespace: Optional = None
    """Namespace of the search."""


class FilterParameters(BaseModel):
    """Which events are asked for; all filters have to hold, and values are compared as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    namespace: Optional = None
    """Namespace of the searches. Without it all are meant, which takes the right for all."""

    event_type: Optional = None
    """Such as workflow.catalog.search_completed. Readers of one type have to name it."""

    event_category: Optional = None
    """Such as workflow."""

    event_action: Optional = None
    """Such as search_completed."""

    event_outcome: Outcome | SkipJsonSchema[None] = None
    """How the search went."""

    event_date: Optional = Field(None, json_schema_extra={"format": "date"})
    """Date of the search in UTC."""

    severity: Optional = None
    """How severe it is."""

    correlation_id: Optional = None
    """The remediation request that the search served."""

    actor_id: Optional = None
    """The service that searched."""

    service: Optional = None
    """Another name of actor_id."""

    resource_name: Optional = None
    """Name of the search."""

    top_workflow_id: Optional = None
    """The workflow that won."""

    workflow_id: Optional = None
    """Another name of top_workflow_id."""

    since: Optional = Field(None, examples=["24h", "2026-11-24"], json_schema_extra=TIME)
    """Events of this time and later ones: a span before now (30m, 24h, 7d), a date, which begins at
    00:00 UTC, or RFC 3339. A span counts from the first page on, not anew for each."""

    until: Optional = Field(None, examples=["2026-11-24T10:30:00Z"], json_schema_extra=TIME)
    """Events before this time, written likewise; of a date itself there are none."""


class EventParameters(FilterParameters):
    """Which events are asked for, and which part of them."""

    limit: int = Field(USUAL_PAGE, ge=1, le=LONGEST_PAGE)
    """Events at the most."""

    cursor: (
        Annotated[str, Field(min_length=1, max_length=LONGEST_CURSOR)] | SkipJsonSchema[None]
    ) = None
    """Of the page before, its `next_cursor`: good for 15 minutes and for the same filters. The list
    stays as it was on its first page, whatever is recorded meanwhile."""

    offset: int = Field(0, ge=0, json_schema_extra={"maximum": FARTHEST_OFFSET})
    """Events to skip. For compatibility: what is recorded meanwhile moves all pages, and deep ones
    are slow. `cursor` has neither fault."""


def refuse_repeated(parameters: QueryParams) -> None:
    """Refuse a parameter that is given twice: one of the values would be ignored.

    Raises:
        InvalidFieldError: names it.
    """
    for name in parameters:
        if len(values := parameters.getlist(name)) > 1:
            rule = f"is given {len(values)} times"
            raise InvalidFieldError(name, ", ".join(values), rule, "give one value")


def beginning(parameters: EventParameters, now: datetime) -> datetime:
    """Give when the list was begun: now, or what its cursor says.

    Raises:
        InvalidFieldError: the cursor is none, or stands beside an offset, or that is too far.
    """
    if parameters.offset > FARTHEST_OFFSET:
        raise InvalidFieldError(
            "offset",
            parameters.offset,
            f"is above {FARTHEST_OFFSET}",
            "use `cursor`, which goes to any depth: give the `next_cursor` of the page before",
        )
    if parameters.cursor is None:
        return now
    if parameters.offset:
        remedy = "leave it out: the cursor knows its place"
        raise InvalidFieldError("offset", parameters.offset, "stands beside a cursor", remedy)
    return unverified_beginning(parameters.cursor, "cursor")


def event_query(parameters: FilterParameters, begun: datetime) -> EventQuery:
    """Give what the parameters ask for.

    Args:
        parameters: checked one by one.
        begun: when the list was begun.

    Raises:
        InvalidFieldError: a date or a time is none, or no time lies between the two.
    """
    given = parameters.model_dump(include=set(FILTERS), exclude_none=True)
    conditions = tuple(
        Condition(FILTERS[name], "in", (typed(name, FILTERS[name], value),))
        for name, value in given.items()
    )
    since = instant("since", parameters.since, begun) if parameters.since else None
    until = instant("until", parameters.until, begun) if parameters.until else None
    if since and until and since >= until:
        remedy = "give an earlier time, or leave one of them out"
        raise InvalidFieldError("since", parameters.since, "is not before `until`", remedy)
    return EventQuery(parameters.namespace, conditions, since, until)


def invalid_parameter(error: RequestValidationError) -> InvalidFieldError:
    """Give what FastAPI refuses in our words; of several findings the first."""
    finding = error.errors()[0]
    # Behind the name there may stand which of several types was tried.
    return refused(str(finding["loc"][:2][-1]), finding)


def refused(name: str, finding: Mapping[str, Any]) -> InvalidFieldError:
    """Give what pydantic refuses in our words.

    Args:
        name: of the parameter.
        finding: one of `ValidationError.errors()`.
    """
    if finding["type"] == "extra_forbidden":
        remedy = "see /openapi.json for those that there are"
        return InvalidFieldError(name, finding["input"], "is given to no known parameter", remedy)
    message = finding["msg"][:1].lower() + finding["msg"][1:]
    return InvalidFieldError(name, finding.get("input"), "cannot be used", message)
