"""A page looks into the newest months first, and all spans together are all of time."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_audit.models.query import Condition, EventQuery, Place
from workflow_audit.store.spans import EVER, Span, spans

NOW = datetime(2026, 11, 24, 10, 31, tzinfo=UTC)
WORKFLOW = (Condition("top_workflow_id", "in", ("x",)),)
CORRELATION = (Condition("correlation_id", "in", ("rr-1",)),)
NOT_ONE = (Condition("correlation_id", "not-in", ("rr-1",)),)


def split(year: int, month: int) -> tuple[Span, ...]:
    boundary = date(year, month, 1)
    return (Span(first_day=boundary), Span(next_day=boundary))


def at(*day: int) -> datetime:
    return datetime(*day, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("query", "after", "now", "expected"),
    [
        pytest.param(EventQuery(), None, NOW, split(2026, 11), id="this-month"),
        pytest.param(EventQuery("x", WORKFLOW), None, NOW, split(2026, 11), id="of-a-workflow"),
        pytest.param(EventQuery(), None, at(2026, 11, 7), split(2026, 10), id="it-has-begun-only"),
        pytest.param(EventQuery(), None, at(2026, 11, 8), split(2026, 11), id="a-week-ago"),
        pytest.param(
            EventQuery(until=at(2026, 3, 20)), None, NOW, split(2026, 3), id="until-a-time"
        ),
        pytest.param(
            EventQuery(until=at(2027, 3, 20)), None, NOW, split(2026, 11), id="until-the-future"
        ),
        pytest.param(EventQuery(), at(2026, 2, 15), NOW, split(2026, 2), id="behind-a-cursor"),
        pytest.param(EventQuery(since=at(2026, 10, 25)), None, NOW, split(2026, 11), id="since"),
        pytest.param(EventQuery(since=at(2026, 11, 1)), None, NOW, (EVER,), id="since-this-month"),
        pytest.param(EventQuery(since=at(2027, 1, 1)), None, NOW, (EVER,), id="since-the-future"),
        pytest.param(EventQuery(conditions=CORRELATION), None, NOW, (EVER,), id="a-handful"),
        pytest.param(EventQuery(conditions=NOT_ONE), None, NOW, split(2026, 11), id="all-but-it"),
        pytest.param(EventQuery(until=at(1, 1, 2)), None, NOW, (EVER,), id="the-first-days"),
    ],
)
def test_where_a_page_looks(
    query: EventQuery, after: datetime | None, now: datetime, expected: tuple[Span, ...]
) -> None:
    place = Place(after, UUID(int=1)) if after else None
    assert spans(query, now, place) == expected


MOMENTS = st.datetimes(timezones=st.just(UTC))


@given(since=st.none() | MOMENTS, until=st.none() | MOMENTS, now=MOMENTS, day=st.dates())
def test_every_day_is_in_one_span(
    since: datetime | None, until: datetime | None, now: datetime, day: date
) -> None:
    found = spans(EventQuery(since=since, until=until), now)
    holds = [
        span
        for span in found
        if (span.first_day or date.min) <= day and (not span.next_day or day < span.next_day)
    ]
    assert len(holds) == 1


def test_a_week_is_always_in_the_first_one() -> None:
    for days in range(400):
        now = NOW + timedelta(days=days)
        first = spans(EventQuery(), now)[0].first_day
        assert first
        assert first <= (now - timedelta(days=7)).date()
        assert first > (now - timedelta(days=39)).date()
