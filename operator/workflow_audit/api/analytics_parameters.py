"""Parameters of statistics: what there is for each, and the query that they mean.

REST has them in snake_case, the Kubernetes API in camelCase; both mean the same.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

from workflow_audit.api.rest_parameters import TIME, Optional, refused
from workflow_audit.domain.selectors import storable
from workflow_audit.domain.statistics import check_buckets, period
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.statistics import (
    MOST_ROWS,
    USUAL_ROWS,
    USUAL_THRESHOLD,
    Bucket,
    Statistic,
    StatisticQuery,
)


def _flag(value: Any) -> Any:
    """Take true and false only, as the documents say; pydantic takes `yes` and `1` too."""
    if value in {"true", "false"}:
        return value == "true"
    return value if isinstance(value, bool) else "neither true nor false"


Flag = Annotated[bool, BeforeValidator(_flag)]


class StatisticParameters(BaseModel):
    """Which searches are looked at."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    namespace: Optional = None
    """Namespace of the searches. Without it all are meant, which takes the right for all."""

    since: Optional = Field(None, examples=["24h", "2026-11-24"], json_schema_extra=TIME)
    """Searches of this time and later ones: a span before now (30m, 24h), one of days (7d) or a
    date, which begin at 00:00 UTC, or RFC 3339. Without it 30 days before `until`, likewise."""

    until: Optional = Field(None, examples=["2026-11-24T10:30:00Z"], json_schema_extra=TIME)
    """Searches before this time, written likewise. Without it now."""

    limit: int = Field(USUAL_ROWS, ge=1, le=MOST_ROWS)
    """Rows at the most; of patterns, of each kind. `has_more` tells when there are more."""


class CountedParameters(StatisticParameters):
    """How searches are told apart when they are counted."""

    bucket: Bucket | SkipJsonSchema[None] = None
    """Count by hour, day, week (from Monday) or month in UTC; `none` counts the whole period. At
    most 1000 buckets."""

    by_namespace: Flag = False
    """Whether to count each namespace by itself."""


class WorkflowParameters(CountedParameters):
    """The same for what is about workflows."""

    workflow_id: Optional = None
    """Only rows about this workflow."""


class LowConfidenceParameters(StatisticParameters):
    """Which confidences are low."""

    threshold: float = Field(USUAL_THRESHOLD, ge=0, le=1, allow_inf_nan=False)
    """Confidences below it are low."""

    workflow_id: Optional = None
    """Only searches that this workflow won."""

    totals: Flag = False
    """Whether to count all searches too. Whole days are summed up already; of any other period that
    reads all events, and the list does not."""


PARAMETERS: Mapping[Statistic, type[StatisticParameters]] = {
    Statistic.SELECTION_RATE: WorkflowParameters,
    Statistic.LOW_CONFIDENCE: LowConfidenceParameters,
    Statistic.PATTERNS: CountedParameters,
    Statistic.MOST_SELECTED: WorkflowParameters,
    Statistic.UNATTRIBUTED: WorkflowParameters,
}


def statistic_query(
    statistic: Statistic, given: StatisticParameters, now: datetime
) -> StatisticQuery:
    """Give what the parameters ask for; spans count from now.

    Raises:
        InvalidFieldError: a time is none, no time lies between the two, or there are too many
            buckets.
    """
    asked = period(given.since, given.until, now)
    values = given.model_dump(exclude={"since", "until"}, exclude_none=True)
    check_buckets(asked, values.get("bucket", Bucket.NONE))
    return StatisticQuery(statistic=statistic, period=asked, **values)


def kubernetes_query(
    statistic: Statistic, namespace: str | None, given: Mapping[str, str], now: datetime
) -> StatisticQuery:
    """Give what parameters in camelCase ask for.

    Args:
        statistic: which one.
        namespace: from the path; None is all of them.
        given: the parameters.
        now: spans count from it.

    Raises:
        InvalidFieldError: one is not known, or cannot be understood; it is named as it was given.
    """
    if namespace:
        storable("namespace", namespace)
    model = PARAMETERS[statistic]
    known = {to_camel(name): name for name in model.model_fields if name != "namespace"}
    for name in given:
        if name not in known:
            remedy = f"there are {', '.join(known)}"
            raise InvalidFieldError(name, given[name], f"is no parameter of {statistic}", remedy)
    values: dict[str, Any] = {known[name]: value for name, value in given.items()}
    try:
        parameters = model.model_validate(values)
    except ValidationError as error:
        finding = error.errors()[0]
        raise refused(to_camel(str(finding["loc"][0])), finding) from None
    query = statistic_query(statistic, parameters, now)
    return replace(query, namespace=namespace)
