"""The shipped rights: what manifests/base/rbac/operator.yaml grants, and nothing else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from support.api import MERGE_PATCH, Api
from support.searches import Searches, bundled_specs, search
from workflow_audit.cli.bundled import bundled
from workflow_audit.cli.prepare import OPERATOR, OPERATOR_GROUPS
from workflow_audit.local.environment import LocalEnvironment

pytestmark = pytest.mark.cluster

SPEC = bundled_specs()[0]


@pytest.fixture
def operator(prepared_environment: LocalEnvironment) -> Iterator[Api]:
    """The API server, as the operator sees it."""
    with Api(prepared_environment, OPERATOR, OPERATOR_GROUPS) as identity:
        yield identity


def rules(user: Api, namespace: str) -> list[dict[str, Any]]:
    """Give what `kubectl auth can-i --list` shows."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    status = user.create(path, review)["status"]
    return [*status["resourceRules"], *status["nonResourceRules"]]


def _sorted(found: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(rule, sort_keys=True) for rule in found)


@pytest.mark.parametrize("namespace", ["default", "kube-system", "workflow-audit"])
def test_operator_may_do_what_its_role_says_and_nothing_else(
    prepared_environment: LocalEnvironment, operator: Api, namespace: str
) -> None:
    documents = yaml.safe_load_all(bundled("manifests/base/rbac/operator.yaml").read_text())
    (role,) = [doc for doc in documents if doc["kind"] == "ClusterRole"]
    with Api(prepared_environment, "nobody", ["system:serviceaccounts"]) as nobody:
        everybody = rules(nobody, namespace)
    own = [rule for rule in rules(operator, namespace) if rule not in everybody]
    assert _sorted(own) == _sorted(role["rules"])


def test_operator_cannot_read_secrets(operator: Api) -> None:
    for path in ("/api/v1/secrets", "/api/v1/namespaces/default/secrets/any"):
        assert operator.request("GET", path).status == 403


def test_operator_cannot_create_or_change_searches_nor_delete_unrecorded_ones(
    operator: Api, searches: Searches
) -> None:
    assert searches.submit(search(SPEC, "one")).ok
    path = f"{searches.path}/one"
    label = {"metadata": {"labels": {"touched": "yes"}}}
    finalizer = {"metadata": {"finalizers": ["example.com/stuck"]}}
    attempts = [
        operator.request("POST", searches.path, search(SPEC, "two")),
        operator.request("PATCH", path, label, MERGE_PATCH),
        operator.request("PATCH", path, finalizer, MERGE_PATCH),
        operator.request("PUT", path, searches.get("one")),
        operator.request("PUT", f"{path}/status", searches.get("one")),
        operator.delete(path),
        operator.delete(searches.path),
    ]
    assert [answer.status for answer in attempts] == [403] * len(attempts)


def test_operator_cannot_change_namespaces(operator: Api) -> None:
    assert operator.request("GET", "/api/v1/namespaces/kube-system").ok
    label = {"metadata": {"labels": {"touched": "yes"}}}
    path = "/api/v1/namespaces/default"
    assert operator.request("PATCH", path, label, MERGE_PATCH).status == 403
    assert operator.delete(path).status == 403


RBAC = "/apis/rbac.authorization.k8s.io/v1"
OURS = {"app.kubernetes.io/managed-by": "workflow-audit-operator"}
THEIRS = {"app.kubernetes.io/managed-by": "somebody-else"}
ONLY_OURS = "may only change what carries the label"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        pytest.param(f"{RBAC}/namespaces/{{}}/roles", "Role", id="role"),
        pytest.param(f"{RBAC}/clusterroles", "ClusterRole", id="cluster-role"),
        pytest.param("/api/v1/namespaces/{}/configmaps", "ConfigMap", id="config-map"),
    ],
)
def test_operator_changes_and_deletes_only_what_is_its_own(
    operator: Api, searches: Searches, path: str, kind: str
) -> None:
    name = f"{searches.namespace}-guarded"
    version = "rbac.authorization.k8s.io/v1" if RBAC in path else "v1"

    def body(labels: dict[str, str]) -> dict[str, Any]:
        metadata = {"name": name, "labels": labels}
        return {"apiVersion": version, "kind": kind, "metadata": metadata}

    path = path.format(searches.namespace)
    own = f"{path}/{name}"
    assert ONLY_OURS in operator.request("POST", path, body(THEIRS)).message
    assert ONLY_OURS in operator.request("POST", path, body({})).message
    searches.api.create(path, body(THEIRS))
    taking = {"metadata": {"labels": OURS}}
    assert ONLY_OURS in operator.request("PATCH", own, taking, MERGE_PATCH).message
    assert ONLY_OURS in operator.delete(own).message
    assert searches.api.delete(own).ok
    assert operator.request("POST", path, body(OURS)).ok
    leaving = {"metadata": {"labels": THEIRS}}
    assert ONLY_OURS in operator.request("PATCH", own, leaving, MERGE_PATCH).message
    assert operator.delete(own).ok


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}, id="secrets"),
        pytest.param({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, id="everything"),
        pytest.param(
            {
                "apiGroups": ["auditlog.kubernaut.ai"],
                "resources": ["auditevents"],
                "verbs": ["delete"],
            },
            id="deleting-events",
        ),
    ],
)
def test_operator_cannot_give_what_it_does_not_hold(
    operator: Api, searches: Searches, rule: dict[str, Any]
) -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "too-much", "labels": OURS},
        "rules": [rule],
    }
    answer = operator.request("POST", f"{RBAC}/namespaces/{searches.namespace}/roles", role)
    assert answer.status == 403
    assert "attempting to grant RBAC permissions not currently held" in answer.message
