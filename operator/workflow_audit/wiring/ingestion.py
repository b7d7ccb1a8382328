"""Settings -> what takes searches by HTTP: a writer, the policies, and who may."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from workflow_audit.kube import cluster
from workflow_audit.kube.access import Access
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.kube.policies import PolicyObjects
from workflow_audit.services.admitting import Admitting
from workflow_audit.services.ingesting import Ingesting
from workflow_audit.services.limiting import Limits
from workflow_audit.services.policy_book import PolicyBook
from workflow_audit.services.shared_looks import SharedLooks
from workflow_audit.settings.serving import IngestionSettings
from workflow_audit.store import schema
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.dates import stored_dates
from workflow_audit.store.pool import Database, PoolOptions
from workflow_audit.store.writer import EventWriter, WriterOptions
from workflow_audit.wiring.running import database_problem, running, until_done, utc_now
from workflow_audit.wiring.writing import WriterMetrics

Json = dict[str, Any]


@dataclass(frozen=True)
class IngestionParts:
    """What lives as long as the process."""

    ingesting: Ingesting
    checks: Mapping[str, Callable[[], Awaitable[str | None]]]
    """For readiness: what is wrong, if anything, by what it is about."""


@asynccontextmanager
async def open_ingestion(
    settings: IngestionSettings,
    api: ApiServer,
    access: Access,
    on_wait: Callable[[str], None],
) -> AsyncIterator[IngestionParts | None]:
    """Build everything and close it in reverse; None where no events are taken.

    Args:
        settings: how events are taken.
        api: where policies are.
        access: who may do what.
        on_wait: told what is missing, each time that it has to be waited for.

    Raises:
        SchemaVersionError: the database has another schema than this version needs.
        InvalidFieldError: AUDIT_INGESTION_DATABASE_URL cannot be one.
    """
    if not settings.enabled:
        yield None
        return
    async with Database(_address(settings), _pool()) as database:
        await until_done(partial(schema.check, database), on_wait)
        cluster_id = await until_done(partial(cluster.cluster_id, api), on_wait)
        book = PolicyBook(enabled=True)
        policies = PolicyObjects(api, partial(_policy_changed, book), book.namespace_changed)
        book.follow(policies.known)

        async def policies_problem() -> str | None:
            return policies.problem

        writer = EventWriter(database, _writer(settings), WriterMetrics())
        async with writer, running(policies.run):
            yield IngestionParts(
                Ingesting(
                    admitting=Admitting(access, book, lambda: policies.problem),
                    policies=book,
                    writer=writer,
                    stored_dates=SharedLooks(partial(stored_dates, database)),
                    limits=Limits(None, settings.requests_at_once, time.monotonic),
                    cluster_id=cluster_id,
                    clock=utc_now,
                    answer_seconds=settings.answer_seconds,
                ),
                checks={
                    "ingestion-database": partial(database_problem, database),
                    "policies": policies_problem,
                },
            )


def _policy_changed(book: PolicyBook, before: Json | None, after: Json | None) -> None:
    book.policy_changed(before, after)


def _address(settings: IngestionSettings) -> DatabaseAddress:
    return DatabaseAddress(
        url=settings.database_url.get_secret_value(),
        url_file=settings.database_url_file,
        password_file=settings.database_url_password_file,
        variable="AUDIT_INGESTION_DATABASE_URL",
    )


def _pool() -> PoolOptions:
    return PoolOptions(name="workflow-audit-ingestion")


def _writer(settings: IngestionSettings) -> WriterOptions:
    return WriterOptions(batch_rows=settings.batch_rows, queue_rows=settings.queue_rows)
