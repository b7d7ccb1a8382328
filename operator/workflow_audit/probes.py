"""/metrics, /healthz and /readyz on one port.

Alive = the event loop answers; it never depends on the database or the API server, because a
restart would mend neither. Ready = everything that recording needs is there.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from workflow_audit import metrics
from workflow_audit.settings.process import HttpSettings

log = logging.getLogger(__name__)

ReadinessChecks = Mapping[str, Callable[[], Awaitable[str | None]]]
"""Named checks; each gives what is missing, or None."""


@asynccontextmanager
async def probe_server(settings: HttpSettings, checks: ReadinessChecks) -> AsyncIterator[int]:
    """Serve the probes; gives the port that it listens on.

    Args:
        settings: address and port.
        checks: looked at again for every request, so checks may be added later.
    """
    app = web.Application()
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz(checks))
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port)
        await site.start()
        port = int(runner.addresses[0][1])
        log.info("serving /metrics, /healthz, /readyz", extra={"port": port})
        yield port
    finally:
        await runner.cleanup()


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=metrics.exposition(), headers={"Content-Type": metrics.CONTENT_TYPE})


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _readyz(checks: ReadinessChecks) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def readyz(_: web.Request) -> web.Response:
        missing = {name: await check() for name, check in checks.items()}
        lines = [f"{name}: {problem or 'ok'}" for name, problem in missing.items()]
        status = 503 if any(missing.values()) or not missing else 200
        return web.Response(text="\n".join(lines) + "\n", status=status)

    return readyz
