"""A cursor leads on in its own list for a while, and nowhere else."""

import base64
import contextlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_audit.domain.cursor import (
    CLOCK_SKEW,
    LIFETIME,
    LONGEST,
    Cursor,
    opened,
    sealed,
    unverified_beginning,
)
from workflow_audit.errors import CursorExpiredError, InvalidFieldError
from workflow_audit.models.query import Condition, EventQuery, Place

NOW = datetime(2026, 11, 24, 10, 31, 7, 123456, tzinfo=UTC)
PLACE = Place(NOW - timedelta(days=400, microseconds=1), UUID(int=7))
BEGUN = NOW - timedelta(minutes=3)
CURSOR = Cursor(PLACE, 42, BEGUN, counted=10_001)
QUERY = EventQuery("payments", (Condition("correlation_id", "in", ("rr-1",)),))
KEY = b"k" * 32


def test_it_leads_on() -> None:
    text = sealed(CURSOR, QUERY, KEY, NOW)
    assert opened(text, QUERY, KEY, NOW + LIFETIME, "continue") == CURSOR
    assert opened(text, QUERY, KEY, NOW - CLOCK_SKEW, "continue") == CURSOR, "a slower replica"
    assert unverified_beginning(text, "continue") == BEGUN
    assert len(text) <= LONGEST


@pytest.mark.parametrize("counted", [None, 0, 1])
def test_it_knows_whether_the_list_was_counted(counted: int | None) -> None:
    cursor = Cursor(PLACE, 42, BEGUN, counted)
    assert opened(sealed(cursor, QUERY, KEY, NOW), QUERY, KEY, NOW, "continue") == cursor


@pytest.mark.parametrize(
    "query",
    [
        EventQuery("billing", QUERY.conditions),
        EventQuery(None, QUERY.conditions),
        EventQuery("payments"),
        EventQuery("payments", QUERY.conditions, since=NOW),
    ],
    ids=["namespace", "everywhere", "selector", "time"],
)
def test_not_in_another_list(query: EventQuery) -> None:
    text = sealed(CURSOR, QUERY, KEY, NOW)
    with pytest.raises(InvalidFieldError, match=r"^continue: .* is no cursor for this query"):
        opened(text, query, KEY, NOW, "continue")


def test_after_an_exchange_of_the_key_a_list_is_begun_anew() -> None:
    text = sealed(CURSOR, QUERY, b"another" * 5, NOW)
    with pytest.raises(CursorExpiredError, match=r"^continue: .* list from the beginning"):
        opened(text, QUERY, KEY, NOW, "continue")


@pytest.mark.parametrize(
    "later", [LIFETIME + timedelta(microseconds=1), -CLOCK_SKEW - timedelta(microseconds=1)]
)
def test_not_for_ever(later: timedelta) -> None:
    text = sealed(CURSOR, QUERY, KEY, NOW)
    with pytest.raises(CursorExpiredError, match="list from the beginning"):
        opened(text, QUERY, KEY, NOW + later, "continue")


def test_every_changed_bit_is_noticed() -> None:
    text = sealed(CURSOR, QUERY, KEY, NOW)
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    for bit in range(len(content) * 8):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        forged = base64.urlsafe_b64encode(bytes(changed)).decode().rstrip("=")
        of_the_key = bit < 8 * (1 + 4)
        with pytest.raises(CursorExpiredError if of_the_key else InvalidFieldError):
            opened(forged, QUERY, KEY, NOW, "continue")
        with contextlib.suppress(InvalidFieldError):  # but never another error
            unverified_beginning(forged, "continue")


@given(st.text(max_size=120))
def test_what_was_made_up_is_refused(text: str) -> None:
    with pytest.raises(InvalidFieldError):
        opened(text, QUERY, KEY, NOW, "continue")
    with pytest.raises(InvalidFieldError, match=r"^cursor: .* is no cursor"):
        unverified_beginning(text, "cursor")
