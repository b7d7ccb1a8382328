"""Users of a cluster with the shipped policies, and a namespace for each test."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from support.api import MERGE_PATCH, Api
from support.eventually import eventually
from support.searches import Searches
from workflow_audit.local.environment import LocalEnvironment

ROLES = "/apis/rbac.authorization.k8s.io/v1"

UserWith = Callable[..., Api]
"""Takes rules as pairs of resource and verbs; gives the API as a new user with these rights."""

RESOURCES = {
    "searches": ("audit.kubernaut.ai", "workflowsearches"),
    "status": ("audit.kubernaut.ai", "workflowsearches/status"),
    "policies": ("audit.kubernaut.ai", "auditpolicies"),
    "cluster_policies": ("audit.kubernaut.ai", "clusterauditpolicies"),
    "secrets": ("", "secrets"),
    "events": ("auditlog.kubernaut.ai", "auditevents"),
}

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def api(prepared_environment: LocalEnvironment) -> Iterator[Api]:
    """The API server, as the administrator (system:masters, whom RBAC does not bind)."""
    with Api(prepared_environment) as administrator:
        yield administrator


@pytest.fixture
def searches(prepared_environment: LocalEnvironment, api: Api) -> Iterator[Searches]:
    """A namespace without searches; no operator runs."""
    with Searches(prepared_environment, api, f"admission-{next(_numbers)}") as own:
        yield own
        for item in own.listed():  # operators of other tests are not to find anything to do
            status = f"{own.path}/{item['metadata']['name']}/status"
            api.request("PATCH", status, {"status": {"phase": "Skipped"}}, MERGE_PATCH)


@pytest.fixture
def user_with(prepared_environment: LocalEnvironment, api: Api) -> Iterator[UserWith]:
    """Make users by the rights that they have on our resources."""
    with ExitStack() as users:

        def make(**verbs: list[str]) -> Api:
            name = f"user-{next(_numbers)}"
            rules = [_rule(resource, allowed) for resource, allowed in verbs.items()]
            _bind(api, name, rules)
            user = users.enter_context(Api(prepared_environment, name))
            eventually(lambda: _has(user, rules))
            return user

        yield make


def _rule(resource: str, verbs: list[str]) -> dict[str, list[str]]:
    group, plural = RESOURCES[resource]
    return {"apiGroups": [group], "resources": [plural], "verbs": verbs}


def _bind(api: Api, name: str, rules: list[dict[str, list[str]]]) -> None:
    meta = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": name}}
    api.create(f"{ROLES}/clusterroles", meta | {"kind": "ClusterRole", "rules": rules})
    binding = {
        "kind": "ClusterRoleBinding",
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}],
    }
    api.create(f"{ROLES}/clusterrolebindings", meta | binding)


def _has(user: Api, rules: list[dict[str, list[str]]]) -> bool:
    """Tell whether the rights have reached the API server's cache."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": "default"},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    held = user.create(path, review)["status"]["resourceRules"]
    return all(rule in held for rule in rules)
