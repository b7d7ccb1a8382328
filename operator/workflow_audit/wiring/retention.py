"""All about retention: who runs it, when, and with what."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from workflow_audit.domain.policies import KnownPolicies
from workflow_audit.models.policy import PolicyKey
from workflow_audit.models.policy_status import RetentionStatus
from workflow_audit.services.holding import HoldMirror
from workflow_audit.services.retention import RetentionRun
from workflow_audit.services.retention_schedule import RetentionSchedule
from workflow_audit.settings.operating import RetentionSettings
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.holds import HoldStore
from workflow_audit.store.pool import Database, PoolOptions
from workflow_audit.store.retention import RetentionStore

log = logging.getLogger(__name__)

POOL = PoolOptions(name="workflow-audit-retention", min_size=0, max_size=3, answer_seconds=600)
"""A run has one connection, the mirror of holds another. To look through a month takes seconds for
each million of events; ten minutes are for slow disks."""


@dataclass(frozen=True)
class RetentionDatabase:
    """Where retention works, and whose events are ours there."""

    database: Database | None
    """None where retention does not run."""

    cluster_id: str


@dataclass(frozen=True)
class Retention:
    """What the rest needs of retention."""

    status: Callable[[PolicyKey], RetentionStatus | None]
    policies_changed: Callable[[], None]
    tasks: tuple[Callable[[], Awaitable[None]], ...]
    """What has to run for as long as the process."""


@asynccontextmanager
async def retention_connections(settings: RetentionSettings) -> AsyncIterator[Database | None]:
    """Give connections of the role workflow_audit_retention; None where it is not configured.

    Raises:
        InvalidFieldError: AUDIT_RETENTION_DATABASE_URL cannot be one.
    """
    if not settings.enabled:
        log.warning("retention does not run: AUDIT_RETENTION_DATABASE_URL is empty")
        yield None
        return
    address = DatabaseAddress(
        url=settings.database_url.get_secret_value(),
        url_file=settings.database_url_file,
        password_file=settings.database_url_password_file,
        variable="AUDIT_RETENTION_DATABASE_URL",
    )
    async with Database(address, POOL) as database:
        yield database


def open_retention(
    settings: RetentionSettings,
    where: RetentionDatabase,
    *,
    policies: Callable[[], KnownPolicies],
    policies_are_known: Callable[[], Awaitable[None]],
    dry_runs: Callable[[], Mapping[PolicyKey, int]],
    changed: Callable[[], None],
    clock: Callable[[], datetime],
) -> Retention:
    """Build it; nothing runs yet.

    Args:
        settings: schedule and batches.
        where: the database.
        policies: gives all policies; raises PoliciesUnknownError where they are not known for sure.
        policies_are_known: returns once they are known.
        dry_runs: gives the policies with dryRun and their generations, as far as they are known.
        changed: told when the status of policies has something new to say.
        clock: gives the present instant.
    """
    if where.database is None:
        return Retention(status=lambda _: None, policies_changed=lambda: None, tasks=())
    store = RetentionStore(where.database, where.cluster_id)
    mirror = HoldMirror(policies, HoldStore(where.database, where.cluster_id))
    run = RetentionRun(
        store=store,
        policies=policies,
        mirror_holds=mirror.mirror,
        clock=clock,
        batch_rows=settings.batch_rows,
        pause_seconds=settings.pause_ms / 1000,
    )
    schedule = RetentionSchedule(
        runs=store.runs,
        retention=run,
        dry_runs=dry_runs,
        schedule=settings.schedule,
        changed=changed,
        clock=clock,
    )

    def policies_changed() -> None:
        mirror.policies_changed()
        schedule.policies_changed()

    return Retention(
        status=schedule.status,
        policies_changed=policies_changed,
        tasks=tuple(
            partial(_run_after, policies_are_known, work) for work in (mirror.run, schedule.run)
        ),
    )


async def _run_after(
    known: Callable[[], Awaitable[None]], work: Callable[[], Awaitable[None]]
) -> None:
    await known()
    await work()
