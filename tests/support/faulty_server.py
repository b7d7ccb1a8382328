"""A real HTTP(S) server that answers as a test wants, and remembers what it was asked.

    with FaultyServer(answer({"workflows": []})) as server:
        ...                       # asks server.url
        server.behave(hang)       # from the next request on
        server.refuse()           # nobody listens any more, until `behave`

A client that starts TLS with a server without `tls` waits in the handshake for ever.
"""

import asyncio
import json
import ssl
import struct
import tempfile
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.parser import BytesHeaderParser
from http import HTTPStatus
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from typing import Any, Self

from workflow_audit.certificates import KeyPair, Signer
from workflow_audit.local.ports import HOST, free_port

JSON_TYPE = {"Content-Type": "application/json"}
END_OF_HEAD = b"\r\n\r\n"
CHUNK_BYTES = 64 * 1024
THREAD_SECONDS = 30.0


@dataclass(frozen=True)
class Request:
    """What a client asked; `headers` does not mind the case of names."""

    method: str
    path: str
    headers: Message
    body: bytes
    at: float
    """When it had come, by the monotonic clock."""

    def json(self) -> Any:
        """Give the body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Exchange:
    """A request, and the connection on which it waits for an answer."""

    request: Request
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes, as fast as the client takes them."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """End the connection by RST: what the client has not read yet is lost."""
        now = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, now)
        self.writer.transport.abort()


Behaviour = Callable[[Exchange], Awaitable[None]]


def answer(
    content: Any = None, status: int = 200, headers: Mapping[str, str] | None = None
) -> Behaviour:
    """Answer in order; bytes are sent as they are, everything else as JSON."""

    async def behave(exchange: Exchange) -> None:
        await exchange.send(response(content, status, headers))

    return behave


def refusal(status: int, retry_after_seconds: int | None = None) -> Behaviour:
    """Answer with an error, such as 401, 429 or 500."""
    wait = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
    return answer({"message": f"made up: {status}"}, status, wait)


def redirect(location: str, status: int = 307) -> Behaviour:
    """Send the client somewhere else."""
    return answer(b"", status, {"Location": location})


async def hang(exchange: Exchange) -> None:
    """Never answer."""
    await asyncio.Event().wait()


def after(seconds: float, then: Behaviour) -> Behaviour:
    """Answer late."""

    async def behave(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)
        await then(exchange)

    return behave


def dribble(content: Any = None, pause_seconds: float = 0.05) -> Behaviour:
    """Answer in order, but a byte now and then: no pause is long, the whole is."""

    async def behave(exchange: Exchange) -> None:
        for byte in response(content):
            await exchange.send(bytes([byte]))
            await asyncio.sleep(pause_seconds)

    return behave


def reset_mid_body(content: Any = None) -> Behaviour:
    """Send the first half of the body, then reset the connection."""

    async def behave(exchange: Exchange) -> None:
        head, _, body = response(content).partition(END_OF_HEAD)
        await exchange.send(head + END_OF_HEAD + body[: len(body) // 2])
        exchange.reset()

    return behave


async def reset(exchange: Exchange) -> None:
    """Reset the connection instead of answering."""
    exchange.reset()


def oversized(size_bytes: int) -> Behaviour:
    """Stream spaces, which may stand before a JSON value, without saying how many."""

    async def behave(exchange: Exchange) -> None:
        await exchange.send(head(200, {**JSON_TYPE, "Transfer-Encoding": "chunked"}))
        for start in range(0, size_bytes, CHUNK_BYTES):
            size = min(CHUNK_BYTES, size_bytes - start)
            await exchange.send(b"%x\r\n%b\r\n" % (size, b" " * size))
        await exchange.send(b"0\r\n\r\n")

    return behave


def gzip_bomb(inflated_bytes: int) -> Behaviour:
    """Send a small body that grows a thousandfold when it is unpacked."""
    packer = zlib.compressobj(wbits=31)
    spaces = b" " * CHUNK_BYTES
    packed = b"".join(packer.compress(spaces) for _ in range(0, inflated_bytes, CHUNK_BYTES))
    return answer(packed + packer.flush(), headers={**JSON_TYPE, "Content-Encoding": "gzip"})


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behave differently at each request; the last behaviour stays."""
    left = list(behaviours)

    async def behave(exchange: Exchange) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(exchange)

    return behave


