"""Discovery and OpenAPI say what there is, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from support.golden import Golden
from workflow_audit.api.discovery import aggregated, resource_list
from workflow_audit.api.openapi import NAME, document_v2, document_v3
from workflow_audit.api.statistic_openapi import NAME as STATISTIC
from workflow_audit.domain.children.access import READ, READ_STATISTICS
from workflow_audit.models.statistics import ROWS

Json = dict[str, Any]

EVENTS = sorted((Path(__file__).parents[2] / "golden" / "events").glob("*.json"))


def text(content: Json) -> str:
    return json.dumps(content, indent=2) + "\n"


def test_openapi_3(golden: Golden) -> None:
    golden("reading/openapi-v3.json", text(document_v3()))


def test_openapi_2_has_the_same_schemas() -> None:
    old = json.dumps(document_v2()["definitions"]).replace("#/definitions/", "#/")
    new = json.dumps(document_v3()["components"]["schemas"]).replace("#/components/schemas/", "#/")
    assert old == new


@pytest.mark.parametrize("document", [document_v2(), document_v3()], ids=["v2", "v3"])
def test_every_reference_leads_somewhere(document: Json) -> None:
    for reference in _references(document):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found["type"] == "object"


def _references(content: Any) -> list[str]:
    if isinstance(content, list):
        return [found for each in content for found in _references(each)]
    if not isinstance(content, dict):
        return []
    own = [content["$ref"]] if isinstance(content.get("$ref"), str) else []
    return own + [found for each in content.values() for found in _references(each)]


def test_every_field_has_a_description() -> None:
    event = document_v3()["components"]["schemas"][NAME]
    assert _without_description(event, "AuditEvent") == []


def _without_description(schema: Json, path: str) -> list[str]:
    found = [] if schema.get("description") else [path]
    for name, inner in schema.get("properties", {}).items():
        found += _without_description(inner, f"{path}.{name}")
    items = schema.get("items")
    return found + (_without_description(items, f"{path}[]") if items else [])


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
def test_discovery(golden: Golden, version: str) -> None:
    golden(f"reading/discovery-{version}.json", text(aggregated(version)))


def test_the_verbs_are_those_that_readers_are_given() -> None:
    events, statistics = resource_list()["resources"]
    assert events["verbs"] == READ
    assert statistics["verbs"] == READ_STATISTICS


def test_every_field_of_every_statistic_is_described() -> None:
    described = document_v3()["components"]["schemas"][STATISTIC]
    assert _without_description(described, "AuditStatistic") == []
    rows = {to_camel(name) for model in ROWS.values() for name in model.model_fields}
    assert set(described["properties"]["rows"]["items"]["properties"]) == rows


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_what_the_operator_writes_is_described(path: Path) -> None:
    """The schema shows no field that is never written otherwise, and misses none."""
    described = document_v3()["components"]["schemas"][NAME]["properties"]["eventData"]
    assert _undescribed(json.loads(path.read_text()), described, "eventData") == []


def _undescribed(value: Any, schema: Json, path: str) -> list[str]:
    if isinstance(value, list):
        return [found for each in value for found in _undescribed(each, schema["items"], path)]
    if not isinstance(value, dict) or "additionalProperties" in schema:
        return []
    missing = [name for name in schema.get("required", ()) if name not in value]
    found = [f"{path}.{name} is missing" for name in missing]
    for name, inner in value.items():
        known = schema["properties"].get(name)
        where = f"{path}.{name}"
        found += _undescribed(inner, known, where) if known else [f"{where} is not described"]
    return found
