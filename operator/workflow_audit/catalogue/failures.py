"""What goes wrong on the way to the catalogue -> an error with a code and what to do.

Messages name the catalogue by its URL, and repeat nothing that it says itself: it could repeat the
token.
"""

import errno
import socket
import ssl
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.client import responses

import aiohttp

from workflow_audit.errors import CatalogueError, FailureCode

Attempted = aiohttp.ClientError | OSError
"""What aiohttp raises when there is no whole answer; without TimeoutError, which is an OSError."""

REDIRECT, SERVER_ERROR = 300, 500

_REMEDIES: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "the catalogue's log says what it does not take",
    HTTPStatus.UNAUTHORIZED: "look at the token in the Secret of spec.catalogue.credentials",
    HTTPStatus.FORBIDDEN: "look at the rights of the token in spec.catalogue.credentials",
    HTTPStatus.NOT_FOUND: "look at the path in spec.catalogue.url",
    HTTPStatus.TOO_MANY_REQUESTS: "lower AUDIT_OPERATOR_CATALOGUE_REQUESTS",
}


def passes_by_itself(error: Attempted) -> bool:
    """Tell whether another attempt at the connection makes sense."""
    broken = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError)
    return isinstance(error, broken) and not _cause(error, ssl.SSLError, ssl.CertificateError)


def failure(url: str, error: Attempted) -> CatalogueError:
    """Say why there is no answer."""
    if tls := _cause(error, ssl.SSLError, ssl.CertificateError):
        return CatalogueError("TLSError", f"{url}: {_tls_trouble(tls)}")
    if _cause(error, ConnectionRefusedError):
        return CatalogueError(
            "ConnectionRefused",
            f"{url} refuses connections; look whether the catalogue runs, and at the port in"
            " spec.catalogue.url",
        )
    if _cause(error, socket.gaierror):
        return CatalogueError(
            "ConnectionFailed",
            f"the host of {url} is not known; look at spec.catalogue.url, and at the cluster's DNS",
        )
    if isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError | OSError):
        return CatalogueError(
            "ConnectionFailed",
            f"the connection to {url} broke ({_system_words(error)}); look at the catalogue's log",
        )
    return CatalogueError(
        "MalformedResponse", f"{url} does not answer in HTTP; look at spec.catalogue.url"
    )


def refusal(url: str, status: int) -> CatalogueError:
    """Say that the catalogue answers with another status than 200."""
    code: FailureCode = "CatalogueFailed" if status >= SERVER_ERROR else "CatalogueRefused"
    phrase = f" {responses[status]}" if status in responses else ""
    remedy = _REMEDIES.get(status, "look at the catalogue's log")
    if REDIRECT <= status < HTTPStatus.BAD_REQUEST:
        remedy = "redirects are not followed; write where it leads into spec.catalogue.url"
    return CatalogueError(code, f"{url} answers {status}{phrase}; {remedy}")


def _tls_trouble(error: Exception) -> str:
    # aiohttp's error is a CertificateError too, and has the words in what it wraps.
    words = (getattr(each, "verify_message", None) for each in _chain(error))
    if why := next(filter(None, words), None):
        return (
            f"its certificate is not trusted ({why}); look at spec.catalogue.caBundle, and at the"
            " host in spec.catalogue.url"
        )
    return "there is no TLS connection to it; look whether it speaks TLS, and which versions"


def _system_words(error: Exception) -> str:
    """Give the system's own word for it, such as `Connection reset by peer`."""
    numbers = (each.errno for each in _chain(error) if isinstance(each, OSError))
    number = next((number for number in numbers if number in errno.errorcode), None)
    return errno.errorcode[number] if number else "closed before the answer was complete"


def _cause(error: BaseException, *kinds: type[Exception]) -> Exception | None:
    found = (each for each in _chain(error) if isinstance(each, kinds))
    return next(found, None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give an error, and what it was made of; aiohttp's errors wrap those of the system."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        inner = getattr(seen, "os_error", None) or getattr(seen, "certificate_error", None)
        seen = inner or seen.__cause__ or seen.__context__
        if seen is error:
            return
