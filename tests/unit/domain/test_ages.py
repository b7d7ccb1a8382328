"""Ages read as kubectl's own."""

from datetime import timedelta

import pytest

from workflow_audit.domain.ages import age


@pytest.mark.parametrize(
    ("elapsed", "shown"),
    [
        ({"seconds": -2}, "<invalid>"),
        ({"seconds": -1}, "0s"),
        ({}, "0s"),
        ({"seconds": 119}, "119s"),
        ({"minutes": 2}, "2m"),
        ({"minutes": 9, "seconds": 59}, "9m59s"),
        ({"minutes": 10, "seconds": 1}, "10m"),
        ({"minutes": 179}, "179m"),
        ({"hours": 3}, "3h"),
        ({"hours": 7, "minutes": 59}, "7h59m"),
        ({"hours": 47, "minutes": 59}, "47h"),
        ({"days": 2}, "2d"),
        ({"days": 7, "hours": 23}, "7d23h"),
        ({"days": 8, "hours": 1}, "8d"),
        ({"days": 729}, "729d"),
        ({"days": 730}, "2y"),
        ({"days": 730 + 17}, "2y17d"),
        ({"days": 8 * 365}, "8y"),
    ],
)
def test_ages(elapsed: dict[str, int], shown: str) -> None:
    assert age(timedelta(**elapsed)) == shown
