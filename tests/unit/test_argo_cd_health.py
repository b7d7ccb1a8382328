"""The health check for Argo CD says what a policy's conditions say."""

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from lupa import LuaRuntime

from unit.policies import a_policy_body, any_policy
from workflow_audit.cli.bundled import bundled
from workflow_audit.domain.policy_status import policy_status
from workflow_audit.domain.readiness import ChildState, PolicyState, State

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DATA = yaml.safe_load(bundled("examples/gitops/argo-cd-health.yaml").read_text())["data"]


def health(body: dict[str, Any]) -> tuple[str, str]:
    """Run the script as Argo CD does: with the object as a global."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    lua.globals().obj = lua.table_from(body, recursive=True)
    (script,) = set(DATA.values())
    found = lua.execute(script)
    return found["status"], found["message"]


def with_child(state: State, spec: Any = None) -> dict[str, Any]:
    child = ChildState("Access", "Role", "team-a", "audit-policy-own", state, "why")
    policy = any_policy("own", spec, namespace="team-a", generation=2)
    status = policy_status(PolicyState(policy, [child]), None, {}, now=NOW)
    return a_policy_body("own", spec, namespace="team-a", generation=2, status=status)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(with_child("InPlace"), "Healthy", id="in-place"),
        pytest.param(with_child("NotInstalled"), "Progressing", id="not-installed"),
        pytest.param(with_child("Unreachable"), "Progressing", id="unreachable"),
        pytest.param(with_child("Conflict"), "Degraded", id="conflict"),
        pytest.param(with_child("Refused"), "Degraded", id="refused"),
        pytest.param(with_child("InPlace", {"limits": "none"}), "Degraded", id="invalid"),
        pytest.param(a_policy_body("own"), "Progressing", id="not-looked-at"),
    ],
)
def test_health(body: dict[str, Any], expected: str) -> None:
    assert health(body)[0] == expected


def test_the_message_is_that_of_ready() -> None:
    assert health(with_child("Conflict"))[1] == "Role team-a/audit-policy-own: why"


def test_a_status_of_an_earlier_generation_does_not_count() -> None:
    body = with_child("InPlace")
    body["metadata"]["generation"] += 1
    assert health(body)[0] == "Progressing"
