"""The operator compares by itself, so that an alert tells what nobody has asked for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from workflow_audit import metrics
from workflow_audit.domain.schedule import next_time
from workflow_audit.errors import AuditError
from workflow_audit.models.verification import Report

log = logging.getLogger(__name__)

FIRST_SECONDS = 60.0
"""How long after a start the first comparison begins: until then the gauges are 0, and a start has
better things to do."""

RETRY_SECONDS = 90.0
"""When to compare again at the latest after a failure."""

RECHECK_SECONDS = 900.0
"""When to compare again at the latest while something is wrong, so that a repair shows."""


@dataclass(frozen=True)
class VerifySchedule:
    """Compares when it is time; two operators that do are harmless, since it only reads."""

    verify: Callable[[], Awaitable[Report]]
    schedule: str
    """Cron expression in UTC."""

    clock: Callable[[], datetime]

    async def run(self) -> None:
        """Go on until cancelled."""
        pause_seconds = FIRST_SECONDS
        while True:
            await asyncio.sleep(pause_seconds)
            pause_seconds = await self.step()

    async def step(self) -> float:
        """Compare once; gives the seconds until the next time."""
        began = self.clock()
        try:
            report = await self.verify()
        except AuditError as error:
            log.warning("searches and audit events are not compared: %s", error)
            return min(self._seconds_until_next(), RETRY_SECONDS)
        self._tell(report, began)
        seconds = self._seconds_until_next()
        return seconds if report.all_there else min(seconds, RECHECK_SECONDS)

    def _seconds_until_next(self) -> float:
        now = self.clock()
        return (next_time(self.schedule, now) - now).total_seconds()

    def _tell(self, report: Report, began: datetime) -> None:
        counts, ended = report.counts, self.clock()
        metrics.VERIFY_MISSING.set(counts.missing)
        metrics.VERIFY_DIFFERENT.set(counts.different)
        metrics.VERIFY_EXTRA.set(counts.extra)
        metrics.VERIFY_SEARCHES.set(counts.searches)
        metrics.VERIFY_DURATION.set((ended - began).total_seconds())
        metrics.VERIFY_LAST_SUCCESS.set(ended.timestamp())
        for finding in report.findings:
            fields = {"namespace": finding.namespace, "search": finding.name}
            log.warning("%s: %s", finding.kind, finding.why, extra=fields)
        log.info("compared %d searches with their audit events", counts.searches)
