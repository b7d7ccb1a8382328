"""A call's arguments as one JSON text: taken at once, because the caller may change them later.

This is all that the caller's thread has to do, beside putting the text into a queue.
"""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from workflow_audit.client.failures import MALFORMED_RESPONSE, RESPONSE_TOO_LARGE
from workflow_audit.errors import shown

LONGEST_BYTES = 8 * 1024 * 1024
"""A larger answer is no answer of a catalogue, and would fill the memory of the agent."""

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY
RESPONSE = "response"


def snapshot(call: Mapping[str, Any], at: float) -> bytes:
    """Give time and arguments as JSON; what is not JSON in an answer is recorded as a failure.

    Args:
        call: the arguments by name.
        at: when it was called, in seconds since 1970.
    """
    try:
        taken = orjson.dumps((at, call), default=_plain, option=_OPTIONS)
    except (TypeError, ValueError, RecursionError) as error:
        return _piece_by_piece(call, at, error)
    if len(taken) > LONGEST_BYTES:
        return _without_response(call, at, RESPONSE_TOO_LARGE, f"the call has {len(taken)} bytes")
    return taken


def _plain(value: Any) -> Any:
    """Give what orjson can write for a value that it cannot."""
    if isinstance(value, Mapping):
        return dict(value)
    dump = getattr(value, "model_dump", None)  # pydantic
    if callable(dump):
        return dump(mode="json")
    raise TypeError(f"{type(value).__name__} is not JSON")


def _piece_by_piece(call: Mapping[str, Any], at: float, error: Exception) -> bytes:
    """Try JSON of the standard library, which also writes lone surrogates."""
    try:
        taken = _standard_json((at, call))
    except (TypeError, ValueError, RecursionError):
        return _without_response(call, at, MALFORMED_RESPONSE, f"the answer is no JSON: {error}")
    if len(taken) > LONGEST_BYTES:
        return _without_response(call, at, RESPONSE_TOO_LARGE, f"the call has {len(taken)} bytes")
    return taken


def _without_response(call: Mapping[str, Any], at: float, code: str, message: str) -> bytes:
    kept = {key: _writable(value) for key, value in call.items() if key != RESPONSE}
    return _standard_json((at, kept | {"failure": [code, message]}))


def _writable(value: Any) -> Any:
    """Give a value as it is, or in words where it is not JSON or far too long."""
    try:
        fits = len(_standard_json(value)) <= LONGEST_BYTES // 16
    except (TypeError, ValueError, RecursionError):
        fits = False
    if fits:
        return value
    return value[: LONGEST_BYTES // 256] if isinstance(value, str) else shown(value)


def _standard_json(value: Any) -> bytes:
    return json.dumps(value, default=_plain).encode()
