"""An API server that misbehaves on demand: a proxy between the operator and the real one."""

import asyncio
import contextlib
import json
import ssl
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
import yaml
from aiohttp import web

from support.api import client_context
from workflow_audit.cli.prepare import OPERATOR, OPERATOR_GROUPS, operator_environment
from workflow_audit.local.environment import LocalEnvironment

HOP_BY_HOP = {"host", "connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass(frozen=True)
class Request:
    """What the operator asks for."""

    method: str
    path: str
    watch: bool


@dataclass(frozen=True)
class Fault:
    """What it gets instead of an answer."""

    name: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    """Cut the connection instead of answering."""
    watch_error: int | None = None
    """Answer a watch, with an ERROR event of this code."""
    meanwhile: Callable[[], object] | None = None
    """Hold the request back until this is done, then let it through."""

    def body(self) -> bytes:
        """Give a Status object, as an event or alone."""
        code = self.watch_error or self.status
        status = {
            "apiVersion": "v1",
            "kind": "Status",
            "status": "Failure",
            "message": f"made up: {self.name}",
            "reason": "Expired" if code == 410 else "MadeUp",
            "details": {"causes": [{"field": "madeUp"}]},
            "code": code,
        }
        answer: dict[str, Any] = {"type": "ERROR", "object": status} if self.watch_error else status
        return json.dumps(answer).encode() + b"\n"


Chooser = Callable[[Request], Fault | None]
"""Gives the fault for a request, or None to let it through."""


class FaultyApi:
    """Forwards to the API server with the operator's identity, unless told otherwise."""

    def __init__(self, environment: LocalEnvironment) -> None:
        self._environment = environment
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.BaseTransport] = set()
        self._choose: Chooser = lambda _: None
        self.met: Counter[str] = Counter()
        """How often each fault was met, by its name."""
        self.let_through: Counter[str] = Counter()
        """How many of those held back have got their answer, by their name."""

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, name="faulty-api")
        self._thread.start()
        self._port = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.cut_connections()
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def kubeconfig(self, folder: Path) -> str:
        """Write a kubeconfig that leads here; gives its path."""
        path = Path(operator_environment(self._environment)["KUBECONFIG"])
        content = yaml.safe_load(path.read_text())
        content["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{self._port}"
        ours = folder / "faulty.kubeconfig"
        ours.write_text(yaml.safe_dump(content))
        return str(ours)

    @contextlib.contextmanager
    def answering(self, choose: Chooser) -> Iterator[None]:
        """Misbehave until the block ends; open watches are cut, so that it is noticed at once."""
        self._choose = choose
        self.cut_connections()
        try:
            yield
        finally:
            self._choose = lambda _: None

    def cut_connections(self) -> None:
        """Reset every connection on which a request is under way."""
        self._loop.call_soon_threadsafe(lambda: [t.abort() for t in list(self._open)])  # type: ignore[attr-defined]

    async def _start(self) -> int:
        self._upstream = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, ssl=client_context(self._environment, OPERATOR, OPERATOR_GROUPS)
            ),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._serving_context())
        await site.start()
        return int(self._runner.addresses[0][1])

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._upstream.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}  # watches, whose client went on
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _serving_context(self) -> ssl.SSLContext:
        certificates = self._environment.control_plane.certificates
        pair = certificates.serving("faulty-api", ("127.0.0.1",))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = Path(folder, "crt"), Path(folder, "key")
            certificate.write_text(pair.certificate)
            key.write_text(pair.key)
            context.load_cert_chain(certificate, key)
        return context

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        assert request.transport
        watch = "watch" in request.query
        fault = self._choose(Request(request.method, request.path, watch))
        if fault:
            self.met[fault.name] += 1
        if fault and fault.meanwhile:
            await asyncio.to_thread(fault.meanwhile)
        elif fault:
            if fault.reset:
                request.transport.abort()  # type: ignore[attr-defined]
            return web.Response(
                body=fault.body(),
                status=fault.status,
                headers=fault.headers,
                content_type="application/json",
            )
        transport = request.transport
        self._open.add(transport)
        try:
            answer = await self._forward(request)
        except (aiohttp.ClientError, ConnectionError):
            transport.abort()  # type: ignore[attr-defined]
            return web.Response(status=502)
        finally:
            self._open.discard(transport)
        if fault:
            self.let_through[fault.name] += 1
        return answer

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        url = self._environment.control_plane.url + request.raw_path
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP}
        body = await request.read() or None
        async with self._upstream.request(
            request.method, url, headers=headers, data=body
        ) as answer:
            passed = {k: v for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP}
            response = web.StreamResponse(status=answer.status, headers=passed)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response
