"""Statistics are exact, whatever was recorded, and no value is ever SQL."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from retention_support import record
from store_support import READER, TestDatabase, utc_now

from support.statistics import TOTALS, a_search, a_workflow, known_searches
from workflow_audit.domain.statistics import answer
from workflow_audit.errors import AnswerTooLongError
from workflow_audit.models.statistics import (
    Bucket,
    Period,
    Statistic,
    StatisticAnswer,
    StatisticQuery,
)
from workflow_audit.store.analytics import EventStatistics, _statement

pytestmark = pytest.mark.database

NOW = utc_now().replace(hour=12, minute=0, second=0)
LAST_30_DAYS = Period(NOW - timedelta(days=30), NOW + timedelta(days=1))


def asked(statistic: Statistic, **changes: Any) -> StatisticQuery:
    return replace(StatisticQuery(statistic=statistic, period=LAST_30_DAYS), **changes)


async def answered(database: TestDatabase, query: StatisticQuery) -> StatisticAnswer:
    async with database.pool(READER) as pool:
        return answer(query, await EventStatistics(pool).counted(query))


def shown(found: StatisticAnswer, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(getattr(row, name) for name in names) for row in found.rows]


@pytest.fixture(scope="module")
def known(shared_database: TestDatabase) -> TestDatabase:
    """Known searches of payments, one of billing, one of nobody; for tests that only read."""
    elsewhere = a_search("billing", NOW, [a_workflow("scale", 0.8)])
    nobodys = replace(elsewhere, event_id=uuid4(), namespace=None)  # type: ignore[arg-type]
    record(shared_database, [*known_searches("payments", NOW), elsewhere, nobodys])
    return shared_database


PAYMENTS: dict[str, Any] = {"namespace": "payments"}


async def test_selection_rate(known: TestDatabase) -> None:
    found = await answered(known, asked(Statistic.SELECTION_RATE, **PAYMENTS))
    assert shown(found, "workflow_id", "version", "listed", "won", "rate") == [
        ("oom", "v1", 4, 3, 0.75),
        ("foreign", None, 2, 1, 0.5),
        ("scale", "v1", 2, 1, 0.5),
        ("oom", "v0", 1, 0, 0),
    ]
    assert found.totals
    assert dict(found.totals) == TOTALS
    of_one = await answered(
        known, asked(Statistic.SELECTION_RATE, workflow_id="oom", limit=1, **PAYMENTS)
    )
    assert shown(of_one, "version", "listed") == [("v1", 4)]
    assert of_one.has_more
    assert of_one.totals == found.totals


async def test_low_confidence(known: TestDatabase) -> None:
    query = asked(Statistic.LOW_CONFIDENCE, totals=False, **PAYMENTS)
    found = await answered(known, query)
    assert sorted(shown(found, "workflow_id", "confidence", "text")) == [
        ("oom", 0.4, "OOMKilled critical"),
        ("scale", 0.3, "pods pending"),
    ], "0.5 is not below 0.5"
    assert (found.totals, found.has_more) == (None, False)
    all_of_them = await answered(known, replace(query, threshold=1, totals=True))
    assert all_of_them.totals
    assert dict(all_of_them.totals) == TOTALS
    times = [time for (time,) in shown(all_of_them, "event_timestamp")]
    assert len(times) == 4
    assert times == sorted(times, reverse=True), "the newest first"
    some = await answered(known, replace(query, threshold=1, limit=2, workflow_id="oom"))
    assert shown(some, "confidence") == [(0.9,), (0.5,)]
    assert some.has_more
    assert (await answered(known, replace(query, threshold=0))).rows == []


async def test_patterns(known: TestDatabase) -> None:
    found = await answered(known, asked(Statistic.PATTERNS, **PAYMENTS))
    gitops = {"resource-management": "gitops", "signal-type": "OOMKilled"}
    names = ("kind", "filters", "text", "searches", "empty", "failed", "average_confidence")
    assert shown(found, *names) == [
        ("filters", gitops, None, 3, 0, 0, 0.6),
        ("filters", {}, None, 3, 0, 1, 0.3),
        ("filters", {"severity": "x"}, None, 2, 2, 0, None),
        ("text", None, "OOMKilled critical", 3, 0, 0, 0.6),
        ("text", None, "nothing like it", 2, 2, 0, None),
        ("text", None, "foreign", 1, 0, 0, None),
        ("text", None, "lost", 1, 0, 1, None),
        ("text", None, "pods pending", 1, 0, 0, 0.3),
    ]
    few = await answered(known, asked(Statistic.PATTERNS, limit=1, **PAYMENTS))
    assert shown(few, "kind") == [("filters",), ("text",)], "the limit is one of each kind"
    assert few.has_more


async def test_most_selected(known: TestDatabase) -> None:
    found = await answered(known, asked(Statistic.MOST_SELECTED, **PAYMENTS))
    names = ("workflow_id", "won", "share", "average_confidence", "least_confidence")
    assert shown(found, *names, "greatest_confidence") == [
        ("oom", 3, 0.6, 0.6, 0.4, 0.9),
        ("foreign", 1, 0.2, None, None, None),
        ("scale", 1, 0.2, 0.3, 0.3, 0.3),
    ]
    day = timedelta(days=1)
    assert shown(found, "first_won", "last_won")[0] == (NOW - 9 * day, NOW - day)
    assert found.totals
    assert dict(found.totals) == TOTALS
    of_one = await answered(known, asked(Statistic.MOST_SELECTED, workflow_id="scale", **PAYMENTS))
    assert shown(of_one, "won", "share") == [(1, 0.2)], "a share of all winners"


async def test_unattributed(known: TestDatabase) -> None:
    found = await answered(known, asked(Statistic.UNATTRIBUTED, **PAYMENTS))
    names = ("workflow_id", "side", "scorings", "sum", "least", "greatest")
    assert shown(found, *names) == [("oom", "boost", 3, 0.08, -0.02, 0.05)]


@pytest.mark.parametrize("statistic", list(Statistic))
async def test_all_namespaces_are_the_sum_of_each(
    known: TestDatabase, statistic: Statistic
) -> None:
    everywhere = await answered(known, asked(statistic))
    assert everywhere.totals
    assert everywhere.totals.searches == TOTALS["searches"] + 1, "nobody's is not counted"
    if statistic is Statistic.LOW_CONFIDENCE:
        return
    apart = await answered(known, asked(statistic, by_namespace=True))
    alone = await answered(known, asked(statistic, **PAYMENTS))
    of_payments = [row for row in apart.rows if dict(row)["namespace"] == "payments"]
    assert [row.model_copy(update={"namespace": None}) for row in of_payments] == alone.rows


@pytest.mark.parametrize("bucket", [each for each in Bucket if each is not Bucket.NONE])
async def test_buckets_add_up_and_begin_in_utc(known: TestDatabase, bucket: Bucket) -> None:
    query = asked(Statistic.MOST_SELECTED, bucket=bucket, workflow_id="oom", **PAYMENTS)
    rows = shown(await answered(known, query), "bucket", "won", "share")
    begins = [begin for begin, _, _ in rows]
    assert begins == sorted(set(begins), reverse=True), "the latest first"
    assert sum(won for _, won, _ in rows) == 3
    for begin in begins:
        assert (begin.utcoffset(), begin.minute) == (timedelta(0), 0)
        assert bucket is Bucket.HOUR or begin.hour == 0
        assert bucket is not Bucket.WEEK or begin.weekday() == 0
        assert bucket is not Bucket.MONTH or begin.day == 1
    if bucket is Bucket.DAY:
        assert rows[-1][1:] == (1, 0.5), "a share of what was won on that day"


async def test_a_period_holds_its_beginning_and_not_its_end(known: TestDatabase) -> None:
    day = timedelta(days=1)
    period = Period(NOW - 2 * day, NOW - 1 * day)
    found = await answered(known, asked(Statistic.MOST_SELECTED, period=period, **PAYMENTS))
    assert shown(found, "workflow_id", "won") == [("foreign", 1), ("oom", 1)]


@pytest.mark.parametrize("statistic", list(Statistic))
@pytest.mark.parametrize("bucket", [Bucket.NONE, Bucket.DAY])
async def test_an_empty_database_gives_no_rows_and_zero(
    database: TestDatabase, statistic: Statistic, bucket: Bucket
) -> None:
    found = await answered(database, asked(statistic, bucket=bucket))
    assert (found.rows, found.has_more) == ([], False)
    assert found.totals
    assert set(dict(found.totals).values()) == {0}


async def test_what_takes_too_long_says_what_to_ask_for(database: TestDatabase) -> None:
    with database.connected() as admin:
        admin.execute("BEGIN; LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        async with database.pool(READER, answer_seconds=0.3) as pool:
            with pytest.raises(AnswerTooLongError, match="ask for a shorter period"):
                await EventStatistics(pool).counted(asked(Statistic.PATTERNS))


async def test_only_the_months_that_are_asked_for_are_read(known: TestDatabase) -> None:
    plans = await _plans(known, Period(NOW - timedelta(days=30), NOW))
    old = (NOW - timedelta(days=40)).strftime("audit_events_%Y_%m")
    recent = NOW.strftime("audit_events_%Y_%m")
    in_both = (NOW - timedelta(days=30)).strftime("audit_events_%Y_%m") == old
    for plan in plans:
        assert recent in plan
        assert in_both or old not in plan


async def _plans(database: TestDatabase, period: Period) -> Sequence[str]:
    plans = []
    async with database.pool(READER) as pool, pool.connection() as connection:
        for statistic in Statistic:
            statement, parameters = _statement(asked(statistic, period=period))
            cursor = await connection.execute(
                sql.SQL("EXPLAIN ") + statement, parameters, prepare=False
            )
            plans.append("\n".join([line async for (line,) in cursor]))
    return plans


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=30)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    value=TEXTS | st.sampled_from(["' OR 1=1 --", "'; DROP TABLE audit_events; --", "%s", "{x}"]),
    statistic=st.sampled_from([each for each in Statistic if each is not Statistic.PATTERNS]),
)
async def test_no_value_is_ever_sql(known: TestDatabase, value: str, statistic: Statistic) -> None:
    of_nobody = await answered(known, asked(statistic, namespace=f"{value}?"))
    assert of_nobody.rows == []
    of_nothing = await answered(known, asked(statistic, workflow_id=f"{value}?", **PAYMENTS))
    assert of_nothing.rows == []
    assert of_nothing.totals
    assert dict(of_nothing.totals) == TOTALS
