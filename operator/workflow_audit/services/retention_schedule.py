"""When retention runs, and what status says of it.

The database remembers when it last ran, so a start after a missed time runs at once, and of several
operators one runs and all of them say the same.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid4

from workflow_audit import metrics
from workflow_audit.domain.schedule import next_time
from workflow_audit.errors import AuditError
from workflow_audit.models.policy import PolicyKey
from workflow_audit.models.policy_status import RemovalPreview, RetentionStatus
from workflow_audit.models.removal import RunResult, Runs

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 15.0, 900.0

BUSY_SECONDS = 30.0
"""When to look again while another operator runs."""

LONGEST_PAUSE_SECONDS = 300.0
"""When to look again at the latest: another operator may have run by a schedule of its own."""


class Run(Protocol):
    """One run of retention."""

    async def run(self, run: UUID, is_due: Callable[[Runs], bool]) -> RunResult | None:
        """Run once; None while another operator runs."""
        ...


@dataclass(frozen=True)
class Failure:
    """The last attempt, while none has succeeded since."""

    at: datetime
    message: str
    again_at: datetime


class RetentionSchedule:
    """Runs retention when it is time, and again after a failure."""

    def __init__(
        self,
        *,
        runs: Callable[[], Awaitable[Runs]],
        retention: Run,
        schedule: str,
        changed: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Take what is needed; nothing runs yet.

        Args:
            runs: gives the database's time and the last run, whichever operator ran it.
            retention: runs once.
            schedule: cron expression in UTC.
            changed: told when `status` has something new to say.
            clock: dates failures, of which the database need not know.
        """
        self._runs = runs
        self._retention = retention
        self._schedule = schedule
        self._changed = changed
        self._clock = clock
        self._run_id = uuid4()
        self._last: RunResult | None = None
        self._failure: Failure | None = None
        self._failures = 0

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            pause_seconds = await self.step()
            await asyncio.sleep(pause_seconds)

    async def step(self) -> float:
        """Run if it is time; gives the seconds until the next look."""
        try:
            runs = await self._runs()
            if not self._is_due(runs):
                self._succeeded(runs.last)
                return self._seconds_until_due(runs)
            result = await self._retention.run(self._run_id, self._is_due)
        except AuditError as error:
            return self._failed(error)
        if result is None:
            return BUSY_SECONDS
        self._run_id = uuid4()
        self._succeeded(result)
        return 0.0  # and see when the next time is, by the database's clock

    def status(self, key: PolicyKey) -> RetentionStatus:
        """Give how retention stands, for the status of a policy."""
        last, failure = self._last, self._failure
        preview = last.would_remove.get(key) if last else None
        return RetentionStatus(
            last_run=_whole_seconds(last.finished_at) if last else None,
            next_run=failure.again_at if failure else self._next_time(last),
            removed=last.removed.get(key) if last else None,
            would_remove=RemovalPreview(
                at=_whole_seconds(last.finished_at),
                rows=preview.events,
                size_bytes=preview.size_bytes,
                oldest=preview.oldest,
                held=preview.held,
            )
            if last and preview
            else None,
            failed_at=failure.at if failure else None,
            failure=failure.message if failure else None,
        )

    def _is_due(self, runs: Runs) -> bool:
        due = self._next_time(runs.last)
        return due is None or due <= runs.now

    def _next_time(self, last: RunResult | None) -> datetime | None:
        return next_time(self._schedule, last.finished_at) if last else None

    def _seconds_until_due(self, runs: Runs) -> float:
        due = self._next_time(runs.last) or runs.now
        return min((due - runs.now).total_seconds(), LONGEST_PAUSE_SECONDS)

    def _succeeded(self, last: RunResult | None) -> None:
        self._failures = 0
        if last is None or (last == self._last and self._failure is None):
            return
        self._last, self._failure = last, None
        metrics.RETENTION_LAST_SUCCESS.set(last.finished_at.timestamp())
        self._changed()

    def _failed(self, error: AuditError) -> float:
        pause: float = min(FIRST_RETRY_SECONDS * 2**self._failures, LONGEST_RETRY_SECONDS)
        self._failures += 1
        log.warning("retention failed: %s; again in %.0f s", error, pause)
        now = _whole_seconds(self._clock())
        self._failure = Failure(now, str(error), now + timedelta(seconds=pause))
        self._changed()
        return pause


def _whole_seconds(at: datetime) -> datetime:
    return at.replace(microsecond=0)
