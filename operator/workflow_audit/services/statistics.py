"""Give readers statistics of the searches that they may see, and note who read what.

Statistics are events: nothing is counted before the API server has said that this reader may list
the events of searches there (docs/decisions/0014-statistics-are-events.md).
"""

from dataclasses import dataclass
from typing import Protocol

from workflow_audit.domain.statistics import answer
from workflow_audit.models.statistics import (
    SEARCH_COMPLETED,
    Counted,
    StatisticAnswer,
    StatisticQuery,
)
from workflow_audit.models.user import Action, User
from workflow_audit.services.accounts import Request
from workflow_audit.services.reading import Reading

ENDPOINT = "statistics"


class Events(Protocol):
    """Where the events are."""

    async def counted(self, query: StatisticQuery) -> Counted:
        """Count what a statistic asks for."""
        ...


@dataclass(frozen=True)
class Statistics:
    """Counts on behalf of somebody."""

    events: Events
    reading: Reading

    async def answer(self, reader: User, query: StatisticQuery) -> StatisticAnswer:
        """Give a statistic.

        Raises:
            ForbiddenError: he may not list the events that it is about.
            AnswerTooLongError: the answer would take too long; ask for less.
            DatabaseUnavailableError: try again later.
        """
        action = Action("list", query.namespace, SEARCH_COMPLETED)
        request = Request(reader, action, query.events, ENDPOINT, statistic=query.statistic.value)
        async with self.reading.accounted(request) as account:
            found = answer(query, await self.events.counted(query))
            account.rows = len(found.rows)
            return found
