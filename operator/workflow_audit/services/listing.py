"""Lists events page by page, however many there are and whatever breaks in between.

What always holds:
- No event is given twice and none is left out: a list that has to be begun anew goes on behind the
  last event that was given, and shows what was there when it was first begun.
- Memory does not grow with the number of events.
- An answer that says when to ask again is waited for; what fails otherwise ends a list that has
  given nothing yet, and is tried again in one that has. Each number of tries is bounded.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from workflow_audit.domain.instants import rfc3339
from workflow_audit.errors import ClusterError
from workflow_audit.models.listing import EventPage, Json, place_of
from workflow_audit.models.query import Place

GONE = 410
PASSING = frozenset({None, 429, 500, 502, 503, 504})
"""What the API server may answer today and not in a moment; None is no answer."""

ASKED_TO_WAIT = frozenset({429, 503})
TRIES = 8
LONGEST_PAUSE_SECONDS = 60.0

_MICROSECOND = timedelta(microseconds=1)
_backoff = wait_random_exponential(multiplier=0.5, max=15)


class Events(Protocol):
    """Where the events are."""

    async def page(
        self, parameters: Mapping[str, str], most: int, *, cursor: str = "", position: str = ""
    ) -> EventPage:
        """Give a page of events, the newest first."""
        ...


@dataclass(frozen=True)
class Listing:
    """Lists for somebody who should not have to begin anew."""

    events: Events
    on_wait: Callable[[ClusterError, float], None] = lambda *_: None
    """Told why it is waited, and for how many seconds."""

    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def pages(
        self, parameters: Mapping[str, str], most: int
    ) -> AsyncGenerator[Sequence[Json], None]:
        """Give all events that are selected, the newest first, in parts.

        Args:
            parameters: selectors.
            most: events in one part.

        Raises:
            ClusterError: the API server refuses, or could not be asked for too long.
        """
        asked, cursor, position, last = dict(parameters), "", "", None
        given = False
        """Whether something new came since the list was begun, the last time."""

        while True:
            try:
                page = await self._page(asked, most, cursor, position, begun=last is not None)
            except ClusterError as error:
                if error.status != GONE or not (cursor and given and last):
                    raise
                asked, cursor, given = resumed(parameters, last), "", False
                continue
            position = position or page.position
            if new := behind(page.events, last):
                yield new
                last, given = place_of(new[-1]), True
            cursor = page.cursor
            if not cursor:
                return

    async def _page(
        self, parameters: Mapping[str, str], most: int, cursor: str, position: str, *, begun: bool
    ) -> EventPage:
        def pause(state: RetryCallState) -> float:
            error = state.outcome and state.outcome.exception()
            told = error.retry_after_seconds if isinstance(error, ClusterError) else None
            return _backoff(state) if told is None else min(told, LONGEST_PAUSE_SECONDS)

        def say(state: RetryCallState) -> None:
            error = state.outcome and state.outcome.exception()
            if isinstance(error, ClusterError) and state.next_action:
                self.on_wait(error, state.next_action.sleep)

        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: _passes(error, begun=begun)),
            stop=stop_after_attempt(TRIES),
            wait=pause,
            before_sleep=say,
            sleep=self.sleep,
            reraise=True,
        )
        return await retrying(self.events.page, parameters, most, cursor=cursor, position=position)


def resumed(parameters: Mapping[str, str], last: Place) -> dict[str, str]:
    """Give parameters by which a list goes on near an event; `behind` drops what is too much.

    `until` ends before its moment, and other events may have that of the last one.
    """
    return {**parameters, "until": rfc3339(last.event_timestamp + _MICROSECOND)}


def behind(events: Sequence[Json], last: Place | None) -> Sequence[Json]:
    """Give the events that a list has behind a place."""
    if last is None:
        return events
    at = (last.event_timestamp, last.event_id)
    places = ((place_of(event), event) for event in events)
    return [event for place, event in places if (place.event_timestamp, place.event_id) < at]


def _passes(error: BaseException, *, begun: bool) -> bool:
    if not isinstance(error, ClusterError):
        return False
    if error.status in ASKED_TO_WAIT and error.retry_after_seconds is not None:
        return True
    return begun and error.status in PASSING
