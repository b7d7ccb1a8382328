"""Readers become roles and bindings."""

from typing import Any

import pytest
import yaml

from support.golden import Golden
from unit.policies import a_policy
from workflow_audit.cli.bundled import bundled
from workflow_audit.domain.children import access_children
from workflow_audit.domain.children.access import reading_rules
from workflow_audit.models.access import Access

READERS = [
    {"kind": "Group", "name": "sre"},
    {"kind": "User", "name": "jane"},
    {"kind": "ServiceAccount", "name": "dashboard", "namespace": "monitoring"},
]
EVENT_TYPES = ["workflow.catalog.search_completed"]


@pytest.mark.parametrize(
    ("case", "namespace", "access"),
    [
        pytest.param("namespaced", "team-a", {"readers": READERS}, id="namespaced"),
        pytest.param("cluster-wide", None, {"readers": READERS[:1]}, id="cluster-wide"),
        pytest.param(
            "event-types",
            "team-a",
            {"readers": READERS[:1], "eventTypes": EVENT_TYPES},
            id="types-of-events",
        ),
    ],
)
def test_access(case: str, namespace: str | None, access: dict[str, Any], golden: Golden) -> None:
    children = access_children(a_policy("audit", {"access": access}, namespace=namespace))
    golden(f"access/{case}.yaml", yaml.safe_dump_all([c.manifest for c in children]))


@pytest.mark.parametrize("file", ["base/rbac/reader.yaml", "components/reading-for-viewers/role.yaml"])
def test_shipped_roles_let_read_what_policies_let_read(file: str) -> None:
    role = yaml.safe_load(bundled(f"manifests/{file}").read_text())
    assert role["rules"] == reading_rules(Access())


@pytest.mark.parametrize(
    ("types", "given"),
    [
        pytest.param([], True, id="all-types"),
        pytest.param(EVENT_TYPES, True, id="searches"),
        pytest.param(["audit.policy.changed", *EVENT_TYPES], True, id="searches-among-others"),
        pytest.param(["audit.policy.changed"], False, id="others-only"),
    ],
)
def test_statistics_are_for_readers_of_searches(types: list[str], *, given: bool) -> None:
    rules = reading_rules(Access.model_validate({"eventTypes": types}))
    assert any(rule["resources"] == ["auditstatistics"] for rule in rules) is given


def test_nobody_gets_nothing() -> None:
    assert access_children(a_policy("audit", {"access": {"eventTypes": EVENT_TYPES}})) == []
