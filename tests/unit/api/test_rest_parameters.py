"""Parameters mean exactly what they say; what cannot be meant is refused by name."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError
from starlette.datastructures import QueryParams

from workflow_audit.api.rest_parameters import (
    FILTERS,
    EventParameters,
    beginning,
    event_query,
    refuse_repeated,
)
from workflow_audit.domain.cursor import Cursor, sealed
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.query import Condition, EventQuery, Place
from workflow_audit.store.filters import COLUMNS

NOW = datetime(2026, 11, 24, 10, 31, 7, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, EventQuery()),
        ({"namespace": "payments"}, EventQuery("payments")),
        (
            {"service": "holmesgpt-api"},
            EventQuery(conditions=(Condition("actor_id", "in", ("holmesgpt-api",)),)),
        ),
        (
            {"workflow_id": "w"},
            EventQuery(conditions=(Condition("top_workflow_id", "in", ("w",)),)),
        ),
        (
            {"event_date": "2026-11-24"},
            EventQuery(conditions=(Condition("event_date", "in", (date(2026, 11, 24),)),)),
        ),
        ({"since": "7d", "until": "24h"}, EventQuery(since=NOW - 7 * DAY, until=NOW - DAY)),
    ],
    ids=str,
)
def test_what_is_asked_for(given: dict[str, str], expected: EventQuery) -> None:
    assert event_query(EventParameters.model_validate(given), NOW) == expected


def test_every_column_that_can_be_selected_by_is_a_parameter() -> None:
    assert set(FILTERS) <= set(EventParameters.model_fields)
    assert set(FILTERS.values()) == set(COLUMNS) - {"event_id"}, "an id has a path of its own"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"event_date": "yesterday"}, "event_date"),
        ({"since": "soon"}, "since"),
        ({"until": "soon"}, "until"),
        ({"since": "1h", "until": "2h"}, "since"),
        ({"since": "2h", "until": "2h"}, "since"),
    ],
    ids=str,
)
def test_what_cannot_be_meant(given: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        event_query(EventParameters.model_validate(given), NOW)
    assert caught.value.path == field


@pytest.mark.parametrize(
    "given",
    [
        {"namespce": "payments"},
        {"namespace": ""},
        {"correlation_id": "a\0b"},
        {"service": "x" * 256},
        {"event_outcome": "good"},
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "many"},
        {"offset": "-1"},
        {"cursor": ""},
    ],
    ids=str,
)
def test_what_has_no_form(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        EventParameters.model_validate(given)


def test_a_list_begins_now_or_where_its_cursor_says() -> None:
    begun = NOW - timedelta(minutes=5)
    cursor = sealed(Cursor(Place(NOW, UUID(int=1)), 1, begun), EventQuery(), b"k" * 32, NOW)
    assert beginning(EventParameters(), NOW) == NOW
    assert beginning(EventParameters(offset=10_000), NOW) == NOW
    assert beginning(EventParameters(cursor=cursor), NOW) == begun
    for wrong, path in (
        (EventParameters(offset=10_001), "offset"),
        (EventParameters(offset=1, cursor=cursor), "offset"),
        (EventParameters(cursor="x"), "cursor"),
    ):
        with pytest.raises(InvalidFieldError) as caught:
            beginning(wrong, NOW)
        assert caught.value.path == path


def test_a_parameter_is_given_once() -> None:
    refuse_repeated(QueryParams("service=a&severity=a"))
    with pytest.raises(InvalidFieldError, match=r"^service: 'a, b' is given 2 times"):
        refuse_repeated(QueryParams("service=a&severity=a&service=b"))
