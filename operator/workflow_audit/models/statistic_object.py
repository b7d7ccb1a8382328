"""AuditStatistic as an object of the Kubernetes API, for `kubectl explain` and clients."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict

from workflow_audit.models.base import Model
from workflow_audit.models.statistics import Bucket, PeriodObject, Totals


class Parameters(Model):
    """What was asked for."""

    bucket: Bucket | None = None
    """How time is divided."""

    by_namespace: bool | None = None
    """Whether namespaces are told apart."""

    limit: int
    """Rows at the most; of patterns, of each kind."""

    threshold: float | None = None
    """Below it a confidence is low."""

    workflow_id: str | None = None
    """The one workflow that was asked for."""


class Row(Model):
    """One row; which fields it has depends on the statistic, which is named in brackets."""

    bucket: datetime | None = None
    """When its time bucket begins, in UTC [all but low-confidence, with `bucket`]."""

    namespace: str | None = None
    """Namespace of the searches [low-confidence; others with `byNamespace`]."""

    workflow_id: str | None = None
    """Id in the catalogue [all but patterns]."""

    version: str | None = None
    """Its version [selection-rate]."""

    listed: int | None = None
    """How often searches listed it, among the ranks that were kept [selection-rate]."""

    won: int | None = None
    """How many searches it won, as rank 1 [selection-rate, most-selected]."""

    rate: float | None = None
    """won / listed, 0 to 1 [selection-rate]."""

    share: float | None = None
    """won / all searches with a winner in this bucket and namespace, 0 to 1 [most-selected]."""

    average_confidence: float | None = None
    """Average confidence of the winners, 0 to 1 [most-selected, patterns]."""

    least_confidence: float | None = None
    """Least confidence with which it won [most-selected]."""

    greatest_confidence: float | None = None
    """Greatest confidence with which it won [most-selected]."""

    first_won: datetime | None = None
    """Time of the first search that it won, within the period [most-selected]."""

    last_won: datetime | None = None
    """Time of the last search that it won, within the period [most-selected]."""

    event_id: UUID | None = None
    """Id of the event [low-confidence]."""

    event_timestamp: datetime | None = None
    """When the API server accepted the search [low-confidence]."""

    correlation_id: str | None = None
    """The remediation request that the search served [low-confidence]."""

    confidence: float | None = None
    """Confidence of the winner, 0 to 1 [low-confidence]."""

    kind: Literal["filters", "text"] | None = None
    """What the searches have in common [patterns]."""

    filters: dict[str, str] | None = None
    """Labels that were asked for, all of them [patterns, of the kind filters]."""

    text: str | None = None
    """Text of the query, redacted [low-confidence; patterns, of the kind text]."""

    searches: int | None = None
    """How many searches were alike [patterns]."""

    empty: int | None = None
    """How many of them went well and found nothing [patterns]."""

    failed: int | None = None
    """How many of them failed [patterns]."""

    side: Literal["boost", "penalty"] | None = None
    """Of the label boost, or of the label penalty [unattributed]."""

    scorings: int | None = None
    """In how many of its scorings something is unattributed on this side [unattributed]."""

    sum: float | None = None
    """All of it together; below 0 where breakdowns say more than there is [unattributed]."""

    least: float | None = None
    """The least one [unattributed]."""

    greatest: float | None = None
    """The greatest one [unattributed]."""


class AuditStatisticObject(Model):
    """A statistic of the searches in a namespace, or in all; its name says which one.

    There are selection-rate, low-confidence, patterns, most-selected and unattributed.
    """

    model_config = ConfigDict(title="AuditStatistic")

    period: PeriodObject
    """Which searches were looked at, by time."""

    parameters: Parameters
    """What was asked for."""

    totals: Totals | None = None
    """All searches of the period, whatever the rows are limited to. Left out where nobody asked."""

    rows: list[Row]
    """The statistic itself; its order is told in the documentation."""

    has_more: bool
    """Whether rows were left out because of the limit."""
