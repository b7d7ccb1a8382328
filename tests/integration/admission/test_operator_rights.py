"""The shipped rights: what manifests/rbac/operator.yaml grants, and nothing else."""

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


@pytest.mark.parametrize("namespace", ["default", "kube-system", "workflow-audit"])
def test_operator_may_do_what_its_role_says_and_nothing_else(
    prepared_environment: LocalEnvironment, operator: Api, namespace: str
) -> None:
    documents = yaml.safe_load_all(bundled("manifests/rbac/operator.yaml").read_text())
    (role,) = [doc for doc in documents if doc["kind"] == "ClusterRole"]
    with Api(prepared_environment, "nobody", ["system:serviceaccounts"]) as nobody:
        everybody = rules(nobody, namespace)
    own = [rule for rule in rules(operator, namespace) if rule not in everybody]
    assert sorted(own, key=str) == sorted(role["rules"], key=str)


def test_operator_cannot_read_secrets(operator: Api) -> None:
    for path in ("/api/v1/secrets", "/api/v1/namespaces/default/secrets/any"):
        assert operator.request("GET", path).status == 403


def test_operator_cannot_create_change_or_delete_searches(
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


def test_operator_knows_no_namespace_but_the_one_that_names_the_cluster(operator: Api) -> None:
    assert operator.request("GET", "/api/v1/namespaces/kube-system").ok
    assert operator.request("GET", "/api/v1/namespaces/default").status == 403
    assert operator.request("GET", "/api/v1/namespaces").status == 403
