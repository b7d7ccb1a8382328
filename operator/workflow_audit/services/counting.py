"""How many events a list has: counted once, with its first page; cursors remember it."""

from typing import Literal, Protocol

from workflow_audit.domain.cursor import Cursor
from workflow_audit.models.query import MOST_COUNTED, EventQuery, Page, Place

Counted = Literal["the whole list", "behind the page"]


class Countable(Protocol):
    """The events that there are at one moment."""

    async def count(
        self, query: EventQuery, most: int, after: Place | None = None, position: int | None = None
    ) -> int:
        """Give how many events a list has behind a place; counting ends at `most`."""
        ...


def is_to_be_counted(counted: Counted | None, cursor: Cursor | None) -> bool:
    """Tell whether a page has to be counted with, as its cursor does not know it."""
    if counted == "the whole list":
        return cursor is None or cursor.counted is None
    return counted == "behind the page" and cursor is None


async def counted_with(
    events: Countable,
    query: EventQuery,
    page: Page,
    counted: Counted | None,
    *,
    offset: int | None,
    position: int | None,
) -> int | None:
    """Count what is to be counted, unless the page tells it.

    Args:
        events: at the moment of the page.
        query: of the list.
        page: of the list.
        counted: what is to be counted.
        offset: how many events stand before the page; None where nobody knows.
        position: up to which the list shows events; None is all there are.

    Returns:
        None where nothing is to be counted; and for what is behind the page if that is nothing, or
        more than MOST_COUNTED.
    """
    if counted is None:
        return None
    if counted == "behind the page":
        if not page.has_more:
            return None
        found = await events.count(query, MOST_COUNTED + 1, page.events[-1].place, position)
        return found if found <= MOST_COUNTED else None
    if offset is not None and not page.has_more and (page.events or offset == 0):
        return offset + len(page.events)
    return await events.count(query, MOST_COUNTED + 1, None, position)


def remembered(counted: Counted | None, cursor: Cursor | None, page: Page) -> int | None:
    """Give what a cursor knows of its page; a cursor must not remember what was not counted on."""
    if counted is None or cursor is None or cursor.counted is None:
        return None
    if counted == "the whole list":
        return cursor.counted
    # Each later page takes its own events off.
    return max(cursor.counted - len(page.events), 1) if page.has_more else None
