"""What an answer means for a search, and when it is tried again."""

import pytest

from workflow_audit.client.outcomes import Again, Refused, pause_seconds, refusal, retry_after

NOW = 1_800_000_000.0


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_what_is_refused_for_good_is_kept_with_the_words(status: int) -> None:
    assert refusal(status, "words", 3) == Refused(f"{status}: words", status)


@pytest.mark.parametrize(
    ("status", "concerns_all"),
    [
        (302, True),
        (401, True),
        (403, False),
        (404, False),
        (408, True),
        (418, False),
        (429, True),
        (500, True),
        (503, True),
        (599, True),
    ],
)
def test_all_else_is_tried_again(status: int, concerns_all: bool) -> None:
    outcome = refusal(status, "secret words")
    assert isinstance(outcome, Again)
    assert outcome.concerns_all is concerns_all
    assert str(status) in outcome.reason
    assert "secret" not in outcome.reason


def test_a_server_may_say_when_but_not_have_us_wait_for_hours() -> None:
    assert refusal(429, "", 7).after_seconds == 7  # type: ignore[union-attr]
    assert refusal(429, "", 99_999).after_seconds == 300  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("7", 7),
        ("9" * 400, 999_999),
        ("-1", None),
        ("soon", None),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0),
        ("Fri, 15 Jan 2027 08:00:30 -0000", 30),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


def test_pauses_double_up_to_a_minute() -> None:
    assert [pause_seconds(n, 1.0) for n in (1, 2, 3, 6, 7, 8, 10**9)] == [1, 2, 4, 32, 60, 60, 60]


def test_chance_halves_a_pause_at_most() -> None:
    assert pause_seconds(3, 0.0) == 2
