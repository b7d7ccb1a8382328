"""How many searches are under way between watch and status; at the limit the watch waits.

kopf reads whatever the API server sends and keeps it, a task and an object for each search. With
a long backlog, or a database that is away, that grows without bound; so lists and watches are read
no further while too many searches are under way. The rest waits in the cluster, which is made for
keeping it. The API server may close a watch that is not read: it is then opened again.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp


class Flow:
    """Counts searches under way.

    Statuses wait here for their turn and not in the connection pool: there the next page of a
    list would wait behind all of them, and rows would be written no faster than statuses.
    """

    def __init__(self, limit: int, patches: int) -> None:
        """Begin without any.

        Args:
            limit: searches under way at which lists and watches wait.
            patches: statuses that are written at a time.
        """
        self._limit = limit
        self._turns = asyncio.Semaphore(patches)
        self._count = 0
        self._room = asyncio.Event()
        self._room.set()

    @contextmanager
    def search(self) -> Iterator[None]:
        """Count a search as being recorded, or its status as being written."""
        self._changed(+1)
        try:
            yield
        finally:
            self._changed(-1)

    async def room(self) -> None:
        """Wait until fewer searches than the limit are under way."""
        await self._room.wait()

    async def patch_started(self) -> None:
        """Count a status that is to be written, and wait for its turn."""
        self._changed(+1)
        try:
            await self._turns.acquire()
        except BaseException:
            self._changed(-1)
            raise

    def patch_ended(self) -> None:
        """Count it no more; the next one has its turn."""
        self._turns.release()
        self._changed(-1)

    def _changed(self, by: int) -> None:
        self._count += by
        if self._count < self._limit:
            self._room.set()
        else:
            self._room.clear()


LEFT = b'{"type":"DELETED",'
"""How a line of a watch begins whose search has left the selection, as each does that is done."""


class HeldStream:
    """The body of a watch, read no further while there is no room, and only what is to be done.

    A search that is done leaves the watch's selection, and the API server says so with all of it.
    The handler has nothing to do then, but kopf would parse it and begin anew with the object.
    """

    def __init__(self, content: aiohttp.StreamReader, flow: Flow) -> None:
        self._content = content
        self._flow = flow

    def __getattr__(self, name: str) -> Any:
        """Be the held stream in everything else."""
        return getattr(self._content, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Give the body in pieces, as kopf reads a watch; whole lines, but for the last."""
        rest = b""
        async for chunk in self._content.iter_chunked(size):
            *lines, rest = (rest + chunk).split(b"\n")
            if kept := [line for line in lines if not line.startswith(LEFT)]:
                await self._flow.room()
                yield b"\n".join([*kept, b""])
        if rest:
            yield rest
