"""Holds a JSON value against a structural schema, as the API server does."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

CHECKED = {
    "default", "description", "enum", "format", "items", "additionalProperties", "maximum",
    "maxItems", "maxLength", "maxProperties", "minimum", "minLength", "properties", "required",
    "type", "x-kubernetes-list-map-keys", "x-kubernetes-list-type", "x-kubernetes-map-type",
    "x-kubernetes-validations",
}  # fmt: skip
"""Keywords that this knows; rules in CEL are for the real API server to check."""

TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
    "number": (int, float),
}  # fmt: skip


def problems(value: Any, schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Say everything that a schema refuses in a value, unknown fields included."""
    assert set(schema) <= CHECKED, set(schema) - CHECKED
    kind = schema["type"]
    if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{path}: {value!r} is no {kind}"
        return
    yield from (f"{path}: {value!r} {broken}" for broken in _broken_bounds(value, schema))
    if kind == "object":
        yield from _object_problems(value, schema, path)
    if kind == "array":
        for index, item in enumerate(value):
            yield from problems(item, schema["items"], f"{path}[{index}]")
        for keys in [schema.get("x-kubernetes-list-map-keys")]:
            found = [tuple(item.get(key) for key in keys) for item in value] if keys else []
            if len(found) != len(set(found)):
                yield f"{path}: {found} are not unique"


def _broken_bounds(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    size = len(value) if isinstance(value, str | list | dict) else value
    for least in ("minimum", "minLength"):
        if size < schema.get(least, size):
            yield f"is below {least}"
    for most in ("maximum", "maxLength", "maxItems", "maxProperties"):
        if size > schema.get(most, size):
            yield f"is above {most}"
    if value not in schema.get("enum", [value]):
        yield "is none of the values"
    if schema.get("format") == "date-time" and datetime.fromisoformat(value).tzinfo is None:
        yield "has no time zone"


def _object_problems(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    for key in schema.get("required", []):
        if key not in value:
            yield f"{path}: {key} is missing"
    for key, inner in value.items():
        own = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
        if own is None:
            yield f"{path}: {key} is unknown"
        else:
            yield from problems(inner, own, f"{path}.{key}")
