"""Run the server of readers: probes first, then what it needs, then the application."""

import logging
from collections.abc import Awaitable, Callable

from workflow_audit.api.app import application
from workflow_audit.api.server import ReadServer
from workflow_audit.api.services import ReadServices
from workflow_audit.api.tls import ServingContext
from workflow_audit.api.trust import authenticator
from workflow_audit.probes import probe_server
from workflow_audit.settings import Settings
from workflow_audit.wiring.reading import ReadingParts, open_reading

log = logging.getLogger(__name__)


async def run_apiserver(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        AuditError: something that no waiting mends, such as a schema of another version.
        OSError: a certificate or key cannot be read.
    """
    waits_for = ["starting"]

    async def start() -> str | None:
        return waits_for[0]

    checks: dict[str, Callable[[], Awaitable[str | None]]] = {"start": start}
    async with probe_server(settings.http, checks):

        def on_wait(missing: str) -> None:
            waits_for[0] = missing

        async with open_reading(settings.apiserver, on_wait) as parts:
            checks.clear()
            checks.update(parts.checks)
            await _serve(settings, parts)


async def _serve(settings: Settings, parts: ReadingParts) -> None:
    own, trusted = settings.apiserver, parts.trusted
    services = ReadServices(
        parts.reading,
        parts.watching,
        parts.statistics,
        parts.exporting,
        authenticator(lambda: trusted.config, parts.access),
        parts.reading.clock,
    )
    tls = ServingContext(own.tls_certificate, own.tls_key, trusted.authority)
    server = ReadServer(application(services), own.host, own.port, tls)
    trusted.changed = server.renew_connections
    await server.run()
