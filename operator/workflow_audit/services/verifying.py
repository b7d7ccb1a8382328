"""Is there a row for each search that is recorded, and does it say the same?

What always holds:
- Searches are read first, and their rows after them. A status says Recorded after COMMIT only, so
  what is recorded meanwhile is never taken for missing.
- Memory does not grow with the cluster: one page of searches, one page of rows, the first findings.
- Nothing is written; what is missing is handed to who may record it again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Protocol
from uuid import UUID

from workflow_audit.domain.events import event_id
from workflow_audit.domain.status import is_final
from workflow_audit.domain.verifying import (
    days_around,
    forgery,
    is_due,
    is_of_resource,
    judgement,
    seen_search,
)
from workflow_audit.errors import PolicyError
from workflow_audit.models.event import Json
from workflow_audit.models.search import Metadata
from workflow_audit.models.status import Phase
from workflow_audit.models.verification import (
    Counts,
    Finding,
    FindingKind,
    Report,
    Rights,
    SearchSeen,
    StoredRow,
)
from workflow_audit.services.preparing import Policies

log = logging.getLogger(__name__)

Pages = Callable[[], AsyncIterator[Sequence[Json]]]

POLICY_SECONDS = 10.0
"""Longest wait for the policy of a missing search: its namespace may be just going."""


class Rows(Protocol):
    """The table, as far as it may be read."""

    @property
    def rights(self) -> Rights:
        """What may be read of it."""
        ...

    async def moment(self) -> datetime:
        """Give the time by the clock that dates rows."""
        ...

    async def of(self, ids: Sequence[UUID], first: date, last: date) -> list[StoredRow]:
        """Give the rows of some events, between two days."""
        ...

    def since(self, day: date, until: date) -> AsyncIterator[list[StoredRow]]:
        """Give all rows of these days, in pages."""
        ...


class Removals(Protocol):
    """What retention has removed."""

    async def covers(self, searches: Sequence[Metadata]) -> set[UUID]:
        """Give the uids of those from whose time and namespace events were removed."""
        ...


class Repairer(Protocol):
    """Records again what is missing."""

    async def repair(self, missing: Sequence[SearchSeen]) -> list[str | None]:
        """Give for each why it could not be recorded again; None where it is."""
        ...


class NoRemovals:
    """Nobody may read what retention has removed; the days of policies must do."""

    async def covers(self, searches: Sequence[Metadata]) -> set[UUID]:  # noqa: ARG002
        """Give nothing."""
        return set()


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Compares searches with their rows."""

    pages: Pages
    """Gives all searches, page by page."""

    rows: Rows
    removals: Removals
    policies: Policies
    cluster_id: UUID
    clock: Callable[[], datetime]
    repairer: Repairer | None = None
    pause_seconds: float = 0.0
    """Between two pages, for those who record and read."""

    shown: int | None = 20
    """Most findings of each kind that are kept; None keeps all."""

    counts_rows: bool = True
    """Whether to look at all rows too, and not only at those of searches that are there."""

    since: datetime | None = None
    """Only searches that were created then or later."""

    progress: Callable[[Counts], None] = lambda _: None
    """Told after each page how far it is."""

    async def run(self) -> Report:
        """Compare everything once.

        Raises:
            ClusterError: the API server refuses, or cannot be reached.
            DatabaseError: the database does not answer.
        """
        began_at = await self.rows.moment()
        report = Report(self.cluster_id, began_at, self.rows.rights.content)
        span = _Span()
        async for bodies in self.pages():
            searches = [seen_search(body) for body in bodies]
            await self._compare(report, span, [each for each in searches if self._is_meant(each)])
            self.progress(report.counts)
            await asyncio.sleep(self.pause_seconds)
        if self.counts_rows:
            await self._count_rows(report, span)
        return report

    def _is_meant(self, search: SearchSeen) -> bool:
        return self.since is None or search.metadata.created >= self.since

    async def _compare(self, report: Report, span: "_Span", searches: Sequence[SearchSeen]) -> None:
        counts = report.counts
        counts.searches += len(searches)
        final = [each for each in searches if is_final(each.status)]
        counts.pending += len(searches) - len(final)
        missing: list[tuple[SearchSeen, Finding]] = []
        for search, rows in await self._with_rows(final):
            span.include(search, rows, report.began_at)
            judged = judgement(search, rows, self.cluster_id)
            self._count(counts, search, judged.findings)
            counts.recorded_again += judged.is_recorded_again
            for finding in judged.findings:
                if finding.kind is FindingKind.MISSING:
                    missing.append((search, finding))
                else:
                    self._keep(report.findings, finding)
        await self._see_to(report, missing)

    def _count(self, counts: Counts, search: SearchSeen, findings: Sequence[Finding]) -> None:
        kinds = [finding.kind for finding in findings]
        counts.different += kinds.count(FindingKind.DIFFERENT)
        counts.extra += kinds.count(FindingKind.EXTRA)
        if search.status["phase"] == Phase.SKIPPED:
            counts.skipped += 1
        elif not {FindingKind.MISSING, FindingKind.DIFFERENT}.intersection(kinds):
            counts.recorded += 1

    async def _with_rows(
        self, searches: Sequence[SearchSeen]
    ) -> list[tuple[SearchSeen, list[StoredRow]]]:
        if not searches:
            return []
        ids = [event_id(self.cluster_id, search.metadata.uid) for search in searches]
        first, last = days_around([search.metadata for search in searches])
        found: dict[UUID, list[StoredRow]] = {identifier: [] for identifier in ids}
        for row in await self.rows.of(ids, first.date(), last.date()):
            found[row.event_id].append(row)
        return [(search, found[each]) for search, each in zip(searches, ids, strict=True)]

    async def _see_to(self, report: Report, missing: list[tuple[SearchSeen, Finding]]) -> None:
        """Tell what is rightly gone from what is lost, and have the latter recorded again."""
        if not missing:
            return
        removed = await self.removals.covers([search.metadata for search, _ in missing])
        lost: list[tuple[SearchSeen, Finding]] = []
        for search, finding in missing:
            metadata = search.metadata
            if metadata.uid in removed or await self._is_due(metadata):
                report.counts.expired += 1
            else:
                lost.append((search, finding))
        report.counts.missing += len(lost)
        for _, finding in lost:
            self._keep(report.findings, finding)
        if self.repairer and lost:
            await self._repair(self.repairer, report, lost)

    async def _repair(
        self, repairer: Repairer, report: Report, lost: list[tuple[SearchSeen, Finding]]
    ) -> None:
        failures = await repairer.repair([search for search, _ in lost])
        for (_, finding), why in zip(lost, failures, strict=True):
            if why is None:
                report.counts.repaired += 1
            else:
                self._keep(report.unrepaired, replace(finding, why=why))

    async def _is_due(self, search: Metadata) -> bool:
        """Tell whether the policy in force lets its event go; what is not known is lost."""
        try:
            policy = await self.policies.applying(search, POLICY_SECONDS)
        except PolicyError:
            return False
        return is_due(search.created, policy.rules.retention.days, self.clock())

    def _keep(self, findings: list[Finding], finding: Finding) -> None:
        kept = sum(each.kind is finding.kind for each in findings) if self.shown is not None else 0
        if self.shown is None or kept < self.shown:
            findings.append(finding)

    async def _count_rows(self, report: Report, span: "_Span") -> None:
        """Count the rows of resources, and look for those that nobody of ours has written."""
        counts, oldest = report.counts, self.since or span.oldest
        counts.rows = 0
        if oldest is not None:
            until = max(report.began_at, oldest).astimezone(UTC).date()
            async for page in self.rows.since(oldest.astimezone(UTC).date(), until):
                for row in page:
                    if row.recorded_at > report.began_at:
                        continue
                    counts.rows += is_of_resource(row, self.cluster_id)
                    if forged := forgery(row, self.cluster_id):
                        counts.extra += 1
                        self._keep(report.findings, forged)
                self.progress(counts)
                await asyncio.sleep(self.pause_seconds)
        # Retention may have removed rows since they were found by their searches.
        counts.searches_gone = max(counts.rows - span.rows, 0)


@dataclass
class _Span:
    """Since when there are searches, and how many rows they had when the comparison began."""

    oldest: datetime | None = None
    rows: int = 0

    def include(self, search: SearchSeen, rows: Sequence[StoredRow], began_at: datetime) -> None:
        created = search.metadata.created
        self.oldest = min(self.oldest or created, created)
        self.rows += sum(row.recorded_at <= began_at for row in rows)