def response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """Give a whole response."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return head(status, {**JSON_TYPE, "Content-Length": str(len(body)), **(headers or {})}) + body


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Give status line and headers of a response."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + END_OF_HEAD


@dataclass(frozen=True)
class Identity:
    """A server's certificate, and the authority that clients must trust for it (PEM)."""

    pair: KeyPair
    authority: str


def identity(*hosts: str) -> Identity:
    """Make a certificate for hosts (127.0.0.1 without any), by an authority of its own.

    Hence nobody trusts it who was not told to; and one for another host has the wrong name.
    """
    now = datetime.now(UTC)  # noqa: TID251 - TLS follows the real clock
    signer = Signer.create("faulty-authority", now, timedelta(hours=1))
    pair = signer.server("faulty-server", hosts or (HOST,), now)
    return Identity(pair, signer.pair.certificate)


class FaultyServer:
    """Listens on a port of 127.0.0.1 in a thread of its own; see the module."""

    def __init__(self, behaviour: Behaviour, *, tls: Identity | None = None) -> None:
        self._behaviour = behaviour
        self._context = _serving_context(tls.pair) if tls else None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="faulty-server")
        self._listener: asyncio.Server | None = None
        self._serving: set[asyncio.Task[Any]] = set()
        self._broken: list[Exception] = []
        self._requests: list[Request] = []
        self.port = free_port()
        self.url = f"{'https' if tls else 'http'}://{HOST}:{self.port}"

    @property
    def requests(self) -> Sequence[Request]:
        """All requests so far, those without an answer too."""
        return tuple(self._requests)

    def behave(self, behaviour: Behaviour) -> None:
        """Behave so from the next request on, and listen if nobody does."""
        self._behaviour = behaviour
        self._run(self._listen())

    def refuse(self) -> None:
        """Close the port and every connection."""
        self._run(self._close())

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(THREAD_SECONDS)
        self._loop.close()
        if self._broken:
            raise self._broken[0]

    def _run(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(THREAD_SECONDS)

    async def _listen(self) -> None:
        if not self._listener:
            self._listener = await asyncio.start_server(
                self._serve, HOST, self.port, ssl=self._context
            )

    async def _close(self) -> None:
        if self._listener:
            self._listener.close()
            self._listener = None
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Nobody else holds a task that waits for ever: it would be collected as garbage.
        task = asyncio.current_task()
        assert task
        self._serving.add(task)
        try:
            while not writer.is_closing():
                exchange = Exchange(await _read(reader), writer)
                self._requests.append(exchange.request)
                await self._behaviour(exchange)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone, as clients of faulty servers do
        except asyncio.CancelledError:
            pass  # by `_close`; Python 3.11 logs a connection that ends so as an error
        except Exception as error:  # noqa: BLE001 - a broken behaviour; raised at the end
            self._broken.append(error)
        finally:
            self._serving.discard(task)
            writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> Request:
    line, _, rest = (await reader.readuntil(END_OF_HEAD)).partition(b"\r\n")
    method, path, _ = line.decode().split(" ")
    headers = BytesHeaderParser().parsebytes(rest)
    assert "Transfer-Encoding" not in headers, "a chunked request is not understood here"
    body = await reader.readexactly(int(headers.get("Content-Length", 0)))
    return Request(method, path, headers, body, time.monotonic())


def _serving_context(pair: KeyPair) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder, "crt"), Path(folder, "key")
        certificate.write_text(pair.certificate)
        key.write_text(pair.key)
        context.load_cert_chain(certificate, key)
    return context
