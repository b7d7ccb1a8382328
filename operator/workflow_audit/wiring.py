"""Settings -> services: the only module that sees all adapters, and the only one with a clock."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from workflow_audit import metrics
from workflow_audit.domain.redaction import Redactor
from workflow_audit.errors import AuditError, ClusterError, DatabaseUnavailableError
from workflow_audit.kube import cluster
from workflow_audit.models.kinds import GROUP, VERSION, WORKFLOW_SEARCH
from workflow_audit.models.policy import DEFAULT_POLICY_NAME, RecordingPolicy
from workflow_audit.services.maintaining import Maintenance, TableSize
from workflow_audit.services.pending import PendingSearches
from workflow_audit.services.recording import ApplyingPolicy, Recorder
from workflow_audit.settings import Settings
from workflow_audit.store import schema
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.facts import ping, table_facts
from workflow_audit.store.partitions import ensure_ahead
from workflow_audit.store.pool import Database
from workflow_audit.store.writer import EventWriter, WriterOptions

log = logging.getLogger(__name__)

T = TypeVar("T")

START_RETRY_SECONDS = 2.0
"""Pause between attempts to reach what the operator needs at start; it never gives up."""


def utc_now() -> datetime:
    """Give the present instant; everything else is told the time."""
    return datetime.now(UTC)  # noqa: TID251 - the one clock


@dataclass(frozen=True)
class Services:
    """What lives as long as the process."""

    recorder: Recorder
    clock: Callable[[], datetime]
    check_database: Callable[[], Awaitable[str | None]]
    """For readiness: what is wrong with the database, if anything."""


@asynccontextmanager
async def open_services(
    settings: Settings, on_wait: Callable[[str], None]
) -> AsyncIterator[Services]:
    """Build everything, wait until database and API server can be worked with, close in reverse.

    Args:
        settings: all of them.
        on_wait: told what is missing, each time that it has to be waited for.

    Raises:
        SchemaVersionError: the database has another schema than this version needs.
        InvalidFieldError: a setting that only shows now to be wrong.
    """
    address = database_address(settings)
    policy = default_policy(settings)
    pending = PendingSearches(utc_now)
    async with Database(address) as database:
        await _until_done(partial(schema.check, database), on_wait)
        cluster_id = await _until_done(_cluster_id, on_wait)
        await _until_done(_searches_are_served, on_wait)
        writer = EventWriter(database, _writer_options(settings), WriterMetrics())
        maintenance = asyncio.create_task(_maintenance(database).run(), name="maintenance")
        try:
            async with writer:
                yield Services(
                    recorder=Recorder(
                        writer=writer,
                        policy=policy,
                        cluster_id=cluster_id,
                        pending=pending,
                        patience_seconds=settings.operator.patience_seconds,
                        retry_seconds=settings.operator.retry_seconds,
                    ),
                    clock=utc_now,
                    check_database=partial(_database_problem, database),
                )
        finally:
            maintenance.cancel()
            with suppress(asyncio.CancelledError):
                await maintenance


def database_address(settings: Settings) -> DatabaseAddress:
    """Give the checked address of the database.

    Raises:
        InvalidFieldError: AUDIT_DATABASE_URL cannot be one.
    """
    return DatabaseAddress(
        url=settings.database.url.get_secret_value(),
        password_file=settings.database.url_password_file,
    )


def default_policy(settings: Settings) -> ApplyingPolicy:
    """Give the policy that applies where no policy resource does."""
    rules = RecordingPolicy(enabled=settings.operator.enabled)
    return ApplyingPolicy(DEFAULT_POLICY_NAME, rules, Redactor(rules.redaction))


class WriterMetrics:
    """Tells the metrics how the writer fares."""

    def batch_written(self, rows: int, replays: int, seconds: float) -> None:  # noqa: ARG002
        """Count a committed batch."""
        metrics.BATCH_ROWS.observe(rows)

    def write_failed(self, kind: str) -> None:
        """Count a failed write: validation, network or database."""
        metrics.WRITE_ERRORS.labels(kind).inc()

    def waited(self, seconds: float) -> None:
        """Note how long one event took from submission to COMMIT."""
        metrics.WRITE_DURATION.observe(seconds)


def _writer_options(settings: Settings) -> WriterOptions:
    return WriterOptions(
        batch_rows=settings.writer.batch_rows,
        linger_ms=settings.writer.linger_ms,
        queue_rows=settings.writer.queue_rows,
    )


def _maintenance(database: Database) -> Maintenance:
    async def size() -> TableSize:
        facts = await table_facts(database)
        return TableSize(facts.table_bytes, facts.partitions)

    async def ahead(today: date) -> int:
        return await ensure_ahead(database, today)

    return Maintenance(ensure_ahead=ahead, table_size=size, clock=utc_now)


async def _cluster_id() -> UUID:
    return await asyncio.to_thread(cluster.cluster_id)


async def _searches_are_served() -> None:
    served = await asyncio.to_thread(cluster.serves, GROUP, VERSION, WORKFLOW_SEARCH.plural)
    if not served:
        resource = f"{WORKFLOW_SEARCH.plural}.{GROUP}"
        raise ClusterError(f"the API server does not know {resource}; apply the files in crds/")


async def _until_done(attempt: Callable[[], Awaitable[T]], on_wait: Callable[[str], None]) -> T:
    """Try again until it works: a database or API server that is down must not end us."""
    while True:
        try:
            return await attempt()
        except (DatabaseUnavailableError, ClusterError) as error:
            log.warning("waiting: %s", error)
            on_wait(str(error))
        await asyncio.sleep(START_RETRY_SECONDS)


async def _database_problem(database: Database) -> str | None:
    try:
        await ping(database)
    except AuditError as error:
        return str(error)
    return None
