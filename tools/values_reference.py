"""The page about the values of the chart, from their defaults and their schema."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[1] / "charts" / "workflow-audit"

Json = dict[str, Any]

OF_KUBERNETES = {
    "#/$defs/resources": "resources of a container",
    "#/$defs/texts": "map of texts",
}
"""What a definition of the schema is called."""


@dataclass(frozen=True)
class Value:
    """One value that may be given: its path, what the schema says of it, and its default."""

    path: str
    schema: Json
    default: Any


def value_lines() -> Iterator[str]:
    """Give a section for each group of values, and a row for each value in it."""
    defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    single: list[Value] = []
    for name, group in schema["properties"].items():
        if not _is_group(group):
            single.append(Value(name, group, defaults.get(name)))
            continue
        yield from ("", f"## {name}", "", group["description"], "")
        yield from _table(list(_values(group, defaults[name], name)))
    yield from ("", "## Others", "")
    yield from _table(single)


def _values(schema: Json, defaults: Json, at: str) -> Iterator[Value]:
    """Give what may be set below a group, each group of its own with its values behind it."""
    for name, each in schema["properties"].items():
        path = f"{at}.{name}"
        if _is_group(each):
            yield Value(path, each, default=None)
            yield from _values(each, defaults[name], path)
        else:
            yield Value(path, each, defaults[name])


def _is_group(schema: Json) -> bool:
    """Whether its values have names of ours; those of settings are variables."""
    return "properties" in schema and "patternProperties" not in schema


def _table(values: list[Value]) -> Iterator[str]:
    yield from ("| Value | Type | Default | Meaning |", "|---|---|---|---|")
    for value in values:
        kind, default = _type(value.schema), _shown(value.default)
        yield f"| `{value.path}` | {kind} | {default} | {value.schema['description']} |"


def _type(schema: Json) -> Any:
    if "$ref" in schema:
        return OF_KUBERNETES[schema["$ref"]]
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if _is_group(schema):
        return "group"
    if "patternProperties" in schema:
        return "map of settings"
    listed = schema["type"] == "array"
    kind = f"list of {schema['items']['type']}s" if listed else schema["type"]
    return f"{kind}, {schema['minimum']} to {schema['maximum']}" if "minimum" in schema else kind


def _shown(default: Any) -> str:
    """Give a default as one may write it; nothing for what is empty."""
    if default in (None, "", [], {}):
        return ""
    return f"`{default}`" if isinstance(default, str) else f"`{json.dumps(default)}`"
