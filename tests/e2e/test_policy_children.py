"""What a policy asks for is in place, stays in place, and goes with the policy."""

import itertools
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from support.api import MERGE_PATCH, Api
from support.condition_rules import condition_of
from support.environment import kubectl
from support.eventually import eventually
from support.operator_process import StartOperator
from support.policies import RBAC, Policies
from support.searches import Searches
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database]

READERS = {"readers": [{"kind": "Group", "name": "sre"}]}
RESTORED_SECONDS = 10.0
CALM_SECONDS = 3.0
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
RULES = "prometheusrules.monitoring.coreos.com"

_numbers = itertools.count(1)


@pytest.fixture
def own(api: Api, searches: Searches) -> Iterator[Policies]:
    with Policies(api, searches.namespace) as policies:
        yield policies


@pytest.fixture
def role_path(searches: Searches) -> str:
    """Where the Role of the policy `readers` is."""
    return f"{RBAC}/namespaces/{searches.namespace}/roles/audit-policy-readers"


def reads(environment: LocalEnvironment, searches: Searches, *groups: str) -> bool:
    """Tell whether a member of some groups may list searches of the namespace."""
    with Api(environment, f"member-{next(_numbers)}", groups) as user:
        return user.request("GET", searches.path).ok


def test_readers_read_as_long_as_the_policy_says_so(
    searches: Searches,
    own: Policies,
    role_path: str,
    start_operator: StartOperator,
    prepared_environment: LocalEnvironment,
) -> None:
    start_operator().wait_ready()
    own.apply("readers", access=READERS)
    policy = own.wait_ready("readers")
    assert policy["status"]["readers"] == 1
    assert {(c["kind"], c["state"]) for c in policy["status"]["children"]} == {
        ("Role", "InPlace"),
        ("RoleBinding", "InPlace"),
    }
    eventually(lambda: reads(prepared_environment, searches, "sre"))
    assert not reads(prepared_environment, searches, "others")
    (events, statistics, _) = searches.api.get(role_path)["rules"]
    assert events == {
        "apiGroups": ["auditlog.kubernaut.ai"],
        "resources": ["auditevents"],
        "verbs": ["get", "list", "watch"],
    }
    assert statistics == {
        "apiGroups": ["auditlog.kubernaut.ai"],
        "resources": ["auditstatistics"],
        "verbs": ["get", "list"],
    }

    own.apply("readers", access={"readers": [{"kind": "Group", "name": "auditors"}]})
    eventually(lambda: reads(prepared_environment, searches, "auditors"))
    eventually(lambda: not reads(prepared_environment, searches, "sre"))

    own.apply("readers")
    eventually(lambda: not reads(prepared_environment, searches, "auditors"))
    eventually(lambda: searches.api.request("GET", role_path).status == 404)
    assert condition_of(own.wait_ready("readers"), "Access")["reason"] == "Off"


def test_kubectl_shows_how_policies_stand(
    searches: Searches,
    own: Policies,
    start_operator: StartOperator,
    prepared_environment: LocalEnvironment,
) -> None:
    start_operator().wait_ready()
    own.apply("readers", access=READERS, retention={"days": 90})
    own.apply("off", enabled=False, alerts={"enabled": False})
    own.wait_ready("readers")
    own.wait_ready("off")
    within = ("-n", searches.namespace)
    table = kubectl(prepared_environment, "get", "apol", *within).splitlines()
    heading = [
        "NAME",
        "READY",
        "ENABLED",
        "READERS",
        "RETENTION",
        "ALERTS",
        "NEXT",
        "RETENTION",
        "AGE",
    ]
    assert table[0].split() == heading
    rows = {line.split()[0]: line.split()[1:6] for line in table[1:]}
    assert rows == {
        "readers": ["True", "true", "1", "90", "Off"],
        "off": ["True", "false", "0", "2555", "Off"],
    }
    described = kubectl(prepared_environment, "describe", "apol", "readers", *within)
    assert "Kind:       RoleBinding" in described
    assert "everything that the policy asks for is in place" in described


def test_objects_go_with_their_policy(
    api: Api, searches: Searches, own: Policies, role_path: str, start_operator: StartOperator
) -> None:
    operator = start_operator().wait_ready()
    own.apply("readers", access=READERS)
    own.wait_ready("readers")
    assert operator.terminate() == 0
    assert own.delete("readers").ok  # also while no operator runs, and nothing holds it up
    eventually(lambda: api.request("GET", role_path).status == 404)


