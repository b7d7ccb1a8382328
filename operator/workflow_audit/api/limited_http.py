"""HTTP whose requests have an end: uvicorn's parser takes a head of any length, from anybody.

The head is refused before anything looks at it, and before it is known who asks.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

LONGEST_URL_BYTES = 32 * 1024
"""Both selectors at their longest, with every character escaped, take 24 KiB."""

LONGEST_HEAD_BYTES = 128 * 1024
"""The groups of a user stand in it, one a header, and may be many hundreds."""

FAREWELL_SECONDS = 1.0
"""For the client to read why, before the connection is cut: while it goes on sending, TLS would
wait half a minute for its goodbye."""

URL_TOO_LONG = "414 URI Too Long", f"the URL is longer than {LONGEST_URL_BYTES} bytes"
HEAD_TOO_LONG = (
    "431 Request Header Fields Too Large",
    f"the request line and its headers are longer than {LONGEST_HEAD_BYTES} bytes",
)


class _Answering:
    """What uvicorn writes an answer to: closes so that the rest of a body is not read."""

    def __init__(self, protocol: "LimitedProtocol", cycle: RequestResponseCycle) -> None:
        self._protocol, self._cycle = protocol, cycle

    def write(self, data: bytes) -> None:
        """Send a part of it."""
        self._protocol.transport.write(data)

    def is_closing(self) -> bool:
        """Tell whether nothing can be sent any more."""
        return self._protocol.transport.is_closing()

    def close(self) -> None:
        """End the connection."""
        if self._cycle.more_body:
            self._protocol.linger()
        else:
            self._protocol.transport.close()


BODY_IS_COMING = "workflow_audit.body_is_coming"
"""Where ASGI's scope has the function that tells whether the body of a request is still coming."""


def body_is_coming(scope: Mapping[str, Any]) -> bool:
    """Tell whether the rest of a request's body is still to come from the network."""
    asked = scope.get(BODY_IS_COMING)
    return asked is not None and asked()


class LimitedProtocol(HttpToolsProtocol):
    """Answers a head that is too long with 414 or 431, and closes the connection.

    Where an answer comes before the body has, nothing more is read, and the connection is cut after
    a moment: uvicorn would read all of the rest, however long it is, and so does TLS that closes.
    """

    _head_bytes: int | None = None
    """Of a head that has not come as a whole yet."""

    _refusal: tuple[str, str] | None = None

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        super().data_received(data)
        if self._head_bytes is None or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > LONGEST_HEAD_BYTES:
            self._refusal = HEAD_TOO_LONG
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Judge the head; an error here ends in `send_400_response`."""
        self._head_bytes = None
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if len(self.url) > LONGEST_URL_BYTES:
            self._refusal = URL_TOO_LONG
        elif size > LONGEST_HEAD_BYTES:
            self._refusal = HEAD_TOO_LONG
        if self._refusal:
            raise ValueError(self._refusal[1])
        super().on_headers_complete()
        cycle = self.cycle
        cycle.transport = cast("asyncio.Transport", _Answering(self, cycle))
        scope = cast("dict[str, object]", self.scope)
        scope[BODY_IS_COMING] = lambda: cycle.more_body

    def on_response_complete(self) -> None:
        """Go on with the next request, if the body of this one has come."""
        # With another one behind it in the pipeline, it has.
        if self.cycle.response_complete and self.cycle.more_body:
            self.linger()
        else:
            super().on_response_complete()

    def linger(self) -> None:
        """Read nothing more, and cut the connection once the client has had time for the answer."""
        self.flow.pause_reading()
        self._cut_later()

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that is no HTTP, or has too long a head."""
        if self._refusal is None:
            super().send_400_response(msg)
            return
        status, text = self._refusal
        lines = (
            f"HTTP/1.1 {status}",
            "content-type: text/plain; charset=utf-8",
            "cache-control: no-store",
            f"content-length: {len(text)}",
            "connection: close",
            "",
            text,
        )
        self.transport.write("\r\n".join(lines).encode())
        self.transport.close()
        self._cut_later()

    def _cut_later(self) -> None:
        transport: Any = self.transport
        self.loop.call_later(FAREWELL_SECONDS, transport.abort)
