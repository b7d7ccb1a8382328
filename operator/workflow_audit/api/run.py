"""Run the server of readers: probes first, then what it needs, then the application."""

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable

from workflow_audit.api.app import application
from workflow_audit.api.bodies import Bodies
from workflow_audit.api.server import ReadServer
from workflow_audit.api.services import Ingestion, ReadServices
from workflow_audit.api.tls import ServingContext
from workflow_audit.api.trust import authenticator
from workflow_audit.probes import probe_server
from workflow_audit.settings.loading import Settings
from workflow_audit.settings.serving import IngestionSettings
from workflow_audit.wiring.ingestion import IngestionParts, open_ingestion
from workflow_audit.wiring.reading import ReadingParts, open_reading

log = logging.getLogger(__name__)

Checks = dict[str, Callable[[], Awaitable[str | None]]]

NEW_OBJECTS = 200_000
"""After so many more are made than let go, Python looks for cycles among them. A batch of events
makes a hundred thousand that live as long as its answer takes: with Python's own 700, looking for
cycles was two fifths of the time of a batch."""


async def run_apiserver(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        AuditError: something that no waiting mends, such as a schema of another version.
        OSError: a certificate or key cannot be read.
    """
    waits_for = ["starting"]

    async def start() -> str | None:
        return waits_for[0]

    def on_wait(missing: str) -> None:
        waits_for[0] = missing

    checks: Checks = {"start": start}
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with probe_server(settings.http, checks):
        work = asyncio.create_task(_work(settings, on_wait, checks, stopping), name="apiserver")
        stop = asyncio.create_task(stopping.wait(), name="stop")
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not work.done() and "start" in checks:
            work.cancel()  # still waiting for the database or the API server
        await asyncio.gather(work, return_exceptions=work.cancelling() > 0)
    log.info("stopped")


async def _work(
    settings: Settings, on_wait: Callable[[str], None], checks: Checks, stopping: asyncio.Event
) -> None:
    async with (
        open_reading(settings.apiserver, on_wait) as parts,
        open_ingestion(settings.ingestion, parts.api, parts.access, on_wait) as ingestion,
    ):
        checks.clear()
        checks.update(parts.checks)
        if ingestion:
            checks.update(ingestion.checks)
        await _serve(settings, parts, ingestion, stopping)


async def _serve(
    settings: Settings,
    parts: ReadingParts,
    ingestion: IngestionParts | None,
    stopping: asyncio.Event,
) -> None:
    own, trusted = settings.apiserver, parts.trusted
    services = ReadServices(
        parts.reading,
        parts.watching,
        parts.statistics,
        parts.exporting,
        authenticator(lambda: trusted.config, parts.access),
        parts.reading.clock,
        _ingestion(settings.ingestion, ingestion) if ingestion else None,
    )
    tls = ServingContext(own.tls_certificate, own.tls_key, trusted.authority)
    server = ReadServer(application(services), own.host, own.port, tls)
    trusted.changed = server.renew_connections
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
    await server.run(stopping)


def _ingestion(settings: IngestionSettings, parts: IngestionParts) -> Ingestion:
    return Ingestion(
        ingesting=parts.ingesting,
        bodies=Bodies(settings.bytes_under_way, settings.body_seconds),
        event_bytes=settings.event_bytes,
        batch_bytes=settings.batch_bytes,
    )
