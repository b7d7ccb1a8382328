"""What keeps a catalogue from answering is told in one word, and with what to do."""

import errno
import socket
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from workflow_audit.catalogue.failures import Attempted, failure, passes_by_itself, refusal

URL = "https://catalogue.example"
KEY = ConnectionKey("catalogue.example", 443, True, True, None, None, None)


def not_connected(error: OSError) -> aiohttp.ClientConnectorError:
    return aiohttp.ClientConnectorError(KEY, error)


@pytest.mark.parametrize(
    ("error", "code", "words", "passes"),
    [
        pytest.param(
            not_connected(ConnectionRefusedError(errno.ECONNREFUSED, "no")),
            "ConnectionRefused",
            "refuses connections",
            True,
            id="refused",
        ),
        pytest.param(
            aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(-2, "not known")),
            "ConnectionFailed",
            "is not known",
            True,
            id="name",
        ),
        pytest.param(
            not_connected(OSError(errno.EHOSTUNREACH, "no route")),
            "ConnectionFailed",
            "EHOSTUNREACH",
            True,
            id="unreachable",
        ),
        pytest.param(
            ConnectionResetError(errno.ECONNRESET, "reset"),
            "ConnectionFailed",
            "ECONNRESET",
            True,
            id="reset",
        ),
        pytest.param(
            aiohttp.ServerDisconnectedError(),
            "ConnectionFailed",
            "closed before the answer was complete",
            True,
            id="closed",
        ),
        pytest.param(
            aiohttp.ClientPayloadError("not enough"), "ConnectionFailed", "closed", True, id="cut"
        ),
        pytest.param(
            aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "wrong version number")),
            "TLSError",
            "look whether it speaks TLS",
            False,
            id="no-tls",
        ),
        pytest.param(
            aiohttp.ClientResponseError(None, ()),  # type: ignore[arg-type]
            "MalformedResponse",
            "does not answer in HTTP",
            False,
            id="no-http",
        ),
    ],
)
def test_connections(error: Attempted, code: str, words: str, passes: bool) -> None:
    found = failure(URL, error)
    assert found.code == code
    assert words in str(found)
    assert URL in str(found)
    assert passes_by_itself(error) == passes


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (204, "CatalogueRefused", "answers 204 No Content"),
        (302, "CatalogueRefused", "redirects are not followed"),
        (404, "CatalogueRefused", "look at the path in spec.catalogue.url"),
        (418, "CatalogueRefused", "answers 418"),
        (499, "CatalogueRefused", "answers 499; "),
        (500, "CatalogueFailed", "answers 500 Internal Server Error; look at the catalogue's log"),
        (599, "CatalogueFailed", "answers 599; "),
    ],
)
def test_statuses(status: int, code: str, words: str) -> None:
    found = refusal(URL, status)
    assert found.code == code
    assert words in str(found)