def test_a_cluster_policy_gives_rights_everywhere(
    api: Api,
    searches: Searches,
    start_operator: StartOperator,
    prepared_environment: LocalEnvironment,
) -> None:
    start_operator().wait_ready()
    role = f"{RBAC}/clusterroles/cluster-audit-policy-everywhere"
    with Policies(api, searches.namespace, of_cluster=True) as policies:
        types = ["workflow.catalog.search_completed"]
        access = {"readers": [{"kind": "Group", "name": "auditors"}], "eventTypes": types}
        policies.apply("everywhere", access=access)
        policies.wait_ready("everywhere")
        eventually(lambda: reads(prepared_environment, searches, "auditors"))
        assert api.get(role)["rules"][0]["resourceNames"] == types
    eventually(lambda: api.request("GET", role).status == 404)
    eventually(lambda: not reads(prepared_environment, searches, "auditors"))


def changes_asked_for(api: Api) -> float:
    """Count the requests to change roles and bindings, which the API server counts itself."""
    text = api.request("GET", "/metrics").body
    name = r'^apiserver_request_total\{.*resource="role(?:s|bindings)".*verb="(?:APPLY|PATCH)".*'
    return sum(map(float, re.findall(rf"{name} (\S+)$", text, re.MULTILINE)))


def test_a_restart_asks_for_nothing_where_all_is_in_place(
    api: Api, own: Policies, start_operator: StartOperator
) -> None:
    nothing = changes_asked_for(api)
    first = start_operator().wait_ready()
    own.apply("readers", access=READERS)
    version = own.wait_ready("readers")["metadata"]["resourceVersion"]
    assert first.terminate() == 0
    before = changes_asked_for(api)
    assert before - nothing == 2
    second = start_operator().wait_ready()
    ready = 'workflow_audit_policies{ready="true"}'
    eventually(lambda: second.metrics()[ready] == 1)
    own.apply("another", access=READERS)  # is worked on after the first one
    own.wait_ready("another")
    assert changes_asked_for(api) - before == 2
    assert own.get("readers")["metadata"]["resourceVersion"] == version


def test_drift_is_mended_and_foreign_fields_are_kept(
    api: Api, searches: Searches, own: Policies, role_path: str, start_operator: StartOperator
) -> None:
    start_operator().wait_ready()
    own.apply("readers", access=READERS)
    own.wait_ready("readers")
    rules = api.get(role_path)["rules"]
    drifted: list[dict[str, Any]] = [
        {"rules": []},
        {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
        {"metadata": {"labels": {"app.kubernetes.io/part-of": "something"}}},
        {"metadata": {"annotations": {"audit.kubernaut.ai/applied": None}}},
    ]
    foreign = {"metadata": {"annotations": {"example.com/note": "ours"}}}
    assert api.request("PATCH", role_path, foreign, MERGE_PATCH).ok
    for change in drifted:
        assert api.request("PATCH", role_path, change, MERGE_PATCH).ok

        def read() -> Any:
            found = api.get(role_path)
            assert found["rules"] == rules
            assert found["metadata"]["labels"]["app.kubernetes.io/part-of"] == "workflow-audit"
            return found["metadata"]["annotations"]

        found = eventually(
            read,
            until=lambda annotations: "audit.kubernaut.ai/applied" in annotations,
            within_seconds=RESTORED_SECONDS,
        )
        assert found["example.com/note"] == "ours"
    before = api.get(role_path)["metadata"]["uid"]
    assert api.delete(role_path).ok
    restored = eventually(
        lambda: api.request("GET", role_path).body.get("metadata", {}).get("uid"),
        within_seconds=RESTORED_SECONDS,
    )
    assert restored != before


def test_an_object_of_somebody_else_is_not_taken_over(
    api: Api, searches: Searches, own: Policies, role_path: str, start_operator: StartOperator
) -> None:
    theirs = {"metadata": {"name": "audit-policy-readers"}, "rules": []}
    made = api.create(role_path.rpartition("/")[0], theirs)
    start_operator().wait_ready()
    own.apply("readers", access=READERS)
    policy = own.wait("readers", "Conflict")
    assert condition_of(policy, "Stalled")["status"] == "True"
    message = condition_of(policy, "Access")["message"]
    assert message.startswith(f"Role {searches.namespace}/audit-policy-readers: ")
    assert api.get(role_path) == made


def test_rights_that_the_operator_does_not_hold_are_refused_and_said(
    api: Api,
    searches: Searches,
    own: Policies,
    start_operator: StartOperator,
    prepared_environment: LocalEnvironment,
) -> None:
    """The API server's own rule: nobody gives what he does not have, not even the operator."""
    name = f"weaker-operator-{next(_numbers)}"
    role = api.get(f"{RBAC}/clusterroles/workflow-audit-operator")
    rules = [rule for rule in role["rules"] if rule["apiGroups"] != ["auditlog.kubernaut.ai"]]
    assert len(rules) == len(role["rules"]) - 2
    api.create(f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": rules})
    binding = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC.split("/")[2], "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": RBAC.split("/")[2], "kind": "User", "name": name}],
    }
    api.create(f"{RBAC}/clusterrolebindings", binding)
    kubeconfig = prepared_environment.control_plane.kubeconfig_for(name)
    start_operator(KUBECONFIG=str(kubeconfig)).wait_ready()
    own.apply("readers", access=READERS)
    policy = own.wait("readers", "Refused")
    message = condition_of(policy, "Ready")["message"]
    assert "attempting to grant RBAC permissions not currently held" in message
    assert api.delete(f"{RBAC}/clusterrolebindings/{name}").ok
    assert api.delete(f"{RBAC}/clusterroles/{name}").ok


