"""One run of retention: holds, counting, whole partitions, single events, the end.

A preview is a run that ends after counting.

What always holds:
- Nothing is removed while it is not known for sure which policies there are, or what time it is.
- Each removal is one transaction with its line in the trace, so a run that is cut off leaves
  nothing half done; the next attempt goes on under the same id.
- Rules are made anew for each removal: a policy that changes meanwhile counts from the next one on.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid4

from workflow_audit import metrics
from workflow_audit.domain.policies import KnownPolicies
from workflow_audit.domain.retention import (
    Counting,
    Plan,
    Removal,
    counting_rules,
    dry_run_policies,
    plan,
    removal_rules,
    worth_a_look,
)
from workflow_audit.errors import RetentionError
from workflow_audit.models.policy import PolicyKey
from workflow_audit.models.removal import (
    Batch,
    Drop,
    Expired,
    Partition,
    Place,
    Preview,
    Rules,
    Runs,
)

log = logging.getLogger(__name__)

MOST_CLOCK_DIFFERENCE = timedelta(minutes=10)
"""A clock that is further off than this is not believed, whichever of the two it is."""

IN_USE_PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Pauses before another attempt at a partition that somebody reads; an attempt waits 100 ms at the
most, because all writers wait behind it."""


class RetentionSession(Protocol):
    """The database, while no other operator has retention run."""

    async def runs(self) -> Runs:
        """Give the database's time, the last run, and what was counted last."""
        ...

    async def partitions(self) -> list[Partition]:
        """Give all partitions."""
        ...

    async def namespaces(self, partition: Partition) -> list[str]:
        """Give the namespaces of which there are events in a partition."""
        ...

    async def drop_partition(self, run: UUID, partition: Partition, rules: Rules) -> Drop:
        """Drop a partition if every event in it may go."""
        ...

    async def remove_events(
        self,
        run: UUID,
        removal: Removal,
        rules: Rules,
        since: Place | None,
        most: int,
    ) -> Batch:
        """Look at the next events of a namespace, and remove those that may go."""
        ...

    async def expired(self, partition: Partition, rules: Rules) -> list[Expired]:
        """Count what the rules would let go."""
        ...

    async def removed_by(self, run: UUID) -> dict[PolicyKey, int]:
        """Give how many events a run has removed until now."""
        ...

    async def note_previews(self, run: UUID, previews: dict[PolicyKey, Preview]) -> None:
        """Note what was counted."""
        ...

    async def finish(self, run: UUID, removed: dict[PolicyKey, int]) -> None:
        """Note that a run has come to its end."""
        ...


class RetentionStore(Protocol):
    """Where the events are."""

    def exclusive(self) -> AbstractAsyncContextManager[RetentionSession | None]:
        """Give a session that no other operator has; None when one has it."""
        ...


