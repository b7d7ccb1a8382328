"""Every documented read is answered from an index, in its order, in the months that it asks for.

The plans are those of the year in year_support.py.
"""

import re
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from plan_support import Plan, as_text, generic_plan, kinds, nodes, partitions, plan
from psycopg import sql
from year_support import END, EVENTS, MIDDLE, SMALL, population

from support.golden import Golden
from workflow_audit.models.query import (
    FARTHEST_OFFSET,
    MOST_COUNTED,
    Condition,
    EventQuery,
    Field,
    Place,
)
from workflow_audit.store.reader import (
    MOST_NEW,
    Statement,
    count_statement,
    event_statement,
    page_statement,
    recorded_statement,
)
from workflow_audit.store.sql import READING

pytestmark = [pytest.mark.database, pytest.mark.slow]

ONE = next(population().rows())
"""Any event, for the values by which it is found."""

SOME_DAYS = {"since": END - timedelta(days=60), "until": END - timedelta(days=33)}
"""Within November."""

DEEP = Place(END - timedelta(days=200, seconds=1), ONE[0])
"""More than half of all events stand before it."""

PAGE = 51


def equal(field: Field, value: str) -> tuple[Condition, ...]:
    return (Condition(field, "in", (value,)),)


CORRELATION = equal("correlation_id", "rr-2026-00000615")
WORKFLOW = equal("top_workflow_id", "graceful-restart-v1")
TYPE = equal("event_type", "workflow.catalog.search_completed")
FAILURE = equal("event_outcome", "failure")
ID = (Condition("event_id", "in", (ONE[0],)),)
HANDFUL = re.compile(rf"(correlation_id\)::text|event_id) = |'{SMALL}'|\"position\" > ")
"""Conditions that few events meet."""


def page(query: EventQuery, most: int = PAGE, **more: Any) -> Statement:
    return page_statement(query, most, EVENTS, **more)


def count(query: EventQuery) -> Statement:
    return count_statement(query, EVENTS, MOST_COUNTED + 1)


def fixed(name: str, **parameters: int) -> Statement:
    return Statement(sql.SQL(READING[name].decode()).format(), parameters)


PAGES: dict[str, tuple[Statement, int]] = {
    "everything": (page(EventQuery()), 12),
    "everything-deep": (page(EventQuery(), after=DEEP), 6),
    "everything-by-offset": (page(EventQuery(), offset=FARTHEST_OFFSET), 12),
    "everything-in-some-days": (page(EventQuery(**SOME_DAYS)), 1),
    "by-correlation-id": (page(EventQuery(conditions=CORRELATION)), 12),
    "by-correlation-id-in-a-namespace": (page(EventQuery(MIDDLE, CORRELATION)), 12),
    "by-workflow": (page(EventQuery(conditions=WORKFLOW)), 12),
    "by-workflow-in-some-days": (page(EventQuery(conditions=WORKFLOW, **SOME_DAYS)), 1),
    "by-workflow-deep": (page(EventQuery(conditions=WORKFLOW), after=DEEP), 6),
    "by-namespace": (page(EventQuery(MIDDLE)), 12),
    "by-small-namespace": (page(EventQuery(SMALL)), 12),
    "by-namespace-in-some-days": (page(EventQuery(MIDDLE, **SOME_DAYS)), 1),
    "by-namespace-deep": (page(EventQuery(MIDDLE), after=DEEP), 6),
    "by-type": (page(EventQuery(conditions=TYPE)), 12),
    "by-type-in-some-days": (page(EventQuery(conditions=TYPE, **SOME_DAYS)), 1),
    "by-type-deep": (page(EventQuery(conditions=TYPE), after=DEEP), 6),
    "failures-in-a-namespace": (page(EventQuery(MIDDLE, FAILURE)), 12),
    "by-id": (event_statement(EventQuery(conditions=ID)), 12),
    "by-id-in-a-namespace": (event_statement(EventQuery(MIDDLE, ID)), 12),
}  # fmt: skip
"""By the name of the golden file: a page, and how many partitions it may look into."""

COUNTS: dict[str, tuple[Statement, int]] = {
    "count-by-correlation-id": (count(EventQuery(conditions=CORRELATION)), 12),
    "count-by-namespace-in-some-days": (count(EventQuery(MIDDLE, **SOME_DAYS)), 1),
    "count-by-workflow-in-some-days": (count(EventQuery(conditions=WORKFLOW, **SOME_DAYS)), 1),
}
WATCHES: dict[str, tuple[Statement, int]] = {
    "watch-what-is-new": (fixed("new_positions", since=EVENTS - 3, most=MOST_NEW), 12),
    "watch-newest-position": (fixed("newest_position"), 12),
    "watch-a-namespace": (
        recorded_statement(
            EventQuery(MIDDLE), EVENTS - 3, EVENTS, MOST_NEW, (END - timedelta(days=1)).date()
        ), 1
    ),
}  # fmt: skip
ALL = PAGES | COUNTS | WATCHES


@pytest.mark.parametrize("name", ALL)
def test_the_plan_of_each_read_is_known(
    reader: psycopg.Connection[Any], golden: Golden, name: str
) -> None:
    golden(f"plans/{name}.txt", as_text(plan(reader, ALL[name][0])) + "\n")


@pytest.mark.parametrize("name", ALL)
def test_months_that_cannot_have_anything_are_not_looked_into(
    reader: psycopg.Connection[Any], name: str
) -> None:
    statement, months = ALL[name]
    found = partitions(plan(reader, statement))
    assert len(found) == len(set(found)) == months


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("explained", [plan, generic_plan])
def test_nothing_is_read_in_full_nor_sorted_in_full(
    reader: psycopg.Connection[Any], name: str, explained: Any
) -> None:
    found: Plan = explained(reader, ALL[name][0])
    assert "Seq Scan" not in kinds(found)
    for step in nodes(found):
        if step["Node Type"] == "Sort":
            assert _is_small(step), as_text(found)


def _is_small(step: Plan) -> bool:
    """What few events meet may be sorted as a whole."""
    conditions = [each.get("Index Cond", "") for each in nodes(step) if "Index Name" in each]
    return bool(conditions) and all(HANDFUL.search(each) for each in conditions)


def test_a_count_of_everything_ends_at_its_bound(reader: psycopg.Connection[Any]) -> None:
    statement = count(EventQuery())
    assert plan(reader, statement)["Plans"][0]["Node Type"] == "Limit"
    assert reader.execute(statement.sql, statement.parameters).fetchone() == (MOST_COUNTED + 1,)
