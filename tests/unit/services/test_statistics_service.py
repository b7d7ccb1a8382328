"""Nothing is counted before the API server has allowed to list the events."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workflow_audit.errors import ForbiddenError
from workflow_audit.models.statistics import (
    SEARCH_COMPLETED,
    Counted,
    Period,
    Statistic,
    StatisticQuery,
)
from workflow_audit.models.user import Action, User
from workflow_audit.services.limiting import Limits
from workflow_audit.services.reading import Reading
from workflow_audit.services.statistics import Statistics

NOW = datetime(2026, 11, 27, tzinfo=UTC)
ADA = User("ada")
PERIOD = Period(NOW - timedelta(days=1), NOW)


@dataclass
class Events:
    """Counts nothing, and remembers what it was asked."""

    asked: list[StatisticQuery] = field(default_factory=list)

    async def counted(self, query: StatisticQuery) -> Counted:
        self.asked.append(query)
        return Counted(None, [])


@dataclass
class Access:
    """Allows one thing."""

    action: Action

    async def allowed(self, user: User, action: Action) -> bool:
        return action == self.action


def statistics(events: Events, allowed: Action) -> Statistics:
    nobodys: Any = None
    limits = Limits(None, 0, lambda: 0.0)
    return Statistics(events, Reading(nobodys, Access(allowed), limits, lambda: b"", lambda: NOW))


@pytest.mark.parametrize("namespace", [None, "payments"])
@pytest.mark.parametrize("statistic", list(Statistic))
async def test_the_right_to_list_searches_there_is_enough(
    statistic: Statistic, namespace: str | None
) -> None:
    events = Events()
    query = StatisticQuery(statistic=statistic, period=PERIOD, namespace=namespace)
    allowed = Action("list", namespace, SEARCH_COMPLETED)
    assert (await statistics(events, allowed).answer(ADA, query)).rows == []
    assert events.asked == [query]


@pytest.mark.parametrize(
    "allowed",
    [
        pytest.param(Action("list", "payments", SEARCH_COMPLETED), id="elsewhere"),
        pytest.param(Action("list", None, "other"), id="another-type"),
        pytest.param(Action("get", None, SEARCH_COMPLETED), id="another-verb"),
    ],
)
async def test_no_other_right_is(allowed: Action) -> None:
    events = Events()
    query = StatisticQuery(statistic=Statistic.MOST_SELECTED, period=PERIOD)
    with pytest.raises(ForbiddenError, match="at the cluster scope"):
        await statistics(events, allowed).answer(ADA, query)
    assert events.asked == []
