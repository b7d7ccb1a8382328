"""When retention runs, and what status says of it.

The database remembers when it last ran, so a start after a missed time runs at once, and of several
operators one runs and all of them say the same. What a policy with dryRun would let go is counted
as soon as the policy changes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid4

from workflow_audit import metrics
from workflow_audit.domain.schedule import next_time
from workflow_audit.errors import AuditError
from workflow_audit.models.policy import PolicyKey
from workflow_audit.models.policy_status import RemovalPreview, RetentionStatus
from workflow_audit.models.removal import Previews, RunResult, Runs

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 15.0, 900.0

BUSY_SECONDS = 30.0
"""When to look again while another operator runs."""

LONGEST_PAUSE_SECONDS = 300.0
"""When to look again at the latest: another operator may have run by a schedule of its own."""

SETTLE_SECONDS = 2.0
"""How long to wait after a policy has changed, so that many changes in a row are counted once."""


class Run(Protocol):
    """One run of retention."""

    async def run(self, run: UUID, is_due: Callable[[Runs], bool]) -> Runs | None:
        """Run once; None while another operator runs."""
        ...

    async def preview(self, is_due: Callable[[Runs], bool]) -> Runs | None:
        """Only count; None while another operator runs."""
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
        dry_runs: Callable[[], Mapping[PolicyKey, int]],
        schedule: str,
        changed: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Take what is needed; nothing runs yet.

        Args:
            runs: gives how retention stands, whichever operator ran it.
            retention: runs once.
            dry_runs: gives the policies with dryRun and their generations.
            schedule: cron expression in UTC.
            changed: told when `status` has something new to say.
            clock: dates failures, of which the database need not know.
        """
        self._runs = runs
        self._retention = retention
        self._dry_runs = dry_runs
        self._schedule = schedule
        self._changed = changed
        self._clock = clock
        self._run_id = uuid4()
        self._known: Runs | None = None
        self._looked_for: Mapping[PolicyKey, int] = {}
        self._wake = asyncio.Event()
        self._failure: Failure | None = None
        self._failures = 0

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            pause_seconds = await self.step()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_seconds):
                    await self._wake.wait()
                    await asyncio.sleep(SETTLE_SECONDS)
            self._wake.clear()

    def policies_changed(self) -> None:
        """Look soon, if there is something else to count than at the last look."""
        if self._dry_runs() != self._looked_for:
            self._wake.set()

    async def step(self) -> float:
        """Count or run if it is time; gives the seconds until the next look."""
        self._looked_for = self._dry_runs()
        try:
            runs = await self._runs()
            if self._is_outdated(runs):
                return self._counted(await self._retention.preview(self._is_outdated))
            if self._is_due(runs):
                return self._ran(await self._retention.run(self._run_id, self._is_due))
        except AuditError as error:
            return self._failed(error)
        self._succeeded(runs)
        return self._seconds_until_due(runs)

    def _counted(self, runs: Runs | None) -> float:
        if runs is None:
            return BUSY_SECONDS
        self._tell(runs)  # nothing else went well or badly
        return 0.0

    def _ran(self, runs: Runs | None) -> float:
        if runs is None:
            return BUSY_SECONDS
        self._run_id = uuid4()
        self._succeeded(runs)
        return 0.0  # and see when the next time is, by the database's clock

    def status(self, key: PolicyKey) -> RetentionStatus:
        """Give how retention stands, for the status of a policy."""
        last = self._known.last if self._known else None
        failure = self._failure
        return RetentionStatus(
            last_run=_whole_seconds(last.finished_at) if last else None,
            next_run=failure.again_at if failure else self._next_time(last),
            removed=last.removed.get(key) if last else None,
            would_remove=_preview(self._known.previews, key) if self._known else None,
            failed_at=failure.at if failure else None,
            failure=failure.message if failure else None,
        )

    def _is_outdated(self, runs: Runs) -> bool:
        counted = runs.previews.by_policy if runs.previews else {}
        found = {key: preview.generation for key, preview in counted.items()}
        return any(found.get(key) != each for key, each in self._dry_runs().items())

    def _is_due(self, runs: Runs) -> bool:
        due = self._next_time(runs.last)
        return due is None or due <= runs.now

    def _next_time(self, last: RunResult | None) -> datetime | None:
        return next_time(self._schedule, last.finished_at) if last else None

    def _seconds_until_due(self, runs: Runs) -> float:
        due = self._next_time(runs.last) or runs.now
        return min((due - runs.now).total_seconds(), LONGEST_PAUSE_SECONDS)

    def _succeeded(self, runs: Runs) -> None:
        was_failing, self._failure, self._failures = self._failure is not None, None, 0
        if runs.last:
            metrics.RETENTION_LAST_SUCCESS.set(runs.last.finished_at.timestamp())
        self._tell(runs, anyway=was_failing)

    def _tell(self, runs: Runs, *, anyway: bool = False) -> None:
        before = (self._known.last, self._known.previews) if self._known else (None, None)
        self._known = runs
        if anyway or before != (runs.last, runs.previews):
            self._changed()

    def _failed(self, error: AuditError) -> float:
        pause: float = min(FIRST_RETRY_SECONDS * 2**self._failures, LONGEST_RETRY_SECONDS)
        self._failures += 1
        log.warning("retention failed: %s; again in %.0f s", error, pause)
        now = _whole_seconds(self._clock())
        self._failure = Failure(now, str(error), now + timedelta(seconds=pause))
        self._changed()
        return pause


def _preview(previews: Previews | None, key: PolicyKey) -> RemovalPreview | None:
    preview = previews.by_policy.get(key) if previews else None
    if previews is None or preview is None:
        return None
    return RemovalPreview(
        at=_whole_seconds(previews.counted_at),
        generation=preview.generation,
        rows=preview.events,
        size_bytes=preview.size_bytes,
        oldest=preview.oldest,
        held=preview.held,
    )


def _whole_seconds(at: datetime) -> datetime:
    return at.replace(microsecond=0)