def definition() -> dict[str, Any]:
    """A definition of PrometheusRule that keeps whatever it is given."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "metadata": {"name": RULES},
        "spec": {
            "group": "monitoring.coreos.com",
            "scope": "Namespaced",
            "names": {
                "kind": "PrometheusRule",
                "plural": "prometheusrules",
                "singular": "prometheusrule",
            },
            "versions": [version],
        },
    }


def test_a_kind_that_is_installed_later_is_picked_up(
    api: Api, searches: Searches, own: Policies, start_operator: StartOperator
) -> None:
    operator = start_operator().wait_ready()
    own.apply("alerts", alerts={"enabled": True})
    policy = own.wait("alerts", "NotInstalled")
    assert condition_of(policy, "Reconciling")["status"] == "True"
    own.apply("readers", access=READERS)
    own.wait_ready("readers")  # one that waits does not hold up the others
    api.create(DEFINITIONS, definition())
    try:
        own.wait_ready("alerts")
        path = f"/apis/monitoring.coreos.com/v1/namespaces/{searches.namespace}/prometheusrules"
        (rule,) = api.get(path)["items"]
        assert rule["spec"]["groups"]
        own.patch("alerts", alerts={"enabled": False})
        eventually(lambda: api.get(path)["items"] == [])
    finally:
        assert api.delete(f"{DEFINITIONS}/{RULES}").ok
    own.patch("alerts", alerts={"enabled": True})
    own.wait("alerts", "NotInstalled")
    assert operator.running


def test_two_operators_and_a_policy_that_flips(
    api: Api, searches: Searches, own: Policies, role_path: str, start_operator: StartOperator
) -> None:
    operators = [start_operator().wait_ready() for _ in range(2)]
    subjects = [{"readers": [{"kind": "Group", "name": f"team-{n}"}]} for n in range(2)]
    for number in range(200):
        own.apply("readers", access=subjects[number % 2], enabled=bool(number % 3))
    # One may still be at an earlier change when the other has said Ready; but they come to an end.
    first_seen: dict[str, float] = {}

    def seconds_without_a_change() -> float:
        version = own.get("readers")["metadata"]["resourceVersion"]
        now = time.monotonic()
        return now - first_seen.setdefault(version, now)

    own.wait_ready("readers")
    eventually(seconds_without_a_change, until=lambda seconds: seconds > CALM_SECONDS)
    policy = own.wait_ready("readers")
    assert policy["spec"]["access"]["readers"][0]["name"] == "team-1"
    binding = role_path.replace("/roles/", "/rolebindings/")
    eventually(
        lambda: [subject["name"] for subject in api.get(binding)["subjects"]],
        until=lambda seen: seen == ["team-1"],
    )
    for operator in operators:
        assert operator.terminate() == 0