@dataclass(frozen=True)
class RetentionRun:
    """Removes what may go."""

    store: RetentionStore
    policies: Callable[[], KnownPolicies]
    """Raises PoliciesUnknownError while they are not known for sure."""

    mirror_holds: Callable[[], Awaitable[None]]
    clock: Callable[[], datetime]
    batch_rows: int
    pause_seconds: float

    async def preview(self, is_due: Callable[[Runs], bool]) -> Runs | None:
        """Count what would go of the policies with dryRun and touch nothing; else as `run`."""
        async with self.store.exclusive() as session:
            if session is None:
                return None
            runs = await session.runs()
            if not is_due(runs):
                return runs
            await self.mirror_holds()
            todo = await self._planned(session, runs.now)
            await self._count(session, uuid4(), todo.countings)
            return await session.runs()

    async def run(self, run: UUID, is_due: Callable[[Runs], bool]) -> Runs | None:
        """Run once.

        Args:
            run: its id in the trace; the same for another attempt at it.
            is_due: asked once no other operator can run any more, as one may just have done so.

        Returns:
            How retention stands then; None while another operator runs.

        Raises:
            DatabaseError: the database could not be worked with to the end.
            PoliciesUnknownError: it is not known for sure which policies there are.
            RetentionError: a clock is wrong, or somebody works with what should go.
        """
        began = time.monotonic()
        async with self.store.exclusive() as session:
            if session is None:
                return None
            runs = await session.runs()
            if not is_due(runs):
                return runs
            self._check_clocks(runs.now)
            await self.mirror_holds()
            todo = await self._planned(session, runs.now)
            await self._count(session, run, todo.countings)
            dropped, in_use = await self._drop(session, run, todo.drops)
            await self._remove(session, run, todo.removals, dropped | in_use)
            if in_use:
                months = ", ".join(f"{first_day:%Y-%m}" for first_day in sorted(in_use))
                raise RetentionError(f"somebody works with the events of {months}")
            known = {policy.key: 0 for policy in self.policies().policies}
            removed = known | await session.removed_by(run)
            await session.finish(run, removed)
            metrics.RETENTION_DURATION.set(time.monotonic() - began)
            log.info("retention ran", extra={"removed": sum(removed.values()), "run": str(run)})
            return await session.runs()

    def _check_clocks(self, database_time: datetime) -> None:
        ours = self.clock()
        if abs(ours - database_time) > MOST_CLOCK_DIFFERENCE:
            raise RetentionError(
                f"nothing is removed: it is {ours:%Y-%m-%dT%H:%M:%SZ} by the operator's clock and "
                f"{database_time:%Y-%m-%dT%H:%M:%SZ} by the database's; set the wrong one right"
            )

    async def _planned(self, session: RetentionSession, now: datetime) -> Plan:
        known = self.policies()
        partitions = worth_a_look(known, await session.partitions(), now)
        found = {partition: await session.namespaces(partition) for partition in partitions}
        return plan(known, found, now)

    async def _count(
        self, session: RetentionSession, run: UUID, countings: tuple[Counting, ...]
    ) -> None:
        dry_runs = dry_run_policies(self.policies().policies)
        previews = {key: Preview(generation) for key, generation in dry_runs.items()}
        for counting in countings:
            rules = counting_rules(self.policies(), counting.namespaces)
            for found in await session.expired(counting.partition, rules):
                if found.policy in previews:
                    previews[found.policy] = previews[found.policy].with_more(found)
        if previews:
            await session.note_previews(run, previews)

    async def _drop(
        self, session: RetentionSession, run: UUID, partitions: tuple[Partition, ...]
    ) -> tuple[set[date], set[date]]:
        """Drop partitions; gives those that are gone, and those that somebody works with."""
        gone, in_use = set(), set()
        for partition in partitions:
            drop = await self._dropped(session, run, partition)
            if drop.state == "dropped":
                gone.add(partition.first_day)
                metrics.RETENTION_REMOVED_ROWS.inc(drop.removed)
                log.info("dropped the partition of %s", f"{partition.first_day:%Y-%m}")
            elif drop.state == "in-use":
                in_use.add(partition.first_day)
        return gone, in_use

    async def _dropped(self, session: RetentionSession, run: UUID, partition: Partition) -> Drop:
        for pause_seconds in (*IN_USE_PAUSES_SECONDS, None):
            rules = removal_rules(self.policies(), await session.namespaces(partition))
            drop = await session.drop_partition(run, partition, rules)
            if drop.state != "in-use" or pause_seconds is None:
                break
            await asyncio.sleep(pause_seconds)
        return drop

    async def _remove(
        self,
        session: RetentionSession,
        run: UUID,
        removals: tuple[Removal, ...],
        without: set[date],
    ) -> None:
        for removal in removals:
            if removal.partition.first_day not in without:
                await self._remove_in_batches(session, run, removal)

    async def _remove_in_batches(
        self, session: RetentionSession, run: UUID, removal: Removal
    ) -> None:
        since: Place | None = None
        while True:
            rules = removal_rules(self.policies(), [removal.namespace])
            batch = await session.remove_events(run, removal, rules, since, self.batch_rows)
            metrics.RETENTION_REMOVED_ROWS.inc(batch.removed)
            if batch.seen < self.batch_rows:
                return
            since = batch.reached
            await asyncio.sleep(self.pause_seconds)
