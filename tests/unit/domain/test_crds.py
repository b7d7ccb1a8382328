"""The definitions under crds/ are what the models say, and teach."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import Field

from workflow_audit.domain.crds import (
    KEPT_KEYWORDS,
    crd_yaml,
    custom_resource_definition,
    structural_schema,
)
from workflow_audit.models.base import Model
from workflow_audit.models.kinds import GROUP, KINDS, VERSION, WORKFLOW_SEARCH, Kind

CRDS = Path(__file__).parents[3] / "crds"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
def test_files_are_not_stale(kind: Kind) -> None:
    path = CRDS / f"{GROUP}_{kind.plural}.yaml"
    assert path.read_text(encoding="utf-8") == crd_yaml(kind), "`make crds`, then its diff"


def test_there_are_no_other_files() -> None:
    assert {path.name for path in CRDS.iterdir()} == {f"{GROUP}_{k.plural}.yaml" for k in KINDS}


def fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields(field, f"{path}.{name}")
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield from fields(schema[keyword], f"{path}[]")


SCHEMAS = [
    pytest.param(kind, part, id=f"{kind.plural}-{part}")
    for kind in KINDS
    for part in ("spec", "status")
]


@pytest.mark.parametrize(("kind", "part"), SCHEMAS)
def test_every_field_has_a_description(kind: Kind, part: str) -> None:
    schema = structural_schema(getattr(kind, part))
    assert schema["description"].endswith(".")
    mute = [path for path, field in fields(schema) if len(field.get("description", "")) < 8]
    assert not mute
    unfinished = [path for path, field in fields(schema) if not field["description"].endswith(".")]
    assert not unfinished


def keywords(schema: dict[str, Any]) -> set[str]:
    inner = [field for _, field in fields(schema)]
    inner += [field[k] for field in inner for k in ("items", "additionalProperties") if k in field]
    return {keyword for field in [schema, *inner] for keyword in field}


@pytest.mark.parametrize(("kind", "part"), SCHEMAS)
def test_only_keywords_of_structural_schemas(kind: Kind, part: str) -> None:
    allowed = KEPT_KEYWORDS | {"properties", "items", "additionalProperties"}
    assert keywords(structural_schema(getattr(kind, part))) <= allowed


@pytest.mark.parametrize(("kind", "part"), [p for p in SCHEMAS if p.values[1] == "spec"])
def test_everything_that_a_user_can_send_is_bounded(kind: Kind, part: str) -> None:
    bounds = {
        "string": {"maxLength", "enum", "format"},
        "array": {"maxItems"},
        "integer": {"maximum"},
        "number": {"maximum"},
    }
    for path, field in fields(structural_schema(kind.spec)):
        if "additionalProperties" in field:
            assert "maxProperties" in field, path
            assert "x-kubernetes-validations" in field, f"{path}: keys have no bound"
        elif "x-kubernetes-int-or-string" in field:
            assert field.keys() >= {"maxLength", "x-kubernetes-validations"}, path
        elif field["type"] in bounds:
            assert bounds[field["type"]] & field.keys(), path


def test_an_optional_field_has_its_own_schema() -> None:
    class Example(Model):
        inner: Annotated[int, Field(ge=1)] | None = None
        """A number."""

    field = structural_schema(Example)["properties"]["inner"]
    assert field == {"type": "integer", "minimum": 1, "description": "A number."}


def test_a_fields_own_description_wins_over_its_models() -> None:
    class Inner(Model):
        """Of the model."""

    class Example(Model):
        own: Inner
        """Of the field."""

    assert structural_schema(Example)["properties"]["own"]["description"] == "Of the field."


def test_a_single_value_is_an_enumeration() -> None:
    class Example(Model):
        kind: Literal["only"]

    assert structural_schema(Example)["properties"]["kind"] == {"type": "string", "enum": ["only"]}


class _Union(Model):
    value: int | str


class _Exclusive(Model):
    value: float = Field(gt=0)


class _Multiple(Model):
    value: int = Field(multiple_of=2)


class _PatternProperties(Model):
    value: dict[str, str] = Field(json_schema_extra={"patternProperties": {}})


@pytest.mark.parametrize(
    ("model", "message"),
    [
        pytest.param(_Union, "no unions", id="union"),
        pytest.param(_Exclusive, "no 'exclusiveMinimum'", id="exclusive-bound"),
        pytest.param(_Multiple, "no 'multipleOf'", id="multiple"),
        pytest.param(_PatternProperties, "no 'patternProperties'", id="pattern-properties"),
    ],
)
def test_what_structural_schemas_do_not_have_is_refused(model: type[Model], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        structural_schema(model)


def test_names_of_the_definition() -> None:
    definition = custom_resource_definition(WORKFLOW_SEARCH)
    assert definition["metadata"]["name"] == f"workflowsearches.{GROUP}"
    assert definition["spec"]["names"] == {
        "kind": "WorkflowSearch",
        "listKind": "WorkflowSearchList",
        "plural": "workflowsearches",
        "singular": "workflowsearch",
        "shortNames": ["wfs"],
        "categories": ["workflow-audit"],
    }
    (version,) = definition["spec"]["versions"]
    assert (version["name"], version["served"], version["storage"]) == (VERSION, True, True)
    assert version["subresources"] == {"status": {}}


def resolves(schema: dict[str, Any], json_path: str) -> bool:
    for part in json_path.removeprefix(".").split("."):
        if schema.get("type") == "object" and "properties" not in schema:
            return True  # metadata, which the API server knows
        schema = schema["properties"].get(part, {})
    return "type" in schema


def test_columns_and_selectable_fields_exist() -> None:
    (version,) = custom_resource_definition(WORKFLOW_SEARCH)["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    paths = [c["jsonPath"] for c in version["additionalPrinterColumns"]]
    paths += [field["jsonPath"] for field in version["selectableFields"]]
    assert [path for path in paths if not resolves(schema, path)] == []
    assert not resolves(schema, ".status.phasee")


def test_columns_are_those_of_the_design() -> None:
    names = [(c.name.upper(), c.priority) for c in WORKFLOW_SEARCH.columns]
    assert [name for name, priority in names if not priority] == [
        "CORRELATION", "QUERY", "WORKFLOW", "CONFIDENCE", "FOUND", "OUTCOME", "PHASE", "AGE",
    ]  # fmt: skip
    assert [name for name, priority in names if priority] == ["EVENT", "POLICY", "SERVICE"]


def test_the_text_is_yaml_of_the_definition() -> None:
    assert yaml.safe_load(crd_yaml(WORKFLOW_SEARCH)) == custom_resource_definition(WORKFLOW_SEARCH)
