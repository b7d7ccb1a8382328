"""A watch goes on where it was."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from typing import Any

import pytest

from workflow_audit.errors import ClusterError
from workflow_audit.models.listing import EventPage, Told
from workflow_audit.services.following import Following

Json = dict[str, Any]

AWAY = ClusterError("away", 503)
CUT = ClusterError("cut")
FORBIDDEN = ClusterError("forbidden", 403)


def told(position: int, kind: Any = "ADDED") -> Told:
    return Told(kind, {"metadata": {"resourceVersion": str(position)}})


class Server:
    """Gives one stream after the other; each ends, or breaks with an error."""

    def __init__(self, *streams: Iterable[Told | ClusterError]) -> None:
        self.streams = iter(streams)
        self.begun: list[str] = []

    async def page(
        self, parameters: Mapping[str, str], most: int, *, cursor: str = "", position: str = ""
    ) -> EventPage:
        return EventPage([], "", "5")

    async def watch(
        self, parameters: Mapping[str, str], position: str
    ) -> AsyncGenerator[Told, None]:
        self.begun.append(position)
        for each in next(self.streams, [FORBIDDEN]):
            if isinstance(each, ClusterError):
                raise each
            yield each


async def followed(server: Server, waited: list[float]) -> list[str]:
    """Follow until the server has no more streams."""
    found: list[str] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def follow() -> None:
        async with aclosing(Following(server, sleep=sleep).follow({})) as events:
            async for event in events:
                found.append(event["metadata"]["resourceVersion"])  # noqa: PERF401 - it raises

    with pytest.raises(ClusterError) as caught:
        await follow()
    assert caught.value is FORBIDDEN
    return found


@pytest.mark.parametrize(
    ("streams", "found", "begun"),
    [
        pytest.param([], [], ["5"], id="nothing"),
        pytest.param([[told(6), told(8)]], ["6", "8"], ["5", "8"], id="ends"),
        pytest.param([[told(6), CUT], [told(7)]], ["6", "7"], ["5", "6", "7"], id="breaks"),
        pytest.param([[told(9, "BOOKMARK"), CUT]], [], ["5", "9"], id="bookmark-then-break"),
        pytest.param([[AWAY], [CUT], [told(6)]], ["6"], ["5", "5", "5", "6"], id="breaks-at-once"),
    ],
)
async def test_follow(
    streams: list[list[Told | ClusterError]], found: list[str], begun: list[str]
) -> None:
    server = Server(*streams)
    assert await followed(server, []) == found
    assert server.begun == begun


async def test_pauses_grow_until_something_is_told() -> None:
    waited: list[float] = []
    await followed(Server([CUT], [CUT], [CUT], [told(6), CUT], *[[CUT]] * 6), waited)
    assert waited == [0.5, 1, 2, 0.5, 1, 2, 4, 8, 15, 15]


async def test_it_waits_as_long_as_it_is_told_within_bounds() -> None:
    waited: list[float] = []
    soon, late = (ClusterError("busy", 429, retry_after_seconds=s) for s in (3, 1000))
    await followed(Server([soon], [told(6), late]), waited)
    assert waited == [3, 15]
