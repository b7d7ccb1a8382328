"""Instants are read as people write them, and never guessed."""

import contextlib
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_audit.domain.instants import day, instant, rfc3339
from workflow_audit.errors import InvalidFieldError

NOW = datetime(2026, 11, 24, 10, 31, 7, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("45s", NOW - timedelta(seconds=45), id="seconds"),
        pytest.param("30m", NOW - timedelta(minutes=30), id="minutes-not-months"),
        pytest.param("24h", NOW - timedelta(hours=24), id="hours"),
        pytest.param("7d", NOW - timedelta(days=7), id="days"),
        pytest.param("0s", NOW, id="now"),
        pytest.param("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC), id="first-instant-of-date"),
        pytest.param(
            "2026-11-24T10:30:00Z", datetime(2026, 11, 24, 10, 30, tzinfo=UTC), id="rfc-3339"
        ),
        pytest.param(
            "2026-11-24t10:30:00z", datetime(2026, 11, 24, 10, 30, tzinfo=UTC), id="small-letters"
        ),
        pytest.param(
            "2026-11-24T00:30:00.000001+01:00",
            datetime(2026, 11, 23, 23, 30, 0, 1, tzinfo=UTC),
            id="offset-and-microseconds",
        ),
    ],
)
def test_what_is_meant(text: str, expected: datetime) -> None:
    found = instant("since", text, NOW)
    assert found == expected
    assert found.tzinfo is UTC


def test_spans_end_now_wherever_the_clock_is() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=9)))
    assert instant("since", "1h", elsewhere) == NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "is no time", id="nothing"),
        pytest.param("yesterday", "is no time", id="word"),
        pytest.param("24", "is no time", id="no-unit"),
        pytest.param("1w", "is no time", id="unknown-unit"),
        pytest.param("-1h", "is no time", id="future"),
        pytest.param("1h30m", "is no time", id="two-units"),
        pytest.param("\u0661h", "is no time", id="other-digits"),
        pytest.param("24h\n", "is no time", id="line-end"),
        pytest.param("2026-11-24T10:30:00", "is no time", id="no-offset"),
        pytest.param("2026-11-24T10:30:00 01:00", "is no time", id="plus-became-space"),
        pytest.param("20261124", "is no time", id="not-rfc-3339"),
        pytest.param("2026-02-30", "is in no calendar", id="no-such-day"),
        pytest.param("2026-11-24T25:00:00Z", "is in no calendar", id="no-such-hour"),
        pytest.param("999999999d", "is in no calendar", id="before-the-first-year"),
        pytest.param("0001-01-01T00:00:00+14:00", "is in no calendar", id="year-0-in-utc"),
        pytest.param("9999-12-31T23:59:59-14:00", "is in no calendar", id="year-10000-in-utc"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(InvalidFieldError, match=f"^since: .*{why}; write it as 30m, 24h, 7d"):
        instant("since", text, NOW)


@given(st.text(max_size=30) | st.from_regex(r"[0-9]{1,9}[smhd]|[0-9TZ:+. -]{10,30}"))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    with contextlib.suppress(InvalidFieldError):
        assert instant("since", text, NOW).tzinfo is UTC


def test_day() -> None:
    assert day("--date", "2026-11-24") == date(2026, 11, 24)
    with pytest.raises(InvalidFieldError, match="--date: '24' is no date; write it as 2026-11-24"):
        day("--date", "24")


@pytest.mark.parametrize(
    ("at", "text"),
    [
        pytest.param(NOW.replace(microsecond=0), "2026-11-24T10:31:07.000000Z", id="whole-seconds"),
        pytest.param(
            datetime(2026, 11, 24, 1, microsecond=7, tzinfo=timezone(timedelta(hours=2))),
            "2026-11-23T23:00:00.000007Z",
            id="zone-and-microseconds",
        ),
        pytest.param(datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z", id="year-one"),
    ],
)
def test_rfc3339(at: datetime, text: str) -> None:
    assert rfc3339(at) == text
    assert datetime.fromisoformat(text) == at
