"""Some events, or one, as commands ask for them."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any
from uuid import UUID

from workflow_audit.cli.reading import Reader, say_wait
from workflow_audit.domain.selection import Selection, parameters
from workflow_audit.errors import EventNotFoundError

Json = dict[str, Any]

PAGE = 500


async def pages_of(
    reader: Reader, wanted: Mapping[str, str], limit: int
) -> AsyncGenerator[Sequence[Json], None]:
    """Give the newest events that are selected, page by page; 0 is all.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    from workflow_audit.services.listing import Listing  # noqa: PLC0415

    left, most = limit, min(limit or PAGE, PAGE)
    async with aclosing(Listing(reader.events, say_wait).pages(wanted, most)) as pages:
        async for page in pages:
            yield page[:left] if limit else page
            left -= len(page)
            if limit and left <= 0:
                return


async def events_of(reader: Reader, wanted: Mapping[str, str], limit: int) -> list[Json]:
    """Give the newest events that are selected, all at once.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    async with aclosing(pages_of(reader, wanted, limit)) as pages:
        return [event async for page in pages for event in page]


async def event_of(reader: Reader, event_id: UUID) -> Json:
    """Give one event; with all namespaces, wherever it is.

    Raises:
        ClusterError: there is none, the API server refuses, or cannot be reached.
        EventNotFoundError: there is none in any namespace.
    """
    if reader.namespace is not None:
        return await reader.events.event(str(event_id))
    wanted = parameters(Selection(event_id=str(event_id)))
    for event in (await reader.events.page(wanted, 1)).events:
        return event
    raise EventNotFoundError(f'there is no event "{event_id}" in any namespace')
