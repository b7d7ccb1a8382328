"""Bodies of requests, read within bounds: nothing here grows with what somebody sends.

What always holds:
- A body is refused before it is read where its head says enough: too large, compressed, no JSON.
- However it comes, so many bytes and seconds are spent on it at the most.
- All bodies that are under way have one bound together, from their first byte until their answer.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import Request
from starlette.requests import ClientDisconnect

from workflow_audit.errors import (
    BodyIncompleteError,
    BodyTooLargeError,
    BodyTooSlowError,
    IngestionBusyError,
    UnsupportedBodyError,
)

JSON = "application/json"
BUSY_SECONDS = 1.0


class Bodies:
    """Reads them."""

    def __init__(self, most_bytes: int, seconds: float) -> None:
        """Begin with none.

        Args:
            most_bytes: of all bodies that are under way.
            seconds: longest time for one to come.
        """
        self._most_bytes, self._seconds = most_bytes, seconds
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """Give how many bytes there are of bodies that are not answered yet."""
        return self._under_way

    @asynccontextmanager
    async def read(self, request: Request, most_bytes: int) -> AsyncIterator[bytearray]:
        """Give a body; it counts as under way for as long as the block takes.

        Args:
            request: whose.
            most_bytes: largest body that is taken.

        Raises:
            UnsupportedBodyError: it is compressed, or says that it is no JSON.
            BodyTooLargeError: it is larger.
            BodyTooSlowError: it does not come in time.
            BodyIncompleteError: the client goes away.
            IngestionBusyError: too much is under way.
        """
        _insist_on_plain_json(request)
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            if size > most_bytes:
                raise BodyTooLargeError(f"the body is larger than {most_bytes} bytes")
            more = max(size - held, 0)
            if self._under_way + more > self._most_bytes:
                busy = f"bodies of {self._under_way} bytes are under way, and not many more may be"
                raise IngestionBusyError(busy, BUSY_SECONDS)
            self._under_way += more
            held += more

        try:
            hold(_announced_bytes(request))
            yield await self._received(request, hold)
        finally:
            self._under_way -= held

    async def _received(self, request: Request, hold: Callable[[int], None]) -> bytearray:
        body = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                async for part in request.stream():
                    hold(len(body) + len(part))
                    body += part
        except TimeoutError:
            late = f"the body did not come within {self._seconds:g} s; {len(body)} bytes have"
            raise BodyTooSlowError(late) from None
        except ClientDisconnect:
            raise BodyIncompleteError("the client went away before its body had come") from None
        return body


def _insist_on_plain_json(request: Request) -> None:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise UnsupportedBodyError(
            f"the content encoding {encoding[:40]!r} is not taken; send it plain"
        )
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != JSON:
        raise UnsupportedBodyError(f"the content type {kind[:80]!r} is not taken; send {JSON}")


def _announced_bytes(request: Request) -> int:
    """Give how large the body says to be; the parser of HTTP refuses what is no number."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0
