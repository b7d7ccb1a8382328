"""What the OpenAPI documents of the aggregated API say of statistics."""

from collections.abc import Callable
from typing import Any

from pydantic.alias_generators import to_camel

from workflow_audit.api.analytics_parameters import PARAMETERS
from workflow_audit.api.openapi_parts import (
    GVK_KEY,
    TEXT,
    group_version_kind,
    head,
    operation,
    parameter,
    schema_name,
)
from workflow_audit.domain.crds import structural_schema
from workflow_audit.models.auditlog import AUDIT_STATISTIC
from workflow_audit.models.statistic_object import AuditStatisticObject
from workflow_audit.models.statistics import Statistic

Json = dict[str, Any]

NAME = schema_name(AUDIT_STATISTIC)
ROOT = f"/apis/{AUDIT_STATISTIC.group}/{AUDIT_STATISTIC.version}"

_METADATA: Json = {
    "type": "object",
    "description": "Name and namespace; nothing is stored, so there is nothing more.",
    "properties": {
        "name": TEXT | {"description": f"Which statistic: {', '.join(Statistic)}."},
        "namespace": TEXT | {"description": "Namespace of the searches; none for all of them."},
    },
}


def statistic_schemas(references: str) -> Json:
    """Give the schemas of a statistic and of a list, by name."""
    statistic = structural_schema(AuditStatisticObject)
    statistic["properties"] = head(AUDIT_STATISTIC, _METADATA) | statistic["properties"]
    statistic[GVK_KEY] = [group_version_kind(AUDIT_STATISTIC)]
    metadata = {"type": "object", "description": "Nothing.", "properties": {"continue": TEXT}}
    listed = {
        "type": "object",
        "description": "All statistics, with their usual parameters.",
        "required": ["items"],
        "properties": head(AUDIT_STATISTIC, metadata)
        | {"items": {"type": "array", "items": {"$ref": f"{references}{NAME}"}}},
        GVK_KEY: [group_version_kind(AUDIT_STATISTIC, "List")],
    }
    return {NAME: statistic, f"{NAME}List": listed}


def statistic_paths(reference: Callable[[str], Json], version: int) -> Json:
    """Give the paths; parameters are those of all statistics together."""

    def done(action: str, scope: str, name: str) -> Json:
        noun = "statistics of searches"
        return operation(
            AUDIT_STATISTIC, action, scope, reference(name), version=version, noun=noun
        )

    plural = AUDIT_STATISTIC.plural
    within = f"{ROOT}/namespaces/{{namespace}}/{plural}"
    namespace, name = parameter("namespace", version), parameter("name", version)
    given = {"parameters": [parameter(each, version, text) for each, text in _described().items()]}
    everywhere = "ForAllNamespaces"
    return {
        f"{ROOT}/{plural}": {"get": done("list", everywhere, f"{NAME}List")},
        f"{ROOT}/{plural}/{{name}}": {
            "get": done("read", everywhere, NAME) | given,
            "parameters": [name],
        },
        within: {"get": done("list", "Namespaced", f"{NAME}List"), "parameters": [namespace]},
        f"{within}/{{name}}": {
            "get": done("read", "Namespaced", NAME) | given,
            "parameters": [namespace, name],
        },
    }


def _described() -> dict[str, str]:
    return {
        to_camel(name): " ".join((field.description or "").split())
        for model in PARAMETERS.values()
        for name, field in model.model_fields.items()
        if name != "namespace"
    }
