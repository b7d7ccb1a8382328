"""Every documented read is answered from an index, in its order, in the months that it asks for.

The plans are those of the year in year_support.py.
"""

import re
from collections import Counter
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
from workflow_audit.store.reader import MOST_NEW
from workflow_audit.store.reading_statements import (
    Statement,
    count_statement,
    event_statement,
    page_statement,
    recorded_statement,
    skip_statement,
)
from workflow_audit.store.spans import spans
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

HANDFUL_OF_A_MONTH = re.compile(rf"{HANDFUL.pattern}|'{MIDDLE}'")
"""200 a month."""


def page(query: EventQuery, after: Place | None = None, *, part: int = 0) -> Statement:
    """What a reader asks at the end of the year: first of all, or then for what is before that."""
    span = spans(query, END, after)[part]
    return page_statement(query, PAGE, EVENTS, after, span=span)


def count(query: EventQuery) -> Statement:
    return count_statement(query, MOST_COUNTED + 1)


def fixed(name: str, **parameters: int) -> Statement:
    return Statement(sql.SQL(READING[name].decode()).format(), parameters)


PAGES: dict[str, tuple[Statement, int]] = {
    "everything": (page(EventQuery()), 1),
    "everything-before": (page(EventQuery(), part=1), 11),
    "everything-deep": (page(EventQuery(), DEEP), 1),
    "everything-deep-before": (page(EventQuery(), DEEP, part=1), 5),
    "everything-in-some-days": (page(EventQuery(**SOME_DAYS)), 1),
    "by-correlation-id": (page(EventQuery(conditions=CORRELATION)), 12),
    "by-correlation-id-in-a-namespace": (page(EventQuery(MIDDLE, CORRELATION)), 12),
    "by-workflow": (page(EventQuery(conditions=WORKFLOW)), 1),
    "by-workflow-before": (page(EventQuery(conditions=WORKFLOW), part=1), 11),
    "by-workflow-in-some-days": (page(EventQuery(conditions=WORKFLOW, **SOME_DAYS)), 1),
    "by-workflow-deep": (page(EventQuery(conditions=WORKFLOW), DEEP), 1),
    "by-namespace": (page(EventQuery(MIDDLE)), 1),
    "by-namespace-before": (page(EventQuery(MIDDLE), part=1), 11),
    "by-small-namespace": (page(EventQuery(SMALL)), 1),
    "by-small-namespace-before": (page(EventQuery(SMALL), part=1), 11),
    "by-namespace-in-some-days": (page(EventQuery(MIDDLE, **SOME_DAYS)), 1),
    "by-namespace-deep": (page(EventQuery(MIDDLE), DEEP), 1),
    "by-type": (page(EventQuery(conditions=TYPE)), 1),
    "by-type-before": (page(EventQuery(conditions=TYPE), part=1), 11),
    "by-type-in-some-days": (page(EventQuery(conditions=TYPE, **SOME_DAYS)), 1),
    "by-type-deep": (page(EventQuery(conditions=TYPE), DEEP), 1),
    "failures-in-a-namespace": (page(EventQuery(MIDDLE, FAILURE)), 1),
    "failures-in-a-namespace-before": (page(EventQuery(MIDDLE, FAILURE), part=1), 11),
    "by-id": (event_statement(EventQuery(conditions=ID)), 12),
    "by-id-in-a-namespace": (event_statement(EventQuery(MIDDLE, ID)), 12),
}  # fmt: skip
"""By the name of the golden file: a page, and how many partitions it may look into."""

BY_AN_INDEX_ALONE: dict[str, tuple[Statement, int]] = {
    "count-everything": (count(EventQuery()), 12),
    "count-by-namespace-in-some-days": (count(EventQuery(MIDDLE, **SOME_DAYS)), 12),
    "count-by-workflow-in-some-days": (count(EventQuery(conditions=WORKFLOW, **SOME_DAYS)), 12),
    "skip-everything": (skip_statement(EventQuery(), FARTHEST_OFFSET), 12),
    "skip-by-workflow": (skip_statement(EventQuery(conditions=WORKFLOW), 1000), 12),
    "count-by-type-in-some-days": (count(EventQuery(conditions=TYPE, **SOME_DAYS)), 12),
}
COUNTS: dict[str, tuple[Statement, int]] = BY_AN_INDEX_ALONE | {
    "count-by-correlation-id": (count(EventQuery(conditions=CORRELATION)), 12),
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
    found = Counter(partitions(plan(reader, statement)))
    assert len(found) == months
    # What skips finds the time at an offset first, and then counts what is later.
    assert set(found.values()) == {2 if name.startswith("skip") else 1}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("explained", [plan, generic_plan])
def test_nothing_is_read_in_full_nor_sorted_in_full(
    reader: psycopg.Connection[Any], name: str, explained: Any
) -> None:
    found: Plan = explained(reader, ALL[name][0])
    assert "Seq Scan" not in kinds(found)
    for step in nodes(found):
        if step["Node Type"] == "Sort":
            few = HANDFUL_OF_A_MONTH if len(partitions(found)) == 1 else HANDFUL
            assert _is_small(step, few), as_text(found)


def _is_small(step: Plan, few: re.Pattern[str]) -> bool:
    """What few events meet may be sorted as a whole."""
    conditions = [each.get("Index Cond", "") for each in nodes(step) if "Index Name" in each]
    return bool(conditions) and all(few.search(each) for each in conditions)


@pytest.mark.parametrize("name", BY_AN_INDEX_ALONE)
def test_what_is_counted_is_not_looked_at(reader: psycopg.Connection[Any], name: str) -> None:
    statement, _ = BY_AN_INDEX_ALONE[name]
    text = statement.sql.as_string(reader)
    explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {text}".encode()
    (((found,),),) = reader.execute(explain, statement.parameters).fetchall()
    scans = [each for each in nodes(found["Plan"]) if "Relation Name" in each]
    outside = {each["Node Type"] for each in scans if each["Actual Rows"] == 0}
    counting = [each for each in scans if each["Actual Rows"]]
    assert {each["Node Type"] for each in counting} == {"Index Only Scan"}
    assert sum(each["Heap Fetches"] for each in counting) == 0
    assert outside <= {"Index Only Scan", "Index Scan"}


def test_a_count_of_everything_ends_at_its_bound(reader: psycopg.Connection[Any]) -> None:
    statement = count(EventQuery())
    assert plan(reader, statement)["Plans"][0]["Node Type"] == "Limit"
    assert reader.execute(statement.sql, statement.parameters).fetchone() == (MOST_COUNTED + 1,)
