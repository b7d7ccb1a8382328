"""uvicorn with TLS; it does not show the client's certificate to the application, so we do."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
from fastapi import FastAPI

from workflow_audit.api.limited_http import LimitedProtocol
from workflow_audit.api.tls import ServingContext, common_name
from workflow_audit.api.trust import COMMON_NAME

STOP_SECONDS = 5


class CertificateProtocol(LimitedProtocol):
    """Puts the name in the client's verified certificate into ASGI's scope."""

    def connection_made(self, transport: Any) -> None:
        """Look at the certificate once, when the connection is there."""
        super().connection_made(transport)
        self._common_name = common_name(transport.get_extra_info("ssl_object"))

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        scope = cast("dict[str, object]", self.scope)
        scope[COMMON_NAME] = self._common_name


class _Server(uvicorn.Server):
    """uvicorn that leaves signals alone.

    After a signal it would end the process with that signal, before connections and queues are
    closed, and its exit code would be that of a crash.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class ReadServer:
    """Serves an application until it is told to stop."""

    def __init__(self, app: FastAPI, host: str, port: int, tls: ServingContext) -> None:
        """Describe it; nothing listens yet."""
        self._server = _Server(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                http=CertificateProtocol,
                ssl_context_factory=lambda *_: tls.context,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # nobody's word about who asks but the API server's counts
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until told to stop; then what is under way may take STOP_SECONDS."""
        ending = asyncio.create_task(self._end(stopping), name="end of serving")
        try:
            await self._server.serve()
        finally:
            ending.cancel()

    async def _end(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._server.should_exit = True

    def renew_connections(self) -> None:
        """Have every client connect anew, and show its certificate anew, after its present request.

        A certificate is judged when a connection is made, and the API server keeps its connections
        for as long as it can.
        """
        for connection in list(self._server.server_state.connections):
            connection.shutdown()
