"""Answers of REST about statistics: the rows of `statistics` with names in snake_case."""

from pydantic import BaseModel, ConfigDict

from workflow_audit.models import statistics
from workflow_audit.models.statistics import Statistic

_AS_IN_SQL = ConfigDict(alias_generator=str)


class Totals(statistics.Totals):
    """All searches of the period and namespace, whatever the rows are limited to."""

    model_config = _AS_IN_SQL


class Period(statistics.PeriodObject):
    """Which searches were looked at, by time."""

    model_config = _AS_IN_SQL


class SelectionRateRow(statistics.SelectionRateRow):
    """How often a version of a workflow wins where it is listed."""

    model_config = _AS_IN_SQL


class LowConfidenceRow(statistics.LowConfidenceRow):
    """A search whose winner has a low confidence."""

    model_config = _AS_IN_SQL


class PatternRow(statistics.PatternRow):
    """A set of filters, or a text, that searches have in common."""

    model_config = _AS_IN_SQL


class MostSelectedRow(statistics.MostSelectedRow):
    """How often a workflow wins."""

    model_config = _AS_IN_SQL


class UnattributedRow(statistics.UnattributedRow):
    """What breakdowns leave unexplained for a workflow."""

    model_config = _AS_IN_SQL


class Answer(BaseModel):
    """A statistic of searches."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    statistic: Statistic
    """Which one."""

    namespace: str | None
    """Namespace of the searches; null for all of them."""

    period: Period
    """When they were."""

    totals: Totals | None
    """All searches of the period and namespace, whatever the rows are limited to; null where they
    were not asked for."""

    has_more: bool
    """Whether rows were left out because of `limit`."""


class SelectionRateAnswer(Answer):
    """How often each version of a workflow wins where it is listed."""

    rows: list[SelectionRateRow]
    """The latest bucket first, and in it what was listed most."""


class LowConfidenceAnswer(Answer):
    """Searches whose winner has a low confidence."""

    rows: list[LowConfidenceRow]
    """The newest first."""


class PatternsAnswer(Answer):
    """What searches have in common."""

    rows: list[PatternRow]
    """Filters, then texts: the latest bucket first, and in it what is most frequent."""


class MostSelectedAnswer(Answer):
    """Which workflows win most searches."""

    rows: list[MostSelectedRow]
    """The latest bucket first, and in it who won most."""


class UnattributedAnswer(Answer):
    """What breakdowns leave unexplained."""

    rows: list[UnattributedRow]
    """The latest bucket first, and in it what happens most."""
