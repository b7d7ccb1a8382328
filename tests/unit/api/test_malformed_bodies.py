"""Whatever is sent, the answer is no mistake of ours, and names what is wrong."""

import asyncio
import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.submitting import a_failure, a_submission
from unit.api.asgi import BATCH, EVENTS, NOW, Told, an_application, ingestion, post

BODIES_AT_A_TIME = 10
EXAMPLES = 1000

VALID = [a_submission(NOW), a_failure(event_timestamp=a_submission(NOW)["event_timestamp"])]

Path = tuple[str | int, ...]


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Every place in a value."""
    yield at
    places: Any = ()
    if isinstance(value, dict):
        places = value.items()
    elif isinstance(value, list):
        places = enumerate(value)
    for key, each in places:
        yield from paths(each, (*at, key))


PLACES = [(number, path) for number, event in enumerate(VALID) for path in paths(event) if path]

_texts = st.text(
    st.characters() | st.sampled_from('\x00\ud800\udfff\\"{[é漢\U0001f680'), max_size=9
)
_near = st.sampled_from(
    ["", "x" * 300, "2026-11-23T10:31:07Z", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59-14:00",
     "success", "failure", "a b", "-", 0, -1, 1e308, 10**400, True, 2**63, 0.5, [], {}, [[]]]
)  # fmt: skip
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts | _near,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def _mutated(draw: st.DrawFn) -> Any:
    """A search with another value, or nothing, in one to three places."""
    number, path = draw(st.sampled_from(PLACES))
    event: Any = copy.deepcopy(VALID[number])
    inner = event
    for part in path[:-1]:
        inner = inner[part]
    if draw(st.booleans()):
        inner[path[-1]] = draw(_values)
    else:
        del inner[path[-1]]
    return event


def _as_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


_whole = (_mutated() | _values).map(_as_bytes)
_cut = st.builds(lambda text, share: text[: int(len(text) * share)], _whole, st.floats(0, 1))
_batches = st.lists(_mutated() | _values, max_size=4).map(_as_bytes)
_bodies = st.one_of(_whole, _whole, _cut, st.binary(max_size=30), _batches)
_sent = st.tuples(_bodies, st.sampled_from([EVENTS, BATCH]))


@pytest.mark.slow
def test_ten_thousand_of_them() -> None:
    app = an_application(ingestion(seconds=30))
    statuses = set()

    def judge(told: Told) -> None:
        statuses.add(told.status)
        assert told.status in {200, 201, 207, 400, 403, 413}, told.body
        if told.status in {400, 403}:
            assert told.body["detail"]
        for result in told.body.get("results", ()):
            assert result["problem"] is None or result["problem"]["status"] in {400, 403}

    with asyncio.Runner() as runner:

        async def asked(all_sent: list[tuple[bytes, str]]) -> None:
            for body, path in all_sent:
                judge(await post(app, body, path))

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @given(st.lists(_sent, min_size=BODIES_AT_A_TIME, max_size=BODIES_AT_A_TIME))
        def ask(all_sent: list[tuple[bytes, str]]) -> None:
            runner.run(asked(all_sent))

        ask()
    assert {201, 207, 400} <= statuses
