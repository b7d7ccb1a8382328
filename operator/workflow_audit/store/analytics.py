"""Counts searches for those who may: statistics, exact, in one statement and one snapshot each."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from workflow_audit.errors import AnswerTooLongError
from workflow_audit.models.statistics import (
    Bucket,
    Counted,
    Statistic,
    StatisticQuery,
    Totals,
)
from workflow_audit.store.failures import StatementTimeoutError, unavailable
from workflow_audit.store.filters import where
from workflow_audit.store.pool import Database
from workflow_audit.store.sql import ANALYTICS

BUCKETS: Mapping[Bucket, sql.SQL] = {
    Bucket.NONE: sql.SQL("NULL::timestamptz"),
    Bucket.HOUR: sql.SQL("date_trunc('hour', event_timestamp, 'UTC')"),
    Bucket.DAY: sql.SQL("date_trunc('day', event_timestamp, 'UTC')"),
    Bucket.WEEK: sql.SQL("date_trunc('week', event_timestamp, 'UTC')"),
    Bucket.MONTH: sql.SQL("date_trunc('month', event_timestamp, 'UTC')"),
}
NAMESPACES: Mapping[bool, sql.SQL] = {True: sql.SQL("namespace"), False: sql.SQL("NULL::text")}


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
    found = where(query.events)
    pieces = _pieces(query, found.sql())
    bound = {
        "most": query.limit + 1,
        "workflow_id": query.workflow_id,
        "threshold": query.threshold,
    }
    return _block("answer", pieces), found.parameters | bound


def _pieces(query: StatisticQuery, condition: sql.Composable) -> dict[str, sql.Composable]:
    most_selected = query.statistic is Statistic.MOST_SELECTED
    pieces: dict[str, sql.Composable] = {
        "where": condition,
        "bucket": BUCKETS[query.bucket],
        "namespace": NAMESPACES[query.by_namespace],
        "workflow": _workflow(query),
        "threshold": sql.Placeholder("threshold"),
        "most": sql.Placeholder("most"),
        "grouped": sql.SQL(""),
    }
    pieces["pattern_counts"] = _block("pattern_counts", pieces)
    if most_selected:
        pieces["grouped"] = _block("most_selected_grouped", pieces)
        pieces["totals"] = _block("most_selected_totals", pieces)
    else:
        pieces["totals"] = _block("totals" if query.totals else "no_totals", pieces)
    pieces["rows"] = _block(query.statistic.value.replace("-", "_"), pieces)
    return pieces


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
