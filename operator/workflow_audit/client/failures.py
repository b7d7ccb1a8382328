"""What an exception of a catalogue's client means: the failure's code and message.

Nothing of requests, httpx or aiohttp is imported: an agent may use any of them, or another one.
Their errors are told by the names of their classes, by the errors of the system behind them and by
the HTTP status that they carry.
"""

import errno
import ssl
from collections.abc import Iterator
from typing import Any, NamedTuple

from workflow_audit.domain.catalogue_answer import shortened

MESSAGE_CHARACTERS = 4096
MOST_CAUSES = 20
REDIRECT, SERVER_ERROR, LAST_STATUS = 300, 500, 599

SEARCH_FAILED = "SearchFailed"
MALFORMED_RESPONSE = "MalformedResponse"
RESPONSE_TOO_LARGE = "ResponseTooLarge"
CONNECTION_FAILED = "ConnectionFailed"

_BY_CLASS = {
    "CertificateError": "TLSError",
    "ClientConnectorCertificateError": "TLSError",
    "ClientSSLError": "TLSError",
    "SSLError": "TLSError",
    "Timeout": "CatalogueTimeout",  # requests
    "TimeoutError": "CatalogueTimeout",  # Python, asyncio, urllib3
    "TimeoutException": "CatalogueTimeout",  # httpx
    "ConnectionRefusedError": "ConnectionRefused",
    "ContentTypeError": MALFORMED_RESPONSE,  # aiohttp
    "JSONDecodeError": MALFORMED_RESPONSE,
}
_BROKEN_CONNECTION = {
    "ClientConnectionError",  # aiohttp
    "ClientPayloadError",
    "ConnectionError",  # Python, requests
    "gaierror",
    "HTTPException",  # http.client
    "NetworkError",  # httpx
    "ProtocolError",  # httpx, urllib3
}
_NO_CONNECTION = "NewConnectionError"
"""Of urllib3, also behind requests. It inherits from the time-outs without being one: a refused
connection is one of these, and what it comes from tells which."""
_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN}


class FailureFacts(NamedTuple):
    """Why there is no answer."""

    code: str
    message: str


def failure_of(error: BaseException) -> FailureFacts:
    """Give the failure that an exception of a search stands for; never raises."""
    return FailureFacts(_code(error), shortened(_words(error), MESSAGE_CHARACTERS))


def told_failure(error: BaseException | None, code: str | None, message: str) -> FailureFacts:
    """Give the failure that a caller tells of; what he leaves out says the exception. Never raises.

    Args:
        error: what the search has raised, if anything.
        code: the reason in one word, if he gives one.
        message: what happened, if he says it.
    """
    found = failure_of(error) if error is not None else FailureFacts(SEARCH_FAILED, "")
    try:
        return FailureFacts(code or found.code, message or found.message)
    except Exception:  # noqa: BLE001 - his values cannot even be looked at
        return found


def _words(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - its own __str__ fails
        return type(error).__name__


def _code(error: BaseException) -> str:
    broken = False
    for one in _with_causes(error):
        names = [cls.__name__ for cls in type(one).__mro__]
        if _NO_CONNECTION in names:
            broken = True
            continue
        for name in names:
            if name in _BY_CLASS:
                return _BY_CLASS[name]
        if code := _of_status(one) or _of_system_error(one):
            return code
        broken = broken or bool(_BROKEN_CONNECTION.intersection(names))
        broken = broken or getattr(one, "errno", None) in _UNREACHABLE
    return CONNECTION_FAILED if broken else SEARCH_FAILED


def _of_status(error: BaseException) -> str | None:
    """Give the code for the HTTP status that an error carries, if it does."""
    response = getattr(error, "response", None)
    for holder, name in (
        (error, "status"),  # aiohttp
        (response, "status_code"),  # requests, httpx
        (response, "status"),
        (error, "code"),  # urllib
    ):
        status = getattr(holder, name, None)
        if isinstance(status, int) and REDIRECT <= status <= LAST_STATUS:
            return "CatalogueFailed" if status >= SERVER_ERROR else "CatalogueRefused"
    return None


def _of_system_error(error: BaseException) -> str | None:
    if isinstance(error, ssl.SSLError):
        return "TLSError"
    number = getattr(error, "errno", None)
    if number == errno.ECONNREFUSED:
        return "ConnectionRefused"
    return "CatalogueTimeout" if number == errno.ETIMEDOUT else None


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """Give the error, then what it comes from, the nearest first."""
    waiting: list[Any] = [error]
    seen: list[BaseException] = []
    while waiting and len(seen) < MOST_CAUSES:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or any(one is other for other in seen):
            continue
        seen.append(one)
        yield one
        waiting.append(one.__cause__)
        if not one.__suppress_context__:
            waiting.append(one.__context__)
        waiting.append(getattr(one, "reason", None))  # urllib, urllib3
        waiting.append(getattr(one, "os_error", None))  # aiohttp
        waiting.extend(one.args[:1])  # requests
        waiting.extend(getattr(one, "exceptions", ()) or ())  # groups
