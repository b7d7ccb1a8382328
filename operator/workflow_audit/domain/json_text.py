"""JSON that somebody sends -> values, within bounds and as the API server reads it."""

import re

import orjson
from pydantic import JsonValue

from workflow_audit.errors import InvalidFieldError

BRANCHES = 65_536
"""Objects and lists that any text may have."""

BYTES_A_BRANCH = 8
"""On average, beyond that: `{}` takes 2 bytes in JSON and 72 in memory."""

_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one
    rb"|\\."  # any other, so that a backslash which is escaped itself begins none
)


def json_value(text: bytes | bytearray) -> JsonValue:
    """Give the value of a text.

    Half of a surrogate pair becomes U+FFFD, as the API server has it in a resource.

    Raises:
        InvalidFieldError: it is no JSON, or has too many objects and lists for its size.
    """
    branches = text.count(b"{") + text.count(b"[")
    if branches > max(BRANCHES, len(text) // BYTES_A_BRANCH):
        raise _refused(text, f"has {branches} objects and lists", "send fewer events at a time")
    try:
        return orjson.loads(text)  # type: ignore[no-any-return]
    except orjson.JSONDecodeError as error:
        first = error
    try:
        return orjson.loads(_ESCAPES.sub(_whole, text))  # type: ignore[no-any-return]
    except orjson.JSONDecodeError:
        raise _refused(text, f"is no JSON: {first}", "send one JSON value in UTF-8") from None


def _whole(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape[1] else escape[0]


def _refused(text: bytes | bytearray, rule: str, remedy: str) -> InvalidFieldError:
    beginning = bytes(text[:40]).decode(errors="backslashreplace")
    return InvalidFieldError("body", beginning, rule, remedy)
