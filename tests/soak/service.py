"""What a Service is for pods: one port in front of several servers, past those that are down."""

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from random import Random
from types import TracebackType
from typing import Self

from workflow_audit.local.ports import HOST, free_port

CHUNK_BYTES = 65536


class Service:
    """Passes each connection to one of the servers that take it; bytes go through as they are."""

    def __init__(self, backends: Sequence[int], random: Random) -> None:
        self.port = free_port(but_not=backends)
        self._backends = list(backends)
        self._random = random
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="service")

    def __enter__(self) -> Self:
        self._thread.start()
        listening = asyncio.start_server(self._serve, HOST, self.port)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            for port in self._random.sample(self._backends, len(self._backends)):
                try:
                    ours = await asyncio.open_connection(HOST, port)
                except OSError:
                    continue
                await _both_ways((reader, writer), ours)
                break
        writer.transport.abort()


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _both_ways(client: Ends, server: Ends) -> None:
    """Pass bytes until one of both ends, which then is the end of the other too."""
    ways = [
        asyncio.ensure_future(_pass(client[0], server[1])),
        asyncio.ensure_future(_pass(server[0], client[1])),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        server[1].transport.abort()
        with contextlib.suppress(OSError):
            await client[1].drain()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
