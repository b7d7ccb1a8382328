"""Conditions are written as Kubernetes writes them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from workflow_audit.domain.conditions import MESSAGE_CHARACTERS, READY, condition

AT = datetime(2026, 11, 23, 10, 31, 7, 999_999, UTC)


@pytest.mark.parametrize(
    ("message", "written"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("m" * MESSAGE_CHARACTERS, "m" * MESSAGE_CHARACTERS, id="just-fits"),
        pytest.param("m" * 9999, "m" * (MESSAGE_CHARACTERS - 1) + "…", id="too-long-is-cut"),
        pytest.param("漢" * 9999, "漢" * (MESSAGE_CHARACTERS - 1) + "…", id="by-character"),
    ],
)
def test_messages(message: str, written: str) -> None:
    made = condition(READY, "True", "Recorded", message, generation=3, at=AT)
    assert made.message == written


def test_a_time_has_whole_seconds_in_utc() -> None:
    there = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    made = condition(READY, "True", "Recorded", "", generation=3, at=there)
    assert made.last_transition_time.isoformat() == "2026-11-23T10:31:07+00:00"


def test_a_condition_says_what_it_was_told() -> None:
    made = condition(READY, "False", "Why", "because", generation=3, at=AT)
    assert made.model_dump(by_alias=True, exclude={"last_transition_time"}) == {
        "type": "Ready",
        "status": "False",
        "reason": "Why",
        "message": "because",
        "observedGeneration": 3,
    }
