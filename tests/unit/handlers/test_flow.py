"""Lists and watches are read no faster than searches are recorded."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from unit.handlers.test_http import ONE, SEARCHES, api_server, held_by
from workflow_audit.handlers.flow import Flow
from workflow_audit.handlers.watch_activity import WatchActivity


async def is_open(waiting: Awaitable[object]) -> bool:
    """Whether what waits goes on at once."""
    try:
        await asyncio.wait_for(asyncio.ensure_future(waiting), 0.05)
    except TimeoutError:
        return False
    return True


async def test_there_is_room_below_the_limit() -> None:
    flow = Flow(limit=2, patches=32)
    assert await is_open(flow.room())
    with flow.search():
        assert await is_open(flow.room())
        with flow.search():
            assert not await is_open(flow.room())
        assert await is_open(flow.room())


async def test_a_status_that_is_written_counts_as_a_search() -> None:
    flow = Flow(limit=1, patches=32)
    await flow.patch_started()
    assert not await is_open(flow.room())
    flow.patch_ended()
    assert await is_open(flow.room())


async def test_no_more_statuses_are_written_at_a_time_than_allowed() -> None:
    flow = Flow(limit=2, patches=1)
    await flow.patch_started()
    assert not await is_open(flow.patch_started())
    assert await is_open(flow.room()), "a cancelled wait is counted no more"
    flow.patch_ended()
    assert await is_open(flow.patch_started())


async def test_a_search_that_fails_or_is_cancelled_makes_room() -> None:
    flow = Flow(limit=1, patches=32)
    for error in (ValueError(), asyncio.CancelledError()):
        with pytest.raises(type(error)), flow.search():
            raise error
        assert await is_open(flow.room())


@pytest.mark.parametrize("status", [200, 409, 500])
async def test_statuses_that_are_written_are_counted_until_they_are_answered(status: int) -> None:
    flow, let, asked = Flow(limit=1, patches=32), asyncio.Event(), asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        asked.set()
        await let.wait()
        return web.json_response({}, status=status)

    async with (
        api_server(answer) as server,
        aiohttp.ClientSession(trace_configs=[WatchActivity(flow).trace_config()]) as session,
    ):
        patch = asyncio.ensure_future(session.patch(server.make_url(ONE)))
        await asked.wait()
        assert not await is_open(flow.room())
        let.set()
        await patch
        assert await is_open(flow.room())


async def test_a_status_that_cannot_be_sent_or_is_cancelled_counts_no_more() -> None:
    flow, asked = Flow(limit=1, patches=32), asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        asked.set()
        await asyncio.sleep(60)
        return web.Response()

    async with (
        api_server(answer) as server,
        aiohttp.ClientSession(trace_configs=[WatchActivity(flow).trace_config()]) as session,
    ):
        with pytest.raises(aiohttp.ClientError):
            await session.patch(f"http://127.0.0.1:1{ONE}")
        assert await is_open(flow.room())
        patch = asyncio.ensure_future(session.patch(server.make_url(ONE)))
        await asked.wait()
        patch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await patch
        assert await is_open(flow.room())


async def test_a_list_is_handed_over_when_there_is_room() -> None:
    flow = Flow(limit=1, patches=32)

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"items": []})

    async with (
        api_server(answer) as server,
        aiohttp.ClientSession(response_class=held_by(flow)) as session,
        session.get(server.make_url(SEARCHES)) as response,
    ):
        with flow.search():
            parsing = asyncio.ensure_future(response.json())
            assert not await is_open(asyncio.shield(parsing))
        assert await parsing == {"items": []}


@asynccontextmanager
async def watched(flow: Flow, pieces: Iterable[bytes]) -> AsyncIterator[aiohttp.StreamReader]:
    """The body of a watch, as kopf gets it; the server sends it in these pieces."""

    async def answer(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        for piece in pieces:
            await stream.write(piece)
        return stream

    async with (
        api_server(answer) as server,
        aiohttp.ClientSession(response_class=held_by(flow)) as session,
        session.get(server.make_url(SEARCHES), params={"watch": "true"}) as response,
    ):
        yield response.content


async def whole(content: aiohttp.StreamReader, size: int = 1024) -> bytes:
    return b"".join([chunk async for chunk in content.iter_chunked(size)])


async def test_a_watch_is_read_no_further_while_there_is_no_room() -> None:
    flow = Flow(limit=1, patches=32)
    async with watched(flow, [b'{"one": 1}\n', b'{"two": 2}\n']) as content:
        with flow.search():
            reading = asyncio.ensure_future(whole(content))
            assert not await is_open(asyncio.shield(reading))
        assert await reading == b'{"one": 1}\n{"two": 2}\n'
        assert content.at_eof()


ADDED = b'{"type":"ADDED","object":{"text":"DELETED"}}\n'
MODIFIED = b'{"type":"MODIFIED","object":{"text":"{\\"type\\":\\"DELETED\\","}}\n'
DELETED = b'{"type":"DELETED","object":{"text":"ADDED"}}\n'
BOOKMARK = b'{"type":"BOOKMARK","object":{}}\n'


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param([ADDED, DELETED, MODIFIED], ADDED + MODIFIED, id="in-the-middle"),
        pytest.param([DELETED + DELETED], b"", id="nothing-else"),
        pytest.param([ADDED + DELETED + BOOKMARK], ADDED + BOOKMARK, id="in-one-piece"),
        pytest.param([DELETED[:9], DELETED[9:] + ADDED], ADDED, id="cut-in-two"),
        pytest.param([ADDED[:30], ADDED[30:-1]], ADDED[:-1], id="a-last-line-without-its-end"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1024])
async def test_searches_that_left_the_selection_are_passed_over(
    sent: list[bytes], kept: bytes, size: int
) -> None:
    async with watched(Flow(limit=1, patches=32), sent) as content:
        assert await whole(content, size) == kept
