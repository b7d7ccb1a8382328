"""How often somebody may ask: at once as often as the burst says, then at the rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_audit.domain.rates import Bucket, Rate, taken

RATE = Rate(per_second=2, burst=3)


@pytest.mark.parametrize(
    ("bucket", "now", "left", "wait_seconds"),
    [
        pytest.param(None, 10, 2, 0, id="who-is-not-known-has-the-whole-burst"),
        pytest.param(Bucket(1, 10), 10, 0, 0, id="the-last-one"),
        pytest.param(Bucket(0, 10), 10, 0, 0.5, id="none-left-and-told-when-there-is-one"),
        pytest.param(Bucket(0.5, 10), 10, 0.5, 0.25, id="half-a-one-is-none"),
        pytest.param(Bucket(0, 10), 10.5, 0, 0, id="one-has-come-meanwhile"),
        pytest.param(Bucket(0, 10), 60, 2, 0, id="a-long-rest-gives-the-burst-and-no-more"),
        pytest.param(Bucket(1, 10), 9, 0, 0, id="a-clock-that-went-back-takes-nothing-away"),
    ],
)
def test_taking_one(bucket: Bucket | None, now: float, left: float, wait_seconds: float) -> None:
    after, wait = taken(RATE, bucket, now)
    assert (after.left, wait) == (left, wait_seconds)


@given(st.lists(st.floats(0, 2), max_size=60), st.floats(0.1, 50), st.integers(1, 20))
def test_never_more_than_burst_and_rate_allow(
    pauses: list[float], per_second: float, burst: int
) -> None:
    rate, bucket, now, given_out = Rate(per_second, burst), None, 0.0, 0
    for pause in pauses:
        now += pause
        bucket, wait = taken(rate, bucket, now)
        given_out += wait == 0
        if wait:
            assert taken(rate, bucket, now + wait * 1.001 + 1e-6)[1] == 0, "the wait was told true"
    assert given_out <= burst + per_second * now + 1e-6
