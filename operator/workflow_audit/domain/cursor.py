"""Cursors: the signed place where the next page starts.

A cursor belongs to its query and namespace, so that nobody can carry a place from what he may read
to what he may not, and it ends with time, as the API server's own do. All replicas with the same
key understand it; nothing is remembered in between.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from workflow_audit.errors import CursorExpiredError, InvalidFieldError
from workflow_audit.models.query import EventQuery, Place

LIFETIME = timedelta(minutes=15)
"""Long enough for a slow terminal; the API server's own live for five to fifteen minutes."""

LONGEST = 256

_CONTENT = struct.Struct(">B4sqqqQq16s")
"""Version and mark of the key; microseconds of issue, of the beginning and of the event; position,
count, event id."""

_VERSION = 3
_UNCOUNTED = -1
_SIGNATURE_BYTES, _MARK_BYTES = 16, 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Cursor:
    """Where a list goes on, and what was settled when it was begun."""

    place: Place
    position: int
    """Up to which it shows events."""

    begun: datetime
    """From when its relative times count, such as `24h`."""

    counted: int | None = None
    """How many events it has, or has behind the page; None when nobody asked."""


def sealed(cursor: Cursor, query: EventQuery, key: bytes, now: datetime) -> str:
    """Give a cursor as text for URLs."""
    content = _CONTENT.pack(
        _VERSION,
        _mark(key),
        _microseconds(now),
        _microseconds(cursor.begun),
        _microseconds(cursor.place.event_timestamp),
        cursor.position,
        _UNCOUNTED if cursor.counted is None else cursor.counted,
        cursor.place.event_id.bytes,
    )
    signed = content + _signature(content, query, key)
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


def opened(text: str, query: EventQuery, key: bytes, now: datetime, path: str) -> Cursor:
    """Give the cursor that a text stands for.

    Args:
        text: as `sealed` gave it, perhaps.
        query: what is asked for with it.
        key: the same for all replicas.
        now: decides whether it has expired.
        path: name of the parameter, for errors.

    Raises:
        InvalidFieldError: it was changed, made up, or is of another query.
        CursorExpiredError: it is too old, or was sealed before the key was exchanged.
    """
    content, signature = _split(text, path)
    version, mark, issued, begun, at, position, counted, event_id = _CONTENT.unpack(content)
    # No secret: who makes a mark up learns only that a list has to be begun anew.
    if version != _VERSION or mark != _mark(key):
        raise CursorExpiredError(path, "was given by a server with another key or version")
    if not hmac.compare_digest(signature, _signature(content, query, key)):
        raise _refused(path, text)
    if not timedelta() <= now - _instant(issued) + CLOCK_SKEW <= LIFETIME + CLOCK_SKEW:
        raise CursorExpiredError(path)
    return Cursor(
        Place(_instant(at), UUID(bytes=event_id)),
        position,
        _instant(begun),
        None if counted == _UNCOUNTED else counted,
    )


def unverified_beginning(text: str, path: str) -> datetime:
    """Give when a list was begun, as its cursor says it.

    The query with relative times follows from it, and the signature covers both: `opened` refuses
    the cursor when this was made up.

    Raises:
        InvalidFieldError: it has not even the form of a cursor.
    """
    content, _ = _split(text, path)
    try:
        return _instant(_CONTENT.unpack(content)[3])
    except OverflowError:
        raise _refused(path, text) from None


def _split(text: str, path: str) -> tuple[bytes, bytes]:
    try:
        signed = base64.b64decode(
            text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
        )
    except (binascii.Error, ValueError):
        raise _refused(path, text) from None
    content, signature = signed[:-_SIGNATURE_BYTES], signed[-_SIGNATURE_BYTES:]
    if len(content) != _CONTENT.size:
        raise _refused(path, text)
    return content, signature


CLOCK_SKEW = timedelta(minutes=1)
"""By which the clocks of two replicas may differ."""


def _mark(key: bytes) -> bytes:
    """Tell keys apart without telling anything about them."""
    return hmac.digest(key, b"mark of the key", "sha256")[:_MARK_BYTES]


def _signature(content: bytes, query: EventQuery, key: bytes) -> bytes:
    """Sign what the cursor says together with what it is about."""
    about = repr(query).encode()
    return hmac.digest(key, content + hashlib.sha256(about).digest(), "sha256")[:_SIGNATURE_BYTES]


def _refused(path: str, text: str) -> InvalidFieldError:
    return InvalidFieldError(
        path, text, "is no cursor for this query", "list from the beginning, without it"
    )


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _instant(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND
