"""Statistics of searches: what is asked for, and what comes.

The docstrings of the rows are what `kubectl explain auditstatistic.rows` and /openapi.json show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict

from workflow_audit.models.base import Model
from workflow_audit.models.query import Condition, EventQuery

SEARCH_COMPLETED = "workflow.catalog.search_completed"
"""The type of events that all statistics are about."""

USUAL_DAYS = 30
"""Length of the period when none is asked for."""

USUAL_THRESHOLD = 0.5
"""Below it a confidence is low; the same as a policy's `scoring.lowConfidence`."""

USUAL_ROWS, MOST_ROWS = 50, 1000

MOST_BUCKETS = 1000
"""Most time buckets of one answer: 41 days by the hour."""


class Statistic(StrEnum):
    """What can be asked."""

    SELECTION_RATE = "selection-rate"
    LOW_CONFIDENCE = "low-confidence"
    PATTERNS = "patterns"
    MOST_SELECTED = "most-selected"
    UNATTRIBUTED = "unattributed"


class Bucket(StrEnum):
    """How time is divided, in UTC; a week begins on Monday."""

    NONE = "none"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True)
class Period:
    """From a moment on, until before another one; both in UTC."""

    since: datetime
    until: datetime
    is_open: bool = False
    """Whether it ends now because no end was asked for."""

    @property
    def is_whole_days(self) -> bool:
        """Tell whether it takes no part of a day without the rest of it that is there."""
        return self.since.time() == time() and (self.is_open or self.until.time() == time())


@dataclass(frozen=True, kw_only=True)
class StatisticQuery:
    """What is asked for; not everything means something for each statistic."""

    statistic: Statistic
    period: Period
    namespace: str | None = None
    """None is all of them."""

    bucket: Bucket = Bucket.NONE
    by_namespace: bool = False
    """Whether namespaces are told apart."""

    limit: int = USUAL_ROWS
    """Rows at the most; of patterns, of each kind."""

    workflow_id: str | None = None
    threshold: float = USUAL_THRESHOLD
    totals: bool = True
    """Whether all searches of the period are counted too."""

    @property
    def is_by_days(self) -> bool:
        """Tell whether sums by day can answer it; else its events are counted."""
        return self.period.is_whole_days and self.bucket is not Bucket.HOUR

    @property
    def events(self) -> EventQuery:
        """Give the searches that are looked at."""
        of_searches = Condition("event_type", "in", (SEARCH_COMPLETED,))
        return EventQuery(self.namespace, (of_searches,), self.period.since, self.period.until)


class Totals(Model):
    """All searches of the period and namespace, whatever the rows are limited to."""

    searches: int
    """Searches that were recorded."""

    with_winner: int
    """Those that found a workflow."""

    empty: int
    """Those that went well and found nothing."""

    failed: int
    """Those that failed, malformed ones among them."""


class Grouped(Model):
    """A row that counts searches of a time bucket and a namespace."""

    bucket: datetime | None = None
    """When its time bucket begins, in UTC; none without buckets."""

    namespace: str | None = None
    """Namespace of the searches; none where namespaces are not told apart."""


class SelectionRateRow(Grouped):
    """How often a version of a workflow wins where it is listed."""

    workflow_id: str
    """Id in the catalogue."""

    version: str | None = None
    """Its version; none where the catalogue told none."""

    listed: int
    """How often searches listed it, among the ranks that were kept."""

    won: int
    """How many searches it won, as rank 1."""

    rate: float
    """won / listed, 0 to 1."""


class LowConfidenceRow(Model):
    """A search whose winner has a low confidence."""

    event_id: UUID
    """Id of the event."""

    event_timestamp: datetime
    """When the API server accepted the search."""

    namespace: str
    """Namespace of the search."""

    correlation_id: str
    """The remediation request that the search served."""

    text: str | None = None
    """Text of the query, redacted."""

    workflow_id: str | None = None
    """The winner's id in the catalogue."""

    confidence: float
    """Confidence of the winner, 0 to 1."""


class PatternRow(Grouped):
    """A set of filters, or a text, that searches have in common."""

    kind: Literal["filters", "text"]
    """What they have in common."""

    filters: dict[str, str] | None = None
    """Labels that were asked for, all of them; none for a text."""

    text: str | None = None
    """Text of the query, redacted; none for filters."""

    searches: int
    """How many searches were alike."""

    empty: int
    """How many of them went well and found nothing."""

    failed: int
    """How many of them failed."""

    average_confidence: float | None = None
    """Average confidence of the winners, 0 to 1; none where nothing was found."""


class MostSelectedRow(Grouped):
    """How often a workflow wins."""

    workflow_id: str
    """Id in the catalogue."""

    won: int
    """How many searches it won, as rank 1."""

    share: float
    """won / all searches with a winner in this bucket and namespace, 0 to 1."""

    average_confidence: float | None = None
    """Average confidence of the winners, 0 to 1; none where nothing was found."""

    least_confidence: float | None = None
    """Least confidence with which it won."""

    greatest_confidence: float | None = None
    """Greatest confidence with which it won."""

    first_won: datetime
    """Time of the first search that it won, within the period."""

    last_won: datetime
    """Time of the last search that it won, within the period."""


class UnattributedRow(Grouped):
    """What breakdowns leave unexplained for a workflow."""

    workflow_id: str
    """Id in the catalogue."""

    side: Literal["boost", "penalty"]
    """Of the label boost, or of the label penalty."""

    scorings: int
    """In how many of its scorings something is unattributed on this side."""

    sum: float
    """All of it together; below 0 where breakdowns say more than there is."""

    least: float
    """The least one; below 0 where a breakdown says more than there is."""

    greatest: float
    """The greatest one."""


ROWS: Mapping[Statistic, type[Model]] = {
    Statistic.SELECTION_RATE: SelectionRateRow,
    Statistic.LOW_CONFIDENCE: LowConfidenceRow,
    Statistic.PATTERNS: PatternRow,
    Statistic.MOST_SELECTED: MostSelectedRow,
    Statistic.UNATTRIBUTED: UnattributedRow,
}
"""What the rows of each statistic hold."""


class PeriodObject(Model):
    """Which searches were looked at, by time."""

    model_config = ConfigDict(title="Period")

    since: datetime
    """Searches of this time and later ones."""

    until: datetime
    """Searches before this time."""


@dataclass(frozen=True)
class Counted:
    """What the database says; rows beyond the limit tell that there are more."""

    totals: Totals | None
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class StatisticAnswer:
    """One statistic."""

    query: StatisticQuery
    totals: Totals | None
    """None when nobody asked."""

    rows: Sequence[Model]
    """As ROWS says."""

    has_more: bool
    """Whether rows were left out because of the limit."""
