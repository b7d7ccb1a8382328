"""An export does not wait for ever for a client that is connected and reads nothing."""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import FastAPI

from support.eventually import eventually_async
from unit.api.events import a_stored_event
from unit.api.test_tls import HOST, authority, put
from workflow_audit.api.rest_export import Export
from workflow_audit.api.server import ReadServer
from workflow_audit.api.tls import ServingContext
from workflow_audit.local.certificates import Authority
from workflow_audit.local.ports import free_port
from workflow_audit.models.query import StoredEvent
from workflow_audit.wiring.running import utc_now

PAGE = [a_stored_event(error_message="x" * 10_000)] * 100
"""A megabyte; some of them are more than all buffers between server and client take."""

PAGES = 40


@dataclass
class Exports:
    """What the exports of a server have read, and whether they have ended."""

    read: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def pages(self) -> AsyncGenerator[Sequence[StoredEvent], None]:
        try:
            for _ in range(PAGES):
                self.read += 1
                yield PAGE
        finally:
            self.ended.set()


@asynccontextmanager
async def exporting(
    exports: Exports, serving: Authority, folder: Path, patience_seconds: float
) -> AsyncIterator[int]:
    """Serve them; gives the port."""
    app = FastAPI()

    @app.get("/export")
    async def export() -> Export:
        return Export([], exports.pages(), patience_seconds)

    own = put(folder, "tls", serving.server("us", (HOST,), utc_now()))
    port = free_port()
    server = ReadServer(app, HOST, port, ServingContext(*own, lambda: ""))
    stopping = asyncio.Event()
    running = asyncio.create_task(server.run(stopping))
    await eventually_async(lambda: server._server.started or running.done())
    try:
        yield port
    finally:
        stopping.set()
        await running


def asked(port: int, serving: Authority) -> ssl.SSLSocket:
    """Ask for an export, and take its head only."""
    context = ssl.create_default_context(cadata=serving.certificate)
    plain = socket.create_connection((HOST, port), timeout=60)
    connection = context.wrap_socket(plain, server_hostname=HOST)
    connection.sendall(
        f"GET /export HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
    )
    assert connection.recv(15) == b"HTTP/1.1 200 OK"
    return connection


def rest_of(connection: ssl.SSLSocket, pause_seconds: float = 0) -> bytes:
    """Take everything else, in parts of 16 KiB with pauses between them."""
    parts = []
    while part := connection.recv(16384):
        parts.append(part)
        time.sleep(pause_seconds)  # this is what a slow client is
    return b"".join(parts)


async def test_who_takes_nothing_is_cut_off(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    exports, serving = Exports(), authority(tmp_path, "serving")
    async with exporting(exports, serving, tmp_path, patience_seconds=0.5) as port:
        with await asyncio.to_thread(asked, port, serving) as connection:
            await asyncio.wait_for(exports.ended.wait(), 60)
            assert 0 < exports.read < PAGES
            assert "an answer was cut: the client took nothing for 0.5 s" in caplog.text
            assert "Traceback" not in caplog.text
            rest = await asyncio.to_thread(rest_of, connection)
    assert rest
    assert not rest.endswith(b"0\r\n\r\n"), "what was cut does not look complete"
    assert b'"end"' not in rest


async def test_who_takes_a_little_at_a_time_gets_everything(tmp_path: Path) -> None:
    exports, serving, patience = Exports(), authority(tmp_path, "serving"), 1.5
    async with exporting(exports, serving, tmp_path, patience) as port:
        with await asyncio.to_thread(asked, port, serving) as connection:
            began = time.monotonic()
            rest = await asyncio.to_thread(rest_of, connection, 0.001)
            assert time.monotonic() - began > patience, "or nothing was tried"
    assert b'{"kind":"end","events":%d}' % (PAGES * len(PAGE)) in rest
    assert rest.endswith(b"0\r\n\r\n")
