"""Which searches a statistic looks at, and how many buckets and rows an answer may have."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workflow_audit.domain.statistics import answer, check_buckets, period
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.policy import PolicySpec
from workflow_audit.models.statistics import (
    MOST_BUCKETS,
    USUAL_THRESHOLD,
    Bucket,
    Counted,
    Period,
    Statistic,
    StatisticQuery,
)

NOW = datetime(2026, 11, 27, 10, 31, 7, tzinfo=UTC)
TODAY = datetime(2026, 11, 27, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        pytest.param(
            None, None, Period(TODAY - 30 * DAY, NOW, is_open=True), id="the-last-30-days"
        ),
        pytest.param("7d", None, Period(TODAY - 7 * DAY, NOW, is_open=True), id="until-now"),
        pytest.param("24h", None, Period(NOW - DAY, NOW, is_open=True), id="hours-are-exact"),
        pytest.param(None, "7d", Period(TODAY - 37 * DAY, TODAY - 7 * DAY), id="30-days-before"),
        pytest.param(
            "2026-11-01",
            "2026-11-02T01:00:00+01:00",
            Period(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)),
            id="both",
        ),
    ],
)
def test_periods(since: str | None, until: str | None, expected: Period) -> None:
    assert period(since, until, NOW) == expected


@pytest.mark.parametrize(
    ("since", "until", "bucket", "by_days"),
    [
        (None, None, Bucket.NONE, True),
        ("7d", "1d", Bucket.WEEK, True),
        ("2026-11-01", "2026-11-27", Bucket.DAY, True),
        ("2026-11-01T01:00:00+01:00", None, Bucket.MONTH, True),
        ("7d", None, Bucket.HOUR, False),
        ("24h", None, Bucket.NONE, False),
        ("7d", "1h", Bucket.NONE, False),
        ("2026-11-01T10:31:00Z", "2026-11-27", Bucket.DAY, False),
    ],
)
def test_sums_by_day_answer_for_whole_days(
    since: str | None, until: str | None, bucket: Bucket, *, by_days: bool
) -> None:
    asked = StatisticQuery(
        statistic=Statistic.PATTERNS, period=period(since, until, NOW), bucket=bucket
    )
    assert asked.is_by_days is by_days


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [
        ("soon", None, "since"),
        (None, "later", "until"),
        ("1h", "1h", "since"),
        ("2030-01-01", None, "since"),
        (None, "0001-01-15", "until"),
    ],
)
def test_what_is_no_period_is_refused_by_name(
    since: str | None, until: str | None, field: str
) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        period(since, until, NOW)
    assert caught.value.path == field


@pytest.mark.parametrize(
    ("bucket", "length", "allowed"),
    [
        pytest.param(Bucket.NONE, 10_000 * DAY, True, id="no-buckets"),
        pytest.param(Bucket.HOUR, 41 * DAY, True, id="hours"),
        pytest.param(Bucket.HOUR, 42 * DAY, False, id="too-many-hours"),
        pytest.param(Bucket.DAY, (MOST_BUCKETS - 1) * DAY, True, id="days"),
        pytest.param(Bucket.DAY, MOST_BUCKETS * DAY, False, id="too-many-days"),
        pytest.param(Bucket.WEEK, 6_900 * DAY, True, id="weeks"),
        pytest.param(Bucket.MONTH, 27_900 * DAY, True, id="months"),
    ],
)
def test_buckets_are_bounded(bucket: Bucket, length: timedelta, *, allowed: bool) -> None:
    asked = Period(NOW - length, NOW)
    if allowed:
        check_buckets(asked, bucket)
        return
    with pytest.raises(InvalidFieldError, match="choose a longer bucket, or a shorter period"):
        check_buckets(asked, bucket)


def pattern(kind: str, text: str) -> dict[str, Any]:
    counts = {"searches": 1, "empty": 0, "failed": 0, "average_confidence": None}
    return {"kind": kind, "pattern": text, "bucket": None, "namespace": None} | counts


def test_the_limit_is_one_of_each_kind_of_pattern() -> None:
    query = StatisticQuery(statistic=Statistic.PATTERNS, period=Period(NOW - DAY, NOW), limit=1)
    rows = [pattern("filters", '{"a": "b", "n": [1]}'), pattern("text", "x")]
    found = answer(query, Counted(None, rows))
    assert [dict(row)["filters"] for row in found.rows] == [{"a": "b", "n": "[1]"}, None]
    assert not found.has_more
    more = answer(query, Counted(None, [*rows, pattern("text", "y")]))
    assert [dict(row)["text"] for row in more.rows] == [None, "x"]
    assert more.has_more


def test_a_confidence_is_low_where_a_policy_says_so() -> None:
    assert PolicySpec().scoring.low_confidence == USUAL_THRESHOLD
