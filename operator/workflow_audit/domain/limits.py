"""How much of a search an event keeps; what is left out is counted, never silent."""

from bisect import bisect_left
from typing import Any

import orjson

from workflow_audit.models.event import Json
from workflow_audit.models.policy import Limits

OMISSION = "…"
"""Stands at the end of a text that was cut."""


def fitting_event_data(data: Json, limits: Limits) -> Json:
    """Give event_data that keeps the limits, with `truncated` saying what was left out.

    Lower ranks go first, because the winner is what an auditor asks for; then the ends of long
    texts. The winner stays: its label keys, which are never cut, are far below the least limit.

    Args:
        data: event_data with workflows in the order of their ranks; not changed.
        limits: most workflows, most bytes as JSON.
    """
    listed = len(_workflows(data))
    fitted = _with_best(data, min(listed, limits.max_workflows))
    if json_bytes(fitted) <= limits.max_event_bytes:
        return fitted
    fitted = _with_fewer(data, len(_workflows(fitted)), limits.max_event_bytes)
    if json_bytes(fitted) <= limits.max_event_bytes:
        return fitted
    return _with_short_texts(fitted, limits.max_event_bytes)


def json_bytes(value: Any) -> int:
    """Give the size of a value as compact JSON in UTF-8."""
    return len(orjson.dumps(value))


def _workflows(data: Json) -> list[Json]:
    listed: list[Json] = data.get("results", {}).get("workflows", [])
    return listed


def _with_best(data: Json, count: int) -> Json:
    listed = _workflows(data)
    results = {"results": data["results"] | {"workflows": listed[:count]}} if listed else {}
    truncated = {"workflows": len(listed) - count, "characters": 0}
    return data | results | {"truncated": truncated}


def _with_fewer(data: Json, count: int, limit: int) -> Json:
    """Give as many of the best as fit, fewer than count; the winner at the least."""
    fewer = range(count - 1, 0, -1)
    if not fewer:
        return _with_best(data, count)
    place = bisect_left(fewer, x=True, key=lambda n: json_bytes(_with_best(data, n)) <= limit)
    return _with_best(data, fewer[min(place, len(fewer) - 1)])


def _with_short_texts(data: Json, limit: int) -> Json:
    """Cut every text at the one length that makes all fit, or to nothing where none does."""

    def shortened(length: int) -> Json:
        fitted, characters = _cut(data, length)
        return fitted | {"truncated": data["truncated"] | {"characters": characters}}  # type: ignore[no-any-return]

    longest = max(_text_lengths(data), default=0)
    cuts = range(longest)  # characters to take from the longest
    cut = bisect_left(cuts, x=True, key=lambda c: json_bytes(shortened(longest - c)) <= limit)
    return shortened(longest - cut)


def _text_lengths(value: Any) -> list[int]:
    if isinstance(value, str):
        return [len(value)]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [length for part in parts for length in _text_lengths(part)]


def _cut(value: Any, allowed: int) -> tuple[Any, int]:
    """Give the tree with every text cut to a length, and how many characters that cost."""
    if isinstance(value, str) and len(value) > allowed:
        kept = value[: max(allowed - len(OMISSION), 0)]
        return kept + OMISSION, len(value) - len(kept)
    if isinstance(value, dict):
        pairs = {key: _cut(part, allowed) for key, part in value.items()}
        return {key: part for key, (part, _) in pairs.items()}, sum(n for _, n in pairs.values())
    if isinstance(value, list):
        parts = [_cut(part, allowed) for part in value]
        return [part for part, _ in parts], sum(n for _, n in parts)
    return value, 0
