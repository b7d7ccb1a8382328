"""Which failure an exception is, whichever library raises it."""

import errno
import http.client
import json
import socket
import ssl
import urllib.error
from email.message import Message
from types import SimpleNamespace
from typing import Any

import pytest

from workflow_audit.client.failures import MESSAGE_CHARACTERS, failure_of


def named(name: str, *bases: type[Exception], **attributes: Any) -> Exception:
    """Make an error of a class of another library, as far as it can be told by its name."""
    kinds: tuple[type[Exception], ...] = bases or (Exception,)
    error: Exception = type(name, kinds, {})("made up")
    for attribute, value in attributes.items():
        setattr(error, attribute, value)
    return error


def caused(error: Exception, by: BaseException) -> Exception:
    error.__cause__ = by
    return error


def no_connection() -> Exception:
    """Give what urllib3 raises for every connection that cannot be made."""
    return named("NewConnectionError", type("TimeoutError", (Exception,), {}))


def of_status(status: int) -> Exception:
    return named("HTTPStatusError", response=SimpleNamespace(status_code=status))


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(TimeoutError(), "CatalogueTimeout", id="python-timeout"),
        pytest.param(
            named("ReadTimeout", type("Timeout", (OSError,), {})), "CatalogueTimeout", id="requests"
        ),
        pytest.param(
            named("ConnectTimeout", type("TimeoutException", (Exception,), {})),
            "CatalogueTimeout",
            id="httpx-timeout",
        ),
        pytest.param(OSError(errno.ETIMEDOUT, "x"), "CatalogueTimeout", id="system-timeout"),
        pytest.param(ConnectionRefusedError(), "ConnectionRefused", id="refused"),
        pytest.param(
            named("ClientConnectorError", OSError, errno=errno.ECONNREFUSED),
            "ConnectionRefused",
            id="aiohttp-refused",
        ),
        pytest.param(
            urllib.error.URLError(ConnectionRefusedError()), "ConnectionRefused", id="urllib-reason"
        ),
        pytest.param(
            caused(
                named("ConnectError", type("NetworkError", (Exception,), {})), OSError(111, "x")
            ),
            "ConnectionRefused",
            id="httpx-cause",
        ),
        pytest.param(
            caused(no_connection(), ConnectionRefusedError()), "ConnectionRefused", id="urllib3"
        ),
        pytest.param(
            caused(no_connection(), socket.gaierror(-2, "x")), "ConnectionFailed", id="urllib3-dns"
        ),
        pytest.param(
            caused(RuntimeError(), ExceptionGroup("all", [ConnectionRefusedError()])),
            "ConnectionRefused",
            id="group",
        ),
        pytest.param(ConnectionResetError(), "ConnectionFailed", id="reset"),
        pytest.param(socket.gaierror(-2, "x"), "ConnectionFailed", id="unknown-host"),
        pytest.param(http.client.IncompleteRead(b""), "ConnectionFailed", id="cut-off"),
        pytest.param(OSError(errno.EHOSTUNREACH, "x"), "ConnectionFailed", id="no-route"),
        pytest.param(named("ClientPayloadError"), "ConnectionFailed", id="aiohttp-cut-off"),
        pytest.param(ssl.SSLCertVerificationError(1, "x"), "TLSError", id="tls"),
        pytest.param(
            named("ConnectionError", OSError, reason=ssl.SSLError(1, "x")), "TLSError", id="tls-in"
        ),
        pytest.param(of_status(307), "CatalogueRefused", id="redirect"),
        pytest.param(of_status(401), "CatalogueRefused", id="401"),
        pytest.param(of_status(500), "CatalogueFailed", id="500"),
        pytest.param(named("ResponseError", status=503), "CatalogueFailed", id="aiohttp-503"),
        pytest.param(
            urllib.error.HTTPError("u", 404, "m", Message(), None), "CatalogueRefused", id="urllib"
        ),
        pytest.param(json.JSONDecodeError("x", "y", 0), "MalformedResponse", id="no-json"),
        pytest.param(named("ContentTypeError", status=200), "MalformedResponse", id="no-json-type"),
        pytest.param(ValueError("x"), "SearchFailed", id="something-else"),
        pytest.param(OSError(errno.ENOSPC, "x"), "SearchFailed", id="system-error"),
        pytest.param(named("X", status=True), "SearchFailed", id="no-status"),
        pytest.param(named("X", status=600), "SearchFailed", id="no-status-either"),
        pytest.param(KeyboardInterrupt(), "SearchFailed", id="interrupted"),
        pytest.param(UnspeakableError(), "SearchFailed", id="unspeakable"),
    ],
)
def test_code(error: BaseException, code: str) -> None:
    assert failure_of(error).code == code


def test_an_error_on_the_way_counts_unless_it_was_hidden() -> None:
    shown, hidden = ValueError("x"), ValueError("x")
    shown.__context__ = hidden.__context__ = ConnectionResetError()
    hidden.__suppress_context__ = True
    assert failure_of(shown).code == "ConnectionFailed"
    assert failure_of(hidden).code == "SearchFailed"


def test_the_nearest_cause_wins() -> None:
    assert failure_of(caused(TimeoutError(), ConnectionRefusedError())).code == "CatalogueTimeout"
    assert failure_of(caused(of_status(503), TimeoutError())).code == "CatalogueFailed"


def test_causes_in_a_circle_end() -> None:
    one, other = ValueError("x"), RuntimeError("y")
    one.__cause__, other.__cause__ = other, one
    assert failure_of(one).code == "SearchFailed"


def test_message_names_the_kind_and_is_cut() -> None:
    assert failure_of(ValueError("no luck")).message == "ValueError: no luck"
    assert failure_of(UnspeakableError()).message == "UnspeakableError"
    assert len(failure_of(ValueError("x" * 9999)).message) == MESSAGE_CHARACTERS
