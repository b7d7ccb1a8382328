"""Settings -> what reading needs: events, rights, certificates."""

import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from workflow_audit.domain.rates import Rate
from workflow_audit.kube.access import Access
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.kube.trusted_proxy import TrustedProxy
from workflow_audit.services.exporting import Exporting
from workflow_audit.services.limiting import Limits
from workflow_audit.services.reading import Reading
from workflow_audit.services.statistics import Statistics
from workflow_audit.services.watching import Tail, Watching
from workflow_audit.settings.serving import ApiServerSettings
from workflow_audit.store import schema
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.analytics import EventStatistics
from workflow_audit.store.pool import Database, PoolOptions
from workflow_audit.store.reader import EventReader
from workflow_audit.wiring.running import database_problem, running, until_done, utc_now


@dataclass(frozen=True)
class ReadingParts:
    """What lives as long as the process."""

    reading: Reading
    watching: Watching
    statistics: Statistics
    exporting: Exporting
    api: ApiServer
    access: Access
    trusted: TrustedProxy
    checks: Mapping[str, Callable[[], Awaitable[str | None]]]
    """For readiness: what is wrong, if anything, by what it is about."""


@asynccontextmanager
async def open_reading(
    settings: ApiServerSettings, on_wait: Callable[[str], None]
) -> AsyncIterator[ReadingParts]:
    """Build everything, wait until database and API server can be worked with, close in reverse.

    Args:
        settings: how to read.
        on_wait: told what is missing, each time that it has to be waited for.

    Raises:
        SchemaVersionError: the database has another schema than this version needs.
        InvalidFieldError: AUDIT_APISERVER_DATABASE_URL cannot be one.
    """
    async with Database(_address(settings), _pool(settings)) as database, ApiServer() as api:
        await until_done(partial(schema.check, database), on_wait)
        trusted = TrustedProxy(api)
        events = EventReader(database, utc_now)
        tail, access = Tail(events), Access(api)
        async with running(trusted.informer.run, tail.run):
            await trusted.informer.known.wait()
            limits, key = _limits(settings), partial(_cursor_key, settings.tls_key)
            reading = Reading(events, access, limits, key, utc_now)
            yield ReadingParts(
                reading=reading,
                watching=Watching(events, tail, time.monotonic),
                statistics=Statistics(EventStatistics(database), reading),
                exporting=Exporting(events, access, limits),
                api=api,
                access=access,
                trusted=trusted,
                checks={
                    "database": partial(database_problem, database),
                    "front-proxy": trusted.problem,
                },
            )


def _address(settings: ApiServerSettings) -> DatabaseAddress:
    return DatabaseAddress(
        url=settings.database_url.get_secret_value(),
        url_file=settings.database_url_file,
        password_file=settings.database_url_password_file,
        variable="AUDIT_APISERVER_DATABASE_URL",
    )


def _pool(settings: ApiServerSettings) -> PoolOptions:
    return PoolOptions(
        name="workflow-audit-apiserver",
        max_size=settings.database_connections,
        answer_seconds=settings.answer_seconds,
        writes=False,
    )


def _limits(settings: ApiServerSettings) -> Limits:
    per_second = settings.requests_per_second
    rate = Rate(per_second, settings.requests_burst) if per_second else None
    return Limits(rate, settings.requests_at_once, time.monotonic)


def _cursor_key(key_file: Path) -> bytes:
    """Give the key of cursors: replicas share their private key, and nobody else has it."""
    return hashlib.blake2b(key_file.read_bytes(), digest_size=32, person=b"audit cursors").digest()
