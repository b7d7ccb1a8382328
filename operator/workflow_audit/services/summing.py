"""Keeps the sums of statistics up to date, so that few events have to be read for an answer.

Answers are right without it: what is not in the sums yet is added when somebody asks. It only keeps
that part small.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from workflow_audit.errors import DatabaseError

log = logging.getLogger(__name__)

PERIOD_SECONDS = 10.0
MOST_EVENTS = 5_000
"""In one step, which takes about half a second then and holds its locks for as long."""


@dataclass(frozen=True)
class Summing:
    """Sums up what was recorded, again and again; a failure is tried again."""

    sum_up: Callable[[int], Awaitable[int]]
    """Takes how many events at the most; gives how far it went, 0 when nothing was new."""

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                while await self.sum_up(MOST_EVENTS):
                    pass
            except DatabaseError as error:
                log.warning("statistics are summed up later: %s", error)
            await asyncio.sleep(PERIOD_SECONDS)
