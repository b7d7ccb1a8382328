"""The API server's OpenAPI as the JSON Schemas that kubeconform reads: no other source needed."""

import json
from pathlib import Path
from typing import Any

from support.api import Api

Json = dict[str, Any]


def write_schemas(api: Api, folder: Path, kinds: set[tuple[str, str]]) -> None:
    """Write a schema for each kind, named as kubeconform wants it; unknown fields are refused."""
    definitions: Json = api.get("/openapi/v2")["definitions"]
    for definition in definitions.values():
        if "properties" in definition and "x-kubernetes-preserve-unknown-fields" not in definition:
            definition.setdefault("additionalProperties", False)
    # What OpenAPI calls a string may be either of two: ports, quantities.
    for name, definition in definitions.items():
        if name.endswith(("IntOrString", "Quantity")):
            definition["type"] = ["string", "number"]
            definition.pop("format", None)
    for name, definition in list(definitions.items()):
        for kind in definition.get("x-kubernetes-group-version-kind", []):
            group, version = kind["group"], kind["version"]
            api_version = f"{group}/{version}" if group else version
            if (api_version, kind["kind"]) in kinds:
                suffix = "".join(f"-{part}" for part in (group.split(".")[0], version) if part)
                schema = {"$ref": f"#/definitions/{name}", "definitions": definitions}
                file = folder / f"{kind['kind'].lower()}{suffix}.json"
                file.write_text(json.dumps(schema), encoding="utf-8")
