"""Settings -> services: the only package that sees all adapters, and the only one with a clock."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from workflow_audit.catalogue.client import CatalogueClient
from workflow_audit.errors import ClusterError
from workflow_audit.kube import cluster
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.kube.tokens import CatalogueTokens
from workflow_audit.models.kinds import GROUP, KINDS, VERSION
from workflow_audit.services.maintaining import Maintenance, TableSize
from workflow_audit.services.pending import PendingSearches
from workflow_audit.services.recording import Recorder
from workflow_audit.services.summing import Summing
from workflow_audit.settings.loading import Settings
from workflow_audit.store import schema
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.facts import table_facts
from workflow_audit.store.partitions import ensure_ahead
from workflow_audit.store.pool import Database
from workflow_audit.store.stored import ExecutedEvents
from workflow_audit.store.summing import sum_up
from workflow_audit.store.writer import EventWriter, WriterOptions
from workflow_audit.wiring.catalogue import searcher
from workflow_audit.wiring.certificates import certificate_tasks
from workflow_audit.wiring.policies import open_policies
from workflow_audit.wiring.retention import RetentionDatabase, retention_connections
from workflow_audit.wiring.running import database_problem, running, until_done, utc_now
from workflow_audit.wiring.verifying import verify_tasks
from workflow_audit.wiring.writing import WriterMetrics


@dataclass(frozen=True)
class Services:
    """What lives as long as the process."""

    recorder: Recorder
    clock: Callable[[], datetime]
    checks: Mapping[str, Callable[[], Awaitable[str | None]]]
    """For readiness: what is wrong, if anything, by what it is about."""


@asynccontextmanager
async def open_services(
    settings: Settings, on_wait: Callable[[str], None]
) -> AsyncIterator[Services]:
    """Build everything, wait until database and API server can be worked with, close in reverse.

    Args:
        settings: all of them.
        on_wait: told what is missing, each time that it has to be waited for.

    Raises:
        SchemaVersionError: this version cannot work with the database's schema any more.
        InvalidFieldError: a setting that only shows now to be wrong.
    """
    address = database_address(settings)
    pending = PendingSearches(utc_now)
    async with (
        Database(address) as database,
        retention_connections(settings.retention) as retention_connection,
        ApiServer() as api,
        CatalogueClient(settings.operator.catalogue_requests) as catalogue,
    ):
        await until_done(partial(schema.check, database), on_wait)
        cluster_id = await until_done(partial(cluster.cluster_id, api), on_wait)
        await until_done(partial(_resources_are_served, api), on_wait)
        retention = RetentionDatabase(retention_connection, str(cluster_id))
        tokens = CatalogueTokens(api, settings.operator.namespace)
        policies = open_policies(settings, api, utc_now, retention, tokens)
        writer = EventWriter(database, _writer_options(settings), WriterMetrics())
        summing = Summing(partial(sum_up, database))
        certificates = certificate_tasks(settings.operator, api, utc_now)
        comparing = verify_tasks(settings.verify, api, database, retention, policies.book)
        works = (
            _maintenance(database).run,
            summing.run,
            *policies.tasks,
            *certificates,
            *comparing,
        )
        async with writer, running(*works):
            yield Services(
                recorder=Recorder(
                    writer=writer,
                    executed=ExecutedEvents(database),
                    policies=policies.book,
                    searcher=searcher(policies.book, tokens, catalogue, utc_now),
                    cluster_id=cluster_id,
                    pending=pending,
                    patience_seconds=settings.operator.patience_seconds,
                    retry_seconds=settings.operator.retry_seconds,
                ),
                clock=utc_now,
                checks={
                    "database": partial(database_problem, database),
                    "policies": policies.problem,
                },
            )


def database_address(settings: Settings) -> DatabaseAddress:
    """Give the checked address of the database.

    Raises:
        InvalidFieldError: AUDIT_DATABASE_URL cannot be one.
    """
    return DatabaseAddress(
        url=settings.database.url.get_secret_value(),
        url_file=settings.database.url_file,
        password_file=settings.database.url_password_file,
    )


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


async def _resources_are_served(api: ApiServer) -> None:
    for kind in KINDS:
        if not await cluster.serves(api, GROUP, VERSION, kind.plural):
            resource = f"{kind.plural}.{GROUP}"
            raise ClusterError(f"the API server does not know {resource}; apply the files in crds/")
