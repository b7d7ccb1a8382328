"""A list gives each event once, whatever breaks in between."""

from collections.abc import Iterable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from workflow_audit.errors import ClusterError
from workflow_audit.models.listing import EventPage, place_of
from workflow_audit.services.listing import TRIES, Listing

START = datetime(2026, 11, 24, tzinfo=UTC)
MOST = 3

Json = dict[str, Any]


def event(number: int, second: int) -> Json:
    at = START + timedelta(seconds=second)
    return {"eventId": str(UUID(int=number)), "eventTimestamp": at.isoformat()}


ALL = [event(n, n // 4) for n in reversed(range(10))]
"""Newest first; four of each second, so that a page ends within one."""


class Server:
    """Answers from a list, as the real one does; meets one fault after the other."""

    def __init__(self, faults: Iterable[ClusterError | None] = ()) -> None:
        self.faults = iter(faults)
        self.positions: list[str] = []

    async def page(
        self, parameters: Mapping[str, str], most: int, *, cursor: str = "", position: str = ""
    ) -> EventPage:
        if fault := next(self.faults, None):
            raise fault
        until = parameters.get("until")
        found = [
            each
            for each in ALL
            if not until
            or place_of(each).event_timestamp < datetime.fromisoformat(until)
        ]  # fmt: skip
        begin = int(cursor or 0)
        if not cursor:
            self.positions.append(position)
        more = str(begin + most) if begin + most < len(found) else ""
        return EventPage(found[begin : begin + most], more, "77")


async def listed(
    server: Server, waited: list[float] | None = None, until: str = ""
) -> list[list[Json]]:
    async def sleep(seconds: float) -> None:
        if waited is not None:
            waited.append(seconds)

    parameters = {"until": until} if until else {}
    async with aclosing(Listing(server, sleep=sleep).pages(parameters, MOST)) as pages:
        return [list(page) async for page in pages]


def flat(pages: list[list[Json]]) -> list[Json]:
    return [each for page in pages for each in page]


GONE = ClusterError("expired", 410)
NO_ANSWER = ClusterError("no answer")
AWAY = ClusterError("away", 503)
BUSY = ClusterError("busy", 429, retry_after_seconds=7)
STOPPED = ClusterError("database", 503, retry_after_seconds=1000)
FORBIDDEN = ClusterError("forbidden", 403)


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([], id="nothing"),
        pytest.param([None, GONE], id="expired-after-a-page"),
        pytest.param([None, None, GONE], id="expired-within-a-second"),
        pytest.param([None, GONE, None, None, GONE], id="expired-twice"),
        pytest.param([None, NO_ANSWER, AWAY, NO_ANSWER], id="away-after-a-page"),
        pytest.param([None, AWAY, GONE, AWAY], id="all-at-once"),
        pytest.param([BUSY, BUSY], id="busy-at-the-start"),
    ],
)
async def test_each_event_comes_once(faults: list[ClusterError | None]) -> None:
    server = Server(faults)
    assert flat(await listed(server)) == ALL
    assert next(server.faults, "none left") == "none left"


async def test_a_list_that_is_begun_anew_shows_what_was_there_at_first() -> None:
    server = Server([None, GONE])
    await listed(server)
    assert server.positions == ["", "77"]


async def test_a_bound_of_the_reader_stays() -> None:
    until = (START + timedelta(seconds=1)).isoformat()
    assert flat(await listed(Server([None, GONE]), until=until)) == ALL[-4:]


async def test_pages_come_one_by_one() -> None:
    assert [len(page) for page in await listed(Server())] == [3, 3, 3, 1]


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        pytest.param([AWAY], AWAY, id="away-at-the-start"),
        pytest.param([NO_ANSWER], NO_ANSWER, id="no-answer-at-the-start"),
        pytest.param([FORBIDDEN], FORBIDDEN, id="forbidden"),
        pytest.param([None, FORBIDDEN], FORBIDDEN, id="forbidden-since"),
        pytest.param([GONE], GONE, id="expired-without-a-cursor"),
        pytest.param([None, GONE, GONE], GONE, id="expired-when-begun-anew"),
        pytest.param(
            [None, None, GONE, None, GONE], GONE, id="expired-again-before-anything-new-came"
        ),
        pytest.param([None, *[AWAY] * TRIES], AWAY, id="away-for-too-long"),
        pytest.param([BUSY] * TRIES, BUSY, id="busy-for-too-long"),
    ],
)
async def test_what_does_not_pass_is_raised(
    faults: list[ClusterError | None], error: ClusterError
) -> None:
    server = Server(faults)
    with pytest.raises(ClusterError) as caught:
        await listed(server)
    assert caught.value is error
    assert next(server.faults, "none left") == "none left"


async def test_it_waits_as_long_as_it_is_told_within_bounds() -> None:
    waited: list[float] = []
    await listed(Server([BUSY, STOPPED, None, AWAY, AWAY]), waited)
    assert waited[:2] == [7, 60]
    assert all(0 <= seconds <= 15 for seconds in waited[2:])


async def test_who_waits_is_told_why() -> None:
    told: list[tuple[str, float]] = []

    async def sleep(_: float) -> None:
        return

    listing = Listing(Server([BUSY]), lambda error, s: told.append((str(error), s)), sleep)
    assert [page async for page in listing.pages({}, MOST)]
    assert told == [("busy", 7)]
