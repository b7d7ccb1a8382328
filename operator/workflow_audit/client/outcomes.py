"""What became of an attempt at sending a search, and what an HTTP status says of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Literal

LONGEST_PAUSE_SECONDS = 300.0
"""Nobody may have us wait longer."""

SERVER_ERROR = 500

_FOR_GOOD = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
_CONCERNS_ALL = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
}


@dataclass(frozen=True)
class Sent:
    """The audit has it; `replayed`: it had it already, `skipped`: a policy has switched it off."""

    status: Literal["sent", "replayed", "skipped"] = "sent"


@dataclass(frozen=True)
class Refused:
    """The audit does not want it, today and tomorrow."""

    reason: str
    """In the server's words, which may repeat what was searched: for the spool, not for logs."""

    status: int


@dataclass(frozen=True)
class Again:
    """It did not arrive, or nobody knows; it is sent again."""

    reason: str
    """Without texts of searches: it is logged."""

    after_seconds: float | None = None
    """When, if the server says so."""

    concerns_all: bool = False
    """Whether others would fare no better."""


Outcome = Sent | Refused | Again


def refusal(status: int, words: str, retry_after_seconds: float | None = None) -> Refused | Again:
    """Give what an answer that is no success means for the search.

    Args:
        status: of the answer.
        words: what it says; repeated only in what is kept, not in what is logged.
        retry_after_seconds: from its header, if it has one.
    """
    if status in _FOR_GOOD:
        return Refused(f"{status}: {words}", status)
    everybody = status in _CONCERNS_ALL or status < HTTPStatus.BAD_REQUEST
    return Again(
        f"the server answers {status}{_phrase(status)}",
        None if retry_after_seconds is None else min(retry_after_seconds, LONGEST_PAUSE_SECONDS),
        concerns_all=everybody or status >= SERVER_ERROR,
    )


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def retry_after(header: str | None, now: float) -> float | None:
    """Give the seconds of a Retry-After header, which counts them or names a time."""
    if not header:
        return None
    if header.isascii() and header.isdigit():
        return float(header[:6])
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.fromtimestamp(now, UTC)).total_seconds(), 0.0)


def pause_seconds(attempts: int, draw: float) -> float:
    """Give the pause after so many attempts in vain: about doubled each time, up to a minute.

    Args:
        attempts: 1 or more.
        draw: from 0 to 1, at random: many agents are not to come back at the same moment.
    """
    return min(2.0 ** min(attempts - 1, 6), 60.0) * (0.5 + draw / 2)
