"""How long a request that records events holds up others, and is held up by them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from typing import TypeVar

from workflow_audit.errors import IngestionBusyError

T = TypeVar("T")

EVENTS_IN_A_ROW = 16
"""Events that are worked on before others get their turn: about 4 ms."""

BUSY_SECONDS = 1.0
"""When to ask again where the API server or PostgreSQL is slow."""

LEAST_SECONDS = 0.5
"""For each of them, however long what was before took: work that is done is not thrown away."""


async def in_time(answer: Awaitable[T], until: float) -> T:
    """Wait for an answer, but give it up when it takes longer than ours may.

    Args:
        answer: of the API server or PostgreSQL.
        until: event loop time.

    Raises:
        IngestionBusyError: it does not come in time.
    """
    least = asyncio.get_running_loop().time() + LEAST_SECONDS
    try:
        async with asyncio.timeout_at(max(until, least)):
            return await answer
    except TimeoutError:
        late = "the API server or PostgreSQL does not answer in time"
        raise IngestionBusyError(late, BUSY_SECONDS) from None


async def in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """Give one after the other, and others their turn now and then: readers among them."""
    for number, item in enumerate(items, start=1):
        yield item
        if number % EVENTS_IN_A_ROW == 0:
            await asyncio.sleep(0)
