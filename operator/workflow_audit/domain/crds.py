"""Models -> CustomResourceDefinitions; `workflow-audit crds` writes them.

pydantic gives JSON Schema; the API server wants its structural subset: no $ref, no title, no
anyOf with null. Nothing else is translated, so an unexpected keyword fails loudly here and not
silently in a cluster.
"""

from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema

from workflow_audit.models.base import Model, cel_rules
from workflow_audit.models.kinds import GROUP, VERSION, Kind

Schema = dict[str, Any]

KEPT_KEYWORDS = frozenset(
    {
        "default", "description", "enum", "format", "maximum", "maxItems", "maxLength",
        "maxProperties", "minimum", "minItems", "minLength", "pattern", "required", "type",
        "x-kubernetes-int-or-string", "x-kubernetes-list-map-keys", "x-kubernetes-list-type",
        "x-kubernetes-map-type", "x-kubernetes-validations",
    }
)  # fmt: skip
DROPPED_KEYWORDS = frozenset({"title", "$defs"})


def structural_schema(model: type[Model]) -> Schema:
    """Give a model's structural schema.

    Raises:
        ValueError: a keyword or union that structural schemas do not have.
    """
    schema = model.model_json_schema(schema_generator=GenerateJsonSchema)
    return _structural(schema, schema.get("$defs", {}))


def _structural(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    schema = _resolved(schema, definitions)
    result: Schema = {}
    for keyword, value in schema.items():
        if keyword in DROPPED_KEYWORDS or (keyword == "default" and value in (None, "")):
            continue
        if keyword == "properties":
            result[keyword] = {k: _structural(v, definitions) for k, v in value.items()}
        elif keyword in {"items", "additionalProperties"}:
            result[keyword] = _structural(value, definitions)
        elif keyword == "const":
            result["enum"] = [value]
        elif keyword in KEPT_KEYWORDS:
            result[keyword] = _plain(keyword, value, schema)
        else:
            raise ValueError(f"a structural schema has no {keyword!r}: {schema}")
    return result


def _plain(keyword: str, value: Any, schema: Schema) -> Any:
    if keyword == "description":
        return " ".join(value.split())
    if keyword == "default" and "properties" in schema:
        return {}  # the fields have their own defaults
    return value


def _resolved(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """Put a reference's or an optional value's own schema in its place; the field's text wins."""
    if reference := schema.get("$ref"):
        inner = definitions[reference.removeprefix("#/$defs/")]
    elif options := schema.get("anyOf"):
        values = [option for option in options if option.get("type") != "null"]
        if len(values) != 1:
            raise ValueError(f"a structural schema has no unions: {schema}")
        inner = values[0]
    else:
        return schema
    own = {k: v for k, v in schema.items() if k not in {"$ref", "anyOf"}}
    return _resolved(inner, definitions) | own


def custom_resource_definition(kind: Kind) -> Schema:
    """Give the definition of one of our resources."""
    selectable = [{"jsonPath": path} for path in kind.selectable]
    version: Schema = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": c.name, "jsonPath": c.json_path, "type": c.type}
            | ({"priority": c.priority} if c.priority else {})
            for c in kind.columns
        ],
        # The API server keeps no empty list, and would call one that is applied a change.
        **({"selectableFields": selectable} if selectable else {}),
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "description": kind.description,
                "required": ["spec"],
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"type": "object"},
                    "spec": structural_schema(kind.spec),
                    "status": structural_schema(kind.status),
                },
            }
            | (cel_rules(*kind.rules) if kind.rules else {})
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": kind.scope,
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "shortNames": list(kind.short_names),
                "categories": ["workflow-audit"],
            },
            "versions": [version],
        },
    }


class _WithoutAnchors(yaml.SafeDumper):
    """Writes out what occurs twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def crd_yaml(kind: Kind) -> str:
    """Give the definition as the text of its file under crds/."""
    text = yaml.dump(
        custom_resource_definition(kind), Dumper=_WithoutAnchors, sort_keys=False, width=100
    )
    return f"# Generated from the models by `workflow-audit crds`; do not edit.\n{text}"
