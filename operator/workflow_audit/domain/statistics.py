"""Parameters -> which searches a statistic looks at; what the database says -> the answer."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from workflow_audit.domain.instants import instant
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.statistics import (
    MOST_BUCKETS,
    ROWS,
    USUAL_DAYS,
    Bucket,
    Counted,
    Period,
    Statistic,
    StatisticAnswer,
    StatisticQuery,
)

LENGTHS: Mapping[Bucket, timedelta] = {
    Bucket.HOUR: timedelta(hours=1),
    Bucket.DAY: timedelta(days=1),
    Bucket.WEEK: timedelta(weeks=1),
    Bucket.MONTH: timedelta(days=28),
}
"""The least length of a bucket."""

_DAYS = re.compile("[0-9]+d")


def period(since: str | None, until: str | None, now: datetime) -> Period:
    """Give the period that is meant; without `since`, the USUAL_DAYS before its end.

    A span of days leads to the beginning of a day: whole days are summed up already.

    Raises:
        InvalidFieldError: one is no time, or no time lies between the two.
    """
    end = _moment("until", until, now) if until else now.astimezone(UTC)
    begin = _moment("since", since, now) if since else _usual_beginning(until, end)
    if begin >= end:
        remedy = "give an earlier `since` or a later `until`"
        raise InvalidFieldError("since", since, "is not before `until`", remedy)
    return Period(begin, end, is_open=until is None)


def _usual_beginning(until: str | None, end: datetime) -> datetime:
    try:
        return _midnight(end - timedelta(days=USUAL_DAYS))
    except OverflowError:
        remedy = "give a later one, or `since`"
        raise InvalidFieldError("until", until, "leaves no room before it", remedy) from None


def _moment(name: str, text: str, now: datetime) -> datetime:
    found = instant(name, text, now)
    return _midnight(found) if _DAYS.fullmatch(text) else found


def _midnight(at: datetime) -> datetime:
    return datetime.combine(at.date(), time(), UTC)


def check_buckets(asked: Period, bucket: Bucket) -> None:
    """Refuse more buckets than one answer may have.

    Raises:
        InvalidFieldError: names `bucket`.
    """
    if bucket is Bucket.NONE:
        return
    number = (asked.until - asked.since) // LENGTHS[bucket] + 1
    if number > MOST_BUCKETS:
        rule = f"divides this period into {number} parts, and {MOST_BUCKETS} are the most"
        remedy = "choose a longer bucket, or a shorter period by `since` and `until`"
        raise InvalidFieldError("bucket", bucket.value, rule, remedy)


def answer(query: StatisticQuery, counted: Counted) -> StatisticAnswer:
    """Give the answer: rows as far as the limit goes; of patterns, of each kind."""
    of_kind: Counter[str] = Counter()
    kept, has_more = [], False
    for row in counted.rows:
        kind = row.get("kind", "")
        of_kind[kind] += 1
        if of_kind[kind] > query.limit:
            has_more = True
        else:
            kept.append(_shaped(query.statistic, row))
    model = ROWS[query.statistic]
    rows = [model.model_validate(row) for row in kept]
    return StatisticAnswer(query, counted.totals, rows, has_more)


def _shaped(statistic: Statistic, row: Mapping[str, Any]) -> Mapping[str, Any]:
    if statistic is not Statistic.PATTERNS:
        return row
    if row["kind"] == "text":
        return {**row, "text": row["pattern"]}
    filters = json.loads(row["pattern"])
    return {**row, "filters": {key: _text(value) for key, value in filters.items()}}


def _text(value: Any) -> str:
    """Give a filter's value; events that others have recorded may have what is no text."""
    return value if isinstance(value, str) else json.dumps(value)
