"""Times name the months that can hold their events, and no others."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from workflow_audit.models.query import EventQuery
from workflow_audit.store.filters import month, next_month, where

TOKYO = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("since", "first_day"),
    [
        (datetime(2026, 11, 24, 10, tzinfo=UTC), date(2026, 11, 1)),
        (datetime(2026, 11, 1, tzinfo=UTC), date(2026, 11, 1)),
        (datetime(2026, 11, 1, 8, tzinfo=TOKYO), date(2026, 10, 1)),  # October in UTC
    ],
)
def test_months_begin_with_the_one_of_since(since: datetime, first_day: date) -> None:
    assert list(where(EventQuery(since=since)).parameters.values()) == [since, first_day]


@pytest.mark.parametrize(
    ("until", "next_month"),
    [
        (datetime(2026, 11, 24, 10, tzinfo=UTC), date(2026, 12, 1)),
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2026, 1, 31, tzinfo=UTC), date(2026, 2, 1)),
        (datetime(2024, 2, 29, tzinfo=UTC), date(2024, 3, 1)),
        (datetime(2027, 1, 1, 8, tzinfo=TOKYO), date(2027, 1, 1)),  # December in UTC
    ],
)
def test_months_end_with_the_one_of_until(until: datetime, next_month: date) -> None:
    assert list(where(EventQuery(until=until)).parameters.values()) == [until, next_month]


@pytest.mark.parametrize(
    ("at", "first", "behind"),
    [
        (datetime(2026, 11, 27, 12, tzinfo=UTC), date(2026, 11, 1), date(2026, 12, 1)),
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), date(2026, 12, 1), date(2027, 1, 1)),
        (datetime(2024, 1, 31, tzinfo=UTC), date(2024, 1, 1), date(2024, 2, 1)),
        (datetime(9999, 12, 31, tzinfo=UTC), date(9999, 12, 1), date.max),
    ],
)
def test_partitions_are_left_out_by_month(at: datetime, first: date, behind: date) -> None:
    assert (month(at), next_month(at)) == (first, behind)
