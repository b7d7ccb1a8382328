"""Instants as people write them: `24h`, `7d`, RFC 3339, or a date."""

import re
from datetime import UTC, date, datetime, time, timedelta

from workflow_audit.errors import InvalidFieldError

REMEDY = "write it as 30m, 24h, 7d, 2026-11-24 or 2026-11-24T10:30:00Z; in a URL, a + is %2B"

MOMENT_REMEDY = "write it as 2026-11-24T10:30:00Z"

SPAN = "([0-9]{1,9})([smhd])"
"""A number and its unit."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SPAN = re.compile(SPAN)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def instant(path: str, text: str, now: datetime) -> datetime:
    """Give the instant that a text means, in UTC.

    Args:
        path: name of the parameter, for errors.
        text: a span is as long before now; a date is its first instant in UTC. A time needs its
            offset, because one that is guessed shows other events than were asked for.
        now: spans end here.

    Raises:
        InvalidFieldError: it is none of these, or no calendar has it.
    """
    try:
        if span := _SPAN.fullmatch(text):
            return now.astimezone(UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])})
        if _DATE.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
    except (ValueError, OverflowError):
        raise InvalidFieldError(path, text, "is in no calendar", REMEDY) from None
    return moment(path, text, REMEDY)


def moment(path: str, text: str, remedy: str = MOMENT_REMEDY) -> datetime:
    """Give the instant that RFC 3339 writes in this way, in UTC.

    Args:
        path: name of the parameter or field, for errors.
        text: a time with its offset.
        remedy: what to write instead.

    Raises:
        InvalidFieldError: it is none, or no calendar has it.
    """
    if not _RFC_3339.fullmatch(text):
        raise InvalidFieldError(path, text, "is no time", remedy)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidFieldError(path, text, "is in no calendar", remedy) from None


def day(path: str, text: str) -> date:
    """Give the day that a text means.

    Raises:
        InvalidFieldError: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidFieldError(path, text, "is no date", "write it as 2026-11-24") from None


def rfc3339(at: datetime) -> str:
    """Write a moment as the API has it, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
