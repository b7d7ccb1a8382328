"""Counts searches for those who may: statistics, exact, in one statement and one snapshot each."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from workflow_audit.errors import AnswerTooLongError
from workflow_audit.models.statistics import (
    SEARCH_COMPLETED,
    Bucket,
    Counted,
    Statistic,
    StatisticQuery,
    Totals,
)
from workflow_audit.store.failures import StatementTimeoutError, unavailable
from workflow_audit.store.filters import month, next_month
from workflow_audit.store.pool import Database
from workflow_audit.store.sql import ANALYTICS

_DAY = sql.SQL("event_date::timestamp AT TIME ZONE 'UTC'")
_MOMENT = sql.SQL("event_timestamp")
NAMESPACES: Mapping[bool, sql.SQL] = {True: sql.SQL("namespace"), False: sql.SQL("NULL::text")}

_SOMEWHERE = sql.SQL("namespace IS NOT NULL")
_HERE = sql.SQL("namespace = %(namespace)s")
_DAYS = sql.SQL("event_date >= %(first_day)s AND event_date <= %(last_day)s")
_MOMENTS = sql.SQL(
    "event_timestamp >= %(since)s AND event_timestamp < %(until)s"
    # Leaves other partitions out; by the month, as in store/filters.py.
    " AND event_date >= %(first_month)s AND event_date < %(next_month)s"
)
_SEARCHES = sql.SQL("event_type = %(event_type)s")

MOST_AT_A_TIME = 2
"""Statistics that are counted at a time; the other connections are for events, which are quick."""


class EventStatistics:
    """The table, as statistics see it."""

    def __init__(self, database: Database) -> None:
        """Take a database of the role workflow_audit_reader."""
        self._database = database
        self._turns = asyncio.Semaphore(MOST_AT_A_TIME)

    async def counted(self, query: StatisticQuery) -> Counted:
        """Give what a statistic asks for.

        Returns:
            One row more than the limit where there are more; of patterns, of each kind.

        Raises:
            AnswerTooLongError: the database would need longer than it may.
            DatabaseUnavailableError: try again later.
        """
        statement, parameters = _statement(query)
        try:
            async with (
                self._turn(),
                self._database.connection() as connection,
                connection.transaction(),
            ):
                cursor = connection.cursor(row_factory=dict_row)
                await cursor.execute(ANALYTICS["enough_memory"])
                await cursor.execute(statement, parameters, prepare=False)
                return _counted(await cursor.fetchall())
        except StatementTimeoutError as error:
            raise AnswerTooLongError(
                f"counting the events takes longer than {self._database.answer_seconds:g} s; ask"
                " for a shorter period (since, until) or for one namespace"
            ) from error

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        seconds = self._database.answer_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._turns.acquire()
        except TimeoutError as error:
            raise unavailable(f"other statistics have been counted for {seconds:g} s") from error
        try:
            yield
        finally:
            self._turns.release()


def _statement(query: StatisticQuery) -> tuple[sql.Composed, dict[str, Any]]:
    period = query.period
    bound = {
        "most": query.limit + 1,
        "workflow_id": query.workflow_id,
        "threshold": query.threshold,
        "namespace": query.namespace,
        "first_day": period.since.date(),
        "last_day": (period.until - timedelta.resolution).date(),
        "first_month": month(period.since),
        "next_month": next_month(period.until),
        "since": period.since,
        "until": period.until,
        "event_type": SEARCH_COMPLETED,
    }
    return _block("answer", _pieces(query)), bound


def _pieces(query: StatisticQuery) -> dict[str, sql.Composable]:
    by_days = query.is_by_days
    here = _HERE if query.namespace else _SOMEWHERE
    days, moments = _all(here, _DAYS), _all(here, _MOMENTS)
    kind = "statistics" if by_days else "parts"
    if by_days and not query.namespace and not query.by_namespace:
        days, kind = _all(_DAYS), "statistics_everywhere"
    pieces: dict[str, sql.Composable] = {
        "workflows": sql.Identifier("public", f"audit_workflow_{kind}"),
        "queries": sql.Identifier("public", f"audit_query_{kind}"),
        "where": days if by_days else moments,
        "events": _all(moments, _SEARCHES),
        "bucket": _bucket(query.bucket, _DAY if by_days else _MOMENT),
        "namespace": NAMESPACES[query.by_namespace],
        "workflow": _workflow(query),
        "threshold": sql.Placeholder("threshold"),
        "most": sql.Placeholder("most"),
    }
    pieces["totals"] = _block("totals" if query.totals else "no_totals", pieces)
    pieces["rows"] = _block(query.statistic.value.replace("-", "_"), pieces)
    return pieces


def _all(*conditions: sql.Composable) -> sql.Composed:
    return sql.SQL(" AND ").join(conditions)


def _bucket(bucket: Bucket, at: sql.SQL) -> sql.Composable:
    if bucket is Bucket.NONE:
        return sql.SQL("NULL::timestamptz")
    return sql.SQL("date_trunc({}, {}, 'UTC')").format(sql.Literal(bucket.value), at)


def _workflow(query: StatisticQuery) -> sql.Composable:
    if query.workflow_id is None:
        return sql.SQL("true")
    low = query.statistic is Statistic.LOW_CONFIDENCE
    column = sql.Identifier("top_workflow_id" if low else "workflow_id")
    return sql.SQL("{} = {}").format(column, sql.Placeholder("workflow_id"))


def _block(name: str, pieces: Mapping[str, sql.Composable]) -> sql.Composed:
    return sql.SQL(ANALYTICS[name].decode()).format(**pieces)


def _counted(rows: list[dict[str, Any]]) -> Counted:
    totals = rows[0]["totals"]
    return Counted(
        Totals(**totals) if totals else None, [row for row in rows if row["place"] is not None]
    )
