"""A witness of commits: looks for expected rows until they are visible to others.

Soundest without triggers and without track_commit_timestamp, whose time is taken before the
commit record is on disk: a row that another session sees is committed. The time is that of the
answer, so it is late by at most one pause and one look, never early.
"""

import asyncio
import time
from datetime import date
from typing import Any, Self
from uuid import UUID

import psycopg

from workflow_audit.local.environment import READER, LocalEnvironment

PAUSE_SECONDS = 0.0001
"""Times the searches a second: at 10/s a look every millisecond, at 50/s every five, so that the
looks for one search take the same part of the machine at every rate."""

WAIT_SECONDS = 120.0

VISIBLE = """
SELECT event_id FROM audit_events
 WHERE event_id = ANY (%b::uuid[]) AND event_date = ANY (%b::date[])
"""
RECORDED = "SELECT event_id, extract(epoch FROM recorded_at)::float8 FROM audit_events"


class CommitWitness:
    """Looks by primary key while something is expected, else never."""

    def __init__(self, environment: LocalEnvironment, per_second: int) -> None:
        self._pause_seconds = PAUSE_SECONDS * per_second
        self._url = environment.database_url(READER)
        self._expected: dict[UUID, date] = {}
        self._some = asyncio.Event()
        self._none = asyncio.Event()
        self._none.set()
        self.seen: dict[UUID, float] = {}
        """`time.monotonic()` when each row was first seen."""
        self.looks = 0
        self.longest_look = 0.0

    async def __aenter__(self) -> Self:
        self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        self._connection.prepare_threshold = 1
        self._task = asyncio.create_task(self._run(), name="commit-witness")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._connection.close()

    def expect(self, ident: UUID, day: date) -> None:
        """Begin to look for a row."""
        self._expected[ident] = day
        self._none.clear()
        self._some.set()

    async def wait_all(self) -> None:
        """Return when every expected row was seen."""
        waiting = asyncio.create_task(self._none.wait())
        try:
            await asyncio.wait(
                {waiting, self._task}, timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if self._task.done():
                self._task.result()
            if self._expected:
                raise TimeoutError(f"{len(self._expected)} rows never came")
        finally:
            waiting.cancel()

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            before = time.monotonic()
            found = await self._found()
            now = time.monotonic()
            self.looks += 1
            self.longest_look = max(self.longest_look, now - before)
            for ident in found:
                self.seen[ident] = now
                del self._expected[ident]
            if not self._expected:
                self._some.clear()
                self._none.set()
            await asyncio.sleep(self._pause_seconds)

    async def _found(self) -> list[UUID]:
        days = sorted(set(self._expected.values()))
        cursor = await self._connection.execute(VISIBLE, [list(self._expected), days], binary=True)
        return [row[0] async for row in cursor]


def recorded_times(connection: psycopg.Connection[Any], namespace: str) -> dict[UUID, float]:
    """Give recorded_at of a namespace's events, as `time.monotonic()`.

    It is read from the clock inside the INSERT, so it is earlier than the COMMIT.
    """
    offset = time.monotonic() - time.time()
    rows = connection.execute(f"{RECORDED} WHERE namespace = %s", [namespace])
    return {ident: at + offset for ident, at in rows}
