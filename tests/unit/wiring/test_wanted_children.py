"""All that a policy asks for, and where it goes."""

from typing import Any

import pytest

from unit.policies import a_policy
from workflow_audit.models.resource import CHILD_RESOURCES
from workflow_audit.wiring.policies import wanted_children

HOME = "audit-home"

Wanted = list[tuple[str, str, str | None]]


def wanted(spec: dict[str, Any], namespace: str | None) -> Wanted:
    children = list(wanted_children(a_policy("audit", spec, namespace=namespace), HOME))
    assert {child.resource for _, child in children} <= set(CHILD_RESOURCES)
    return [(aspect, child.resource.kind, child.namespace) for aspect, child in children]


ALL: dict[str, Any] = {
    "access": {"readers": [{"kind": "Group", "name": "sre"}]},
    "alerts": {"enabled": True},
    "dashboard": {"enabled": True},
}


@pytest.mark.parametrize(
    ("spec", "namespace", "expected"),
    [
        pytest.param({}, None, [], id="nothing"),
        pytest.param(
            ALL,
            "team-a",
            [
                ("Access", "Role", "team-a"),
                ("Access", "RoleBinding", "team-a"),
                ("Alerts", "PrometheusRule", "team-a"),
                ("Dashboard", "ConfigMap", "team-a"),
            ],
            id="in-its-namespace",
        ),
        pytest.param(
            ALL,
            None,
            [
                ("Access", "ClusterRole", None),
                ("Access", "ClusterRoleBinding", None),
                ("Alerts", "PrometheusRule", HOME),
                ("Dashboard", "ConfigMap", HOME),
            ],
            id="of-the-cluster",
        ),
        pytest.param(
            {"alerts": {"enabled": True}},
            "team-a",
            [("Alerts", "PrometheusRule", "team-a")],
            id="alerts-alone",
        ),
        pytest.param(
            {"dashboard": {"enabled": True}},
            None,
            [("Dashboard", "ConfigMap", HOME)],
            id="dashboard-alone",
        ),
    ],
)
def test_what_a_policy_asks_for(
    spec: dict[str, Any], namespace: str | None, expected: Wanted
) -> None:
    assert wanted(spec, namespace) == expected
