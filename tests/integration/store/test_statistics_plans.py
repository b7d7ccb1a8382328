"""Whole days are answered from their sums, and anything finer from the months that it lies in.

The plans are those of the year in year_support.py, whose newest events are not summed up.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from plan_support import Plan, as_text, functions, kinds, nodes, partitions, plan
from psycopg import sql
from store_support import READER, TestDatabase
from year_support import END, EVENTS, MIDDLE, MONTHS, NOT_SUMMED_UP, SUMS

from support.golden import Golden
from workflow_audit.models.statistics import (
    SEARCH_COMPLETED,
    Bucket,
    Period,
    Statistic,
    StatisticQuery,
)
from workflow_audit.store.analytics import EventStatistics, _statement
from workflow_audit.store.reading_statements import Statement
from workflow_audit.store.sql import ANALYTICS

pytestmark = [pytest.mark.database, pytest.mark.slow]

DAYS = Period(datetime(2025, 11, 17, tzinfo=UTC), END)
"""In two months; with what is not summed up yet."""

WEEKEND = Period(datetime(2025, 10, 31, 18, tzinfo=UTC), datetime(2025, 11, 3, 6, tzinfo=UTC))
"""In two months too, and not of whole days."""

NOVEMBER = Period(datetime(2025, 11, 1, 6, tzinfo=UTC), datetime(2025, 11, 30, 6, tzinfo=UTC))
"""Most of one month, and not of whole days."""

NOT_YET = {"audit_recent_workflows", "audit_recent_queries"}
"""Functions that give what is in no sum yet."""


def asked(statistic: Statistic, period: Period, **changes: Any) -> StatisticQuery:
    """What is asked for when nothing else is said."""
    totals = statistic is not Statistic.LOW_CONFIDENCE
    query = StatisticQuery(statistic=statistic, period=period, totals=totals)
    return replace(query, **changes)


def in_both_scopes(statistic: Statistic, what: str, period: Period) -> dict[str, StatisticQuery]:
    name, query = f"{statistic.value}-of-{what}", asked(statistic, period)
    return {name: query, f"{name}-in-a-namespace": replace(query, namespace=MIDDLE)}


SUMMED = [statistic for statistic in Statistic if statistic is not Statistic.LOW_CONFIDENCE]
BY_DAYS: Mapping[str, StatisticQuery] = {
    name: query for each in SUMMED for name, query in in_both_scopes(each, "days", DAYS).items()
}
"""By the name of the golden file: what sums can answer."""

BY_EVENTS: Mapping[str, StatisticQuery] = {
    name: query
    for each in Statistic
    for name, query in in_both_scopes(each, "a-weekend", WEEKEND).items()
} | in_both_scopes(Statistic.LOW_CONFIDENCE, "days", DAYS)
"""What needs the events themselves: searches of low confidence are events, and no sums."""

WITH_TOTALS = asked(Statistic.LOW_CONFIDENCE, DAYS, totals=True)
ALL = {**BY_DAYS, **BY_EVENTS, "low-confidence-of-days-with-totals": WITH_TOTALS}


def explained(reader: psycopg.Connection[Any], query: StatisticQuery) -> Plan:
    text, parameters = _statement(query)
    return planned(reader, Statement(text, parameters))


def planned(reader: psycopg.Connection[Any], statement: Statement) -> Plan:
    with reader.transaction():
        reader.execute(ANALYTICS["enough_memory"])
        return plan(reader, statement)


def of_events(found: Plan) -> list[str]:
    return [name for name in partitions(found) if name.startswith("audit_events")]


@pytest.mark.parametrize("name", ALL)
def test_the_plan_of_each_statistic_is_known(
    reader: psycopg.Connection[Any], golden: Golden, name: str
) -> None:
    golden(f"plans/statistics/{name}.txt", as_text(explained(reader, ALL[name])) + "\n")


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_read_in_full(reader: psycopg.Connection[Any], name: str) -> None:
    found = explained(reader, ALL[name])
    assert "Seq Scan" not in kinds(found)
    namespace = ALL[name].namespace
    for step in nodes(found):
        if "Index Name" in step:
            demanded = step["Index Cond"]
            assert "event_date" in demanded or "event_timestamp" in demanded, as_text(found)
            assert namespace is None or f"(namespace)::text = '{namespace}'" in demanded


@pytest.mark.parametrize("name", BY_DAYS)
def test_whole_days_are_read_from_their_sums(reader: psycopg.Connection[Any], name: str) -> None:
    found = explained(reader, BY_DAYS[name])
    read, not_yet = set(partitions(found)), functions(found)
    suffix = "" if BY_DAYS[name].namespace else "_everywhere"
    assert read <= {f"{each}{suffix}" for each in SUMS}
    assert f"audit_query_days{suffix}" in read, "the totals"
    assert not_yet <= NOT_YET
    assert len(read) == len(not_yet), "each sum comes with what is not in it yet"


@pytest.mark.parametrize("name", BY_DAYS)
def test_of_whole_days_only_events_are_read_that_are_not_summed_up(
    reader: psycopg.Connection[Any], name: str
) -> None:
    """Plans do not show what functions read, but the session counts it."""
    query = BY_DAYS[name]
    steps = [each["Node Type"] for each in nodes(explained(reader, query))]
    text, parameters = _statement(query)
    with reader.transaction():
        before = events_read(reader)
        reader.execute(text, parameters)
        after = events_read(reader)
    assert after[0] - before[0] == 0, "partitions read in full"
    assert after[1] - before[1] == steps.count("Function Scan") * NOT_SUMMED_UP


def events_read(reader: psycopg.Connection[Any]) -> tuple[int, int]:
    """How often this session has read a partition in full, and how many events by an index.

    Since it has reported it the last time, which it does between transactions only.
    """
    ((in_full, by_index),) = reader.execute(
        "SELECT sum(seq_scan)::bigint, sum(idx_tup_fetch)::bigint FROM pg_stat_xact_user_tables"
        " WHERE relname LIKE 'audit_events%'"
    ).fetchall()
    return in_full, by_index


@pytest.mark.parametrize("name", sorted(NOT_YET))
def test_what_is_not_summed_up_is_found_by_its_position(
    reader: psycopg.Connection[Any], golden: Golden, name: str
) -> None:
    found = planned(reader, body_of(reader, name))
    golden(f"plans/statistics/{name.replace('_', '-')}.txt", as_text(found) + "\n")
    scans = [each for each in nodes(found) if each.get("Relation Name")]
    assert len(scans) == MONTHS
    for scan in scans:
        assert scan["Node Type"] == "Index Scan"
        assert scan["Index Cond"] == f'("position" > {EVENTS - NOT_SUMMED_UP})'


def body_of(reader: psycopg.Connection[Any], function: str) -> Statement:
    """The query of a function, as it plans it each time: with the position itself."""
    ((body, configured),) = reader.execute(
        "SELECT prosrc, proconfig FROM pg_proc WHERE proname = %s", [function]
    ).fetchall()
    assert "plan_cache_mode=force_custom_plan" in configured
    query = re.search(r"RETURN QUERY\n(.*?);", body, re.DOTALL)
    assert query
    text, number = re.subn(r"\bsummed\b", str(EVENTS - NOT_SUMMED_UP), query[1])
    assert number == 1
    return Statement(sql.SQL(text).format(), {})


@pytest.mark.parametrize("name", BY_EVENTS)
def test_months_outside_a_period_are_not_looked_into(
    reader: psycopg.Connection[Any], name: str
) -> None:
    query = BY_EVENTS[name]
    found = explained(reader, query)
    assert of_events(found) == partitions(found)
    assert set(of_events(found)) == months(query.period)
    assert len(of_events(found)) == 2 * (2 if query.totals else 1), "for the totals once more"


def months(period: Period) -> set[str]:
    """The first and the last one."""
    last = period.until - timedelta.resolution
    return {f"audit_events_{at:%Y_%m}" for at in (period.since, last)}


@pytest.mark.parametrize("statistic", Statistic)
@pytest.mark.parametrize("namespace", [None, MIDDLE])
def test_most_of_a_month_is_read_from_that_month_only(
    reader: psycopg.Connection[Any], statistic: Statistic, namespace: str | None
) -> None:
    """All of it perhaps, which is quicker than an index; but once for each answer."""
    query = asked(statistic, NOVEMBER, namespace=namespace)
    found = explained(reader, query)
    assert partitions(found) == ["audit_events_2025_11"] * (2 if query.totals else 1)
    if namespace:
        assert "Seq Scan" not in kinds(found)


def test_hours_of_whole_days_are_read_from_events(reader: psycopg.Connection[Any]) -> None:
    three_days = Period(datetime(2025, 11, 3, tzinfo=UTC), datetime(2025, 11, 6, tzinfo=UTC))
    found = explained(reader, asked(Statistic.PATTERNS, three_days, bucket=Bucket.HOUR))
    assert partitions(found) == ["audit_events_2025_11"] * 2
    assert "Seq Scan" not in kinds(found)


async def test_sums_and_what_is_not_in_them_make_all(year: TestDatabase) -> None:
    """So that the plans above are of statements that count something, and count it right."""
    statement = (
        "SELECT count(*), count(*) FILTER (WHERE position > %s) FROM audit_events"
        " WHERE event_date >= %s AND event_type = %s"
    )
    bound = (EVENTS - NOT_SUMMED_UP, DAYS.since.date(), SEARCH_COMPLETED)
    ((searches, not_summed_up),) = year.rows(statement, *bound)
    assert searches > not_summed_up == NOT_SUMMED_UP
    async with year.pool(READER) as pool:
        found = await EventStatistics(pool).counted(BY_DAYS["selection-rate-of-days"])
    assert found.totals
    assert found.totals.searches == searches
