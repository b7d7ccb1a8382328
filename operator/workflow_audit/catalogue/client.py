"""One search request to a catalogue: five seconds in all, a bounded number at a time.

What always holds:
- Whatever the catalogue does, `search` returns or raises within the time-out of its policy, the
  wait for its turn included.
- Only a connection that fails is tried again, and only within that time. A search changes nothing,
  so that one which was sent twice does no harm.
- Redirects are not followed: the token would go where nobody wanted it.
- The token is in no message and no result.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import uniform
from typing import Self

import aiohttp
from pydantic import JsonValue

from workflow_audit import __version__
from workflow_audit.catalogue.answers import json_answer
from workflow_audit.catalogue.failures import failure, passes_by_itself, refusal
from workflow_audit.catalogue.trust import trust
from workflow_audit.errors import CatalogueError, InvalidFieldError
from workflow_audit.models.catalogue import Catalogue

PATH = "/api/v1/workflows/search"
OK = 200

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 1.0
"""Before the next attempt at a connection: doubled each time between these, with jitter."""

HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": f"workflow-audit/{__version__}",
}


@dataclass(frozen=True)
class _Request:
    url: str
    body: JsonValue
    catalogue: Catalogue
    token: str | None = field(repr=False)


class CatalogueClient:
    """Asks catalogues; opened in the event loop that uses it."""

    def __init__(self, requests: int) -> None:
        """Know how many searches may run at a time; nothing is opened yet."""
        self._turns = asyncio.Semaphore(requests)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            headers=HEADERS,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session:
            await self._session.close()

    async def search(
        self, catalogue: Catalogue, token: str | None, body: JsonValue
    ) -> tuple[JsonValue, int]:
        """Give the catalogue's answer, and how many milliseconds it took from its turn on.

        Raises:
            CatalogueError: there is none; says why.
        """
        clock = asyncio.get_running_loop().time
        request = _Request(f"{catalogue.url.rstrip('/')}{PATH}", body, catalogue, token)
        deadline = clock() + catalogue.timeout_seconds
        async with self._turn(request, deadline):
            began = clock()
            late = deadline - began < catalogue.timeout_seconds / 2
            try:
                answer = await self._answer(request, deadline)
            except TimeoutError:
                raise _no_turn(request) if late else _no_answer(request) from None
            return answer, round((clock() - began) * 1000)

    @asynccontextmanager
    async def _turn(self, request: _Request, deadline: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(deadline):
                await self._turns.acquire()
        except TimeoutError:
            raise _no_turn(request) from None
        try:
            yield
        finally:
            self._turns.release()

    async def _answer(self, request: _Request, deadline: float) -> JsonValue:
        pause = FIRST_PAUSE_SECONDS
        clock = asyncio.get_running_loop().time
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    return await self._attempt(request)
            except TimeoutError:
                raise
            except (aiohttp.ClientError, OSError) as error:
                found = failure(request.catalogue.url, error)
                if not passes_by_itself(error) or clock() + pause >= deadline:
                    raise found from None
            await asyncio.sleep(pause * uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _attempt(self, request: _Request) -> JsonValue:
        if self._session is None:
            raise RuntimeError("the client is not open")
        catalogue, token = request.catalogue, request.token
        try:
            context = trust(catalogue.ca_bundle)
        except InvalidFieldError as error:
            raise CatalogueError("CatalogueNotConfigured", str(error)) from None
        async with self._session.post(
            request.url,
            json=request.body,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            allow_redirects=False,
            ssl=context,
        ) as answer:
            if answer.status != OK:
                raise refusal(catalogue.url, answer.status)
            return await json_answer(catalogue.url, answer, token)


def _no_turn(request: _Request) -> CatalogueError:
    """Give the failure of a search that waited for others most of its time."""
    remedy = "look why it is slow, or raise AUDIT_OPERATOR_CATALOGUE_REQUESTS"
    return _timeout(request, "had too much to do to be asked", remedy)


def _no_answer(request: _Request) -> CatalogueError:
    return _timeout(request, "did not answer", "look why it is slow")


def _timeout(request: _Request, what: str, remedy: str) -> CatalogueError:
    catalogue = request.catalogue
    message = f"{catalogue.url} {what} within {catalogue.timeout_seconds:g} s; {remedy}"
    return CatalogueError("CatalogueTimeout", message)
