"""When retention runs next."""

from datetime import datetime

import pytest

from workflow_audit.domain.schedule import next_time


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        pytest.param("17 3 * * *", "2026-11-24T03:16:59Z", "2026-11-24T03:17:00Z", id="today"),
        pytest.param("17 3 * * *", "2026-11-24T03:17:00Z", "2026-11-25T03:17:00Z", id="exclusive"),
        pytest.param("17 3 * * *", "2026-11-24T03:17:04Z", "2026-11-25T03:17:00Z", id="tomorrow"),
        pytest.param(
            "17 3 * * *", "2026-11-24T05:00:00+02:00", "2026-11-24T03:17:00Z", id="in-utc"
        ),
        pytest.param("0 2 * * SUN", "2026-11-24T00:00:00Z", "2026-11-29T02:00:00Z", id="weekly"),
        pytest.param("0 0 29 2 *", "2026-11-24T00:00:00Z", "2028-02-29T00:00:00Z", id="rarely"),
    ],
)
def test_next_time(schedule: str, after: str, expected: str) -> None:
    found = next_time(schedule, datetime.fromisoformat(after))
    assert found == datetime.fromisoformat(expected)
