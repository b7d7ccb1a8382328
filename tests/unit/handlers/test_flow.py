"""Lists and watches are read no faster than searches are recorded."""

import asyncio
from collections.abc import Awaitable

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


async def test_a_watch_is_read_no_further_while_there_is_no_room() -> None:
    flow = Flow(limit=1, patches=32)

    async def answer(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        for line in (b'{"one": 1}\n', b'{"two": 2}\n'):
            await stream.write(line)
        return stream

    async with (
        api_server(answer) as server,
        aiohttp.ClientSession(response_class=held_by(flow)) as session,
        session.get(server.make_url(SEARCHES), params={"watch": "true"}) as response,
    ):

        async def read() -> bytes:
            return b"".join([chunk async for chunk in response.content.iter_chunked(1024)])

        with flow.search():
            reading = asyncio.ensure_future(read())
            assert not await is_open(asyncio.shield(reading))
        assert await reading == b'{"one": 1}\n{"two": 2}\n'
        assert response.content.at_eof()
