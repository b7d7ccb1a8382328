"""Settings -> what reading needs: events, rights, certificates."""

import hashlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from workflow_audit.domain.front_proxy import FrontProxy, front_proxy
from workflow_audit.errors import InvalidFieldError
from workflow_audit.kube.access import Access
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.kube.informer import Informer
from workflow_audit.models.resource import CONFIG_MAP
from workflow_audit.services.reading import Reading
from workflow_audit.services.statistics import Statistics
from workflow_audit.services.watching import Tail, Watching
from workflow_audit.settings import ApiServerSettings
from workflow_audit.store import schema
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.analytics import EventStatistics
from workflow_audit.store.pool import Database, PoolOptions
from workflow_audit.store.reader import EventReader
from workflow_audit.wiring.running import database_problem, running, until_done, utc_now

log = logging.getLogger(__name__)

NAMESPACE, NAME = "kube-system", "extension-apiserver-authentication"

Json = dict[str, Any]


@dataclass(frozen=True)
class ReadingParts:
    """What lives as long as the process."""

    reading: Reading
    watching: Watching
    statistics: Statistics
    access: Access
    trusted: "TrustedProxy"
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
        events = EventReader(database)
        tail, access = Tail(events), Access(api)
        async with running(trusted.informer.run, tail.run):
            await trusted.informer.known.wait()
            reading = Reading(events, access, partial(_cursor_key, settings.tls_key), utc_now)
            yield ReadingParts(
                reading=reading,
                watching=Watching(events, tail, time.monotonic),
                statistics=Statistics(EventStatistics(database), reading),
                access=access,
                trusted=trusted,
                checks={
                    "database": partial(database_problem, database),
                    "front-proxy": trusted.problem,
                },
            )


class TrustedProxy:
    """Whose certificates may speak for users, as the cluster says it now."""

    def __init__(self, api: ApiServer) -> None:
        """Know where that stands; nothing is asked yet."""
        self.config: FrontProxy | None = None
        self.changed: Callable[[], None] = lambda: None
        """Called when it is somebody else's certificates that count."""

        self._wrong: str | None = "the API server has not told yet whose certificates count"
        self.informer = Informer(
            api,
            CONFIG_MAP,
            self._changed,
            namespace=NAMESPACE,
            field_selector=f"metadata.name={NAME}",
        )

    async def problem(self) -> str | None:
        """Say why nobody is trusted, or why that may be out of date."""
        return self._wrong or self.informer.problem

    def authority(self) -> str:
        """Give the certificates in PEM by which clients are judged; empty for nobody's."""
        return self.config.ca if self.config else ""

    def _changed(self, _: Json | None, after: Json | None) -> None:
        before = self.config
        try:
            self.config = front_proxy((after or {}).get("data") or {})
        except InvalidFieldError as error:
            self.config, self._wrong = None, str(error)
            log.warning("nobody may speak for users: %s", error)
        else:
            self._wrong = None
        if before is not None and before != self.config:
            log.info("other certificates may speak for users now")
            self.changed()


def _address(settings: ApiServerSettings) -> DatabaseAddress:
    return DatabaseAddress(
        url=settings.database_url.get_secret_value(),
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


def _cursor_key(key_file: Path) -> bytes:
    """Give the key of cursors: replicas share their private key, and nobody else has it."""
    return hashlib.blake2b(key_file.read_bytes(), digest_size=32, person=b"audit cursors").digest()
