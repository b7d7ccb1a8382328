"""Which answers a read may get while things go wrong: those that the documentation names."""

import re
from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["answered", "unavailable", "broken"]


@dataclass(frozen=True)
class Read:
    """One read and how it went; times are the timeline's."""

    kind: str
    at: float
    seconds: float
    verdict: Verdict
    words: str = ""
    """Why it is no answer."""


RETRIED = {429, 503}
"""What our server answers when it cannot: docs/reference/rest.md, docs/how-to/reading.md."""

RETRIED_OF_API_SERVER = {429, 500, 502, 503, 504}
"""What the API server answers for a server behind it that it cannot reach, or while it starts."""

STARTING = ("404 page not found", "could not find the requested resource")
"""An API server that has just come up does not know other servers' APIs yet."""

KUBECTL = re.compile(
    r"refused|unable to handle the request|ServiceUnavailable|EOF|reset by peer|TLS handshake"
    r"|TooManyRequests|connection lost|error trying to reach service|Timeout|timed out"
    r"|the server could not find the requested resource|doesn't have a resource type"
    r"|(?:do|does) not have a resource type|broken pipe|InternalError|shutting down|not yet ready"
)
"""What kubectl says of the same."""


def rest_verdict(status: int, headers: Any, content: bytes) -> tuple[Verdict, str]:
    """Judge an answer of our own server."""
    if status == 200:
        return "answered", ""
    words = f"{status} {content[:300].decode(errors='replace')}"
    documented = status in RETRIED and headers.get("Retry-After")
    documented = documented and headers.get("Content-Type") == "application/problem+json"
    return ("unavailable" if documented else "broken"), words


def aggregated_verdict(status: int, body: Any) -> tuple[Verdict, str]:
    """Judge an answer that came through the API server."""
    if status == 200:
        return "answered", ""
    words = f"{status} {str(body)[:300]}"
    starting = status == 404 and any(part in str(body) for part in STARTING)
    return ("unavailable" if status in RETRIED_OF_API_SERVER or starting else "broken"), words


def kubectl_verdict(code: int, stderr: str) -> tuple[Verdict, str]:
    """Judge what kubectl prints."""
    if code == 0:
        return "answered", ""
    return ("unavailable" if KUBECTL.search(stderr) else "broken"), stderr.strip()[:300]
