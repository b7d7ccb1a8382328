"""The chart on a real control plane: installed, upgraded, worked with, and taken away again.

Its pods run as processes with the tokens of their service accounts, so what the chart says of
commands, variables, Secrets, probes and rights is what is tried here. The tests of this file follow
each other: the last one takes everything away.
"""

import base64
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from support.audit_log import AuditLog, Right, granted, unused
from support.chart import CHART, NAMESPACE, RELEASE
from support.environment import psql
from support.eventually import eventually
from support.go_tools import Program
from support.kubernetes_versions import STAMPS_REQUESTERS
from support.node.node import EXTRAS
from support.policies import Policies
from support.release import Release, release
from support.searches import Load, Searches, bundled_specs
from workflow_audit.local.control_plane_flags import Extras
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.models.auditlog import API_SERVICE, SERVICE

pytestmark = [pytest.mark.cluster, pytest.mark.database]

Json = dict[str, Any]

SPECS = bundled_specs()
EARLIER = "What it said in an earlier version."
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SEARCH_DEFINITION_FILE = "crds/audit.kubernaut.ai_workflowsearches.yaml"
SEARCH_DEFINITION = f"{DEFINITIONS}/workflowsearches.audit.kubernaut.ai"


@pytest.fixture(scope="module")
def audit_log(tmp_path_factory: pytest.TempPathFactory) -> AuditLog:
    return AuditLog(tmp_path_factory.mktemp("audit-log"))


@pytest.fixture(scope="module")
def cluster(
    helm: Program, audit_log: AuditLog, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Release]:
    flags = (*EXTRAS.api_server_flags, *audit_log.extras.api_server_flags)
    with (
        LocalEnvironment.temporary(extras=Extras(EXTRAS.controllers, flags)) as environment,
        release(environment, helm, tmp_path_factory.mktemp("pods")) as own,
    ):
        yield own


@pytest.fixture(scope="module")
def searches(cluster: Release) -> Iterator[Searches]:
    with Searches(cluster.environment, cluster.api, "helm-searches") as own:
        yield own


def earlier_chart(folder: Path) -> Path:
    """Give the chart as an earlier version may have been: other image, fewer columns and fields."""
    chart = Path(shutil.copytree(CHART, folder / "workflow-audit"))
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(
        yaml.safe_dump({**about, "version": "0.0.9", "appVersion": "0.0.9"})
    )
    file = chart / SEARCH_DEFINITION_FILE
    definition = yaml.safe_load(file.read_text())
    (version,) = definition["spec"]["versions"]
    del version["additionalPrinterColumns"]
    version["schema"]["openAPIV3Schema"]["properties"]["spec"]["description"] = (
        "Of an earlier time."
    )
    file.write_text(yaml.safe_dump(definition))
    return chart


def pods(cluster: Release) -> list[Json]:
    items: list[Json] = cluster.api.get(PODS)["items"]
    return items


def images(cluster: Release) -> set[str]:
    return {pod["spec"]["containers"][0]["image"] for pod in pods(cluster)}


def restarts(cluster: Release) -> dict[str, int]:
    return {
        pod["metadata"]["name"]: status["restartCount"]
        for pod in pods(cluster)
        for status in pod["status"]["containerStatuses"]
    }


def test_an_installation_is_ready(cluster: Release, tmp_path: Path) -> None:
    said = cluster.install(chart=earlier_chart(tmp_path))
    assert "STATUS: deployed" in said
    assert f"helm test {RELEASE}" in said
    components = [pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in pods(cluster)]
    assert sorted(components) == ["apiserver", "apiserver", "operator"]
    wait = ("wait", "--for=condition=Available", "--timeout=60s")
    cluster.kubectl(*wait, "apiservice/v1alpha1.auditlog.kubernaut.ai")


def test_an_upgrade_loses_no_search(cluster: Release, tmp_path: Path, searches: Searches) -> None:
    before = cluster.api.get(SEARCH_DEFINITION)["spec"]["versions"][0]
    assert "additionalPrinterColumns" not in before
    with Load(searches, SPECS, per_second=5).running() as load:
        cluster.install()
    load.wait_recorded()
    after = cluster.api.get(SEARCH_DEFINITION)["spec"]["versions"][0]
    definition = yaml.safe_load((CHART / SEARCH_DEFINITION_FILE).read_text())
    (shipped,) = definition["spec"]["versions"]
    assert after["additionalPrinterColumns"] == shipped["additionalPrinterColumns"]
    assert after["schema"]["openAPIV3Schema"]["properties"]["spec"]["description"] != EARLIER
    # Helm waits for the new pods, and not for the end of the old ones.
    eventually(lambda: images(cluster), until=lambda found: found == {"workflow-audit:0.1.0"})


def test_what_hooks_may_do_is_gone_with_them(cluster: Release) -> None:
    for path in (
        f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/workflow-audit-crds",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/workflow-audit-crds",
        f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs/workflow-audit-migration",
    ):
        assert cluster.api.request("GET", path).status == 404, path


def test_events_are_read_under_the_clusters_rights(cluster: Release, searches: Searches) -> None:
    rows = searches.row_count()
    found = cluster.kubectl("get", "auditevents", "-n", searches.namespace, "-o", "name")
    assert len(found.split()) == rows > 0
    assert "Phase:          Succeeded" in cluster.run("test", RELEASE)


def test_a_password_rotates_without_a_restart(cluster: Release, searches: Searches) -> None:
    before = restarts(cluster)
    cluster.set_password("operator", "the-next-one")
    ended = psql(
        cluster.environment.postgres,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE usename = 'audit_operator'",
    )
    assert int(ended) > 0
    searches.create(SPECS[:5], prefix="rotated")
    searches.wait_recorded()
    assert restarts(cluster) == before


def test_no_right_is_spare(cluster: Release, searches: Searches, audit_log: AuditLog) -> None:
    cluster.api.create(DEFINITIONS, PROMETHEUS_RULES)
    use_all_that_policies_offer(cluster, searches)
    assert asked_by_rest(cluster, "no-token") == 401
    for account, given_for_others in (("operator", HELD_TO_BE_GIVEN), ("apiserver", set())):
        given = rights_of(cluster, f"workflow-audit-{account}") - given_for_others
        assert unused(given, audit_log.used(f"workflow-audit-{account}")) == []


def rights_of(cluster: Release, account: str) -> set[Right]:
    """Give what the roles grant that are bound to a service account."""
    subject = {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
    rights: set[Right] = set()
    for path, at in ((f"{RBAC}/clusterrolebindings", ""), (f"{RBAC}/rolebindings", NAMESPACE)):
        for binding in cluster.api.get(path)["items"]:
            if subject in binding.get("subjects", []) and binding["metadata"].get(
                "namespace", ""
            ) in {"", at}:
                kind, name = binding["roleRef"]["kind"], binding["roleRef"]["name"]
                within = "" if kind == "ClusterRole" else f"/namespaces/{at}"
                role = cluster.api.get(f"{RBAC}{within}/{kind.lower()}s/{name}")
                rights |= granted(role["rules"])
    return rights


def asked_by_rest(cluster: Release, token: str) -> int:
    """Give the status by which the server of readers answers at the address of its service."""
    service = cluster.api.get(f"/api/v1/namespaces/{NAMESPACE}/services/{SERVICE}")["spec"]
    trusted = cluster.api.get(f"/apis/apiregistration.k8s.io/v1/apiservices/{API_SERVICE}")
    authority = base64.b64decode(trusted["spec"]["caBundle"]).decode()
    with urllib3.HTTPSConnectionPool(
        service["clusterIP"],
        service["ports"][0]["port"],
        ssl_context=ssl.create_default_context(cadata=authority),
        server_hostname=f"{SERVICE}.{NAMESPACE}.svc",
        assert_hostname=f"{SERVICE}.{NAMESPACE}.svc",
        retries=False,
    ) as pool:
        headers = {"Authorization": f"Bearer {token}"}
        return pool.request("GET", "/api/v1/audit/events", headers=headers).status


def use_all_that_policies_offer(cluster: Release, searches: Searches) -> None:
    """Have children made, changed, mended and removed, of both kinds of policy; searches too."""
    wanted: Json = {
        "access": {"readers": [{"kind": "Group", "name": "sre"}]},
        "alerts": {"enabled": True},
        "dashboard": {"enabled": True},
        "retention": {"searchTTL": "1s"},
    }
    for of_cluster in (False, True):
        with Policies(cluster.api, searches.namespace, of_cluster=of_cluster) as policies:
            policies.apply("rights", **wanted)
            policies.wait_ready("rights")
            policies.patch("rights", access={"readers": [{"kind": "Group", "name": "others"}]})
            policies.wait_ready("rights")
            policies.patch("rights", enabled=False)
            for part in ("access", "alerts", "dashboard"):
                policies.patch("rights", **{part: None})
            policies.wait_ready("rights")
            searches.create(SPECS[:2], prefix=f"old-{of_cluster}".lower())
    with Policies(cluster.api, searches.namespace) as policies:
        policies.apply("short", retention={"searchTTL": "1s"})
        policies.wait_ready("short")
        before = len(searches.listed())
        eventually(lambda: len(searches.listed()) < before)


def test_nothing_is_stuck_after_it_was_taken_away(cluster: Release, searches: Searches) -> None:
    searches.create(SPECS[:3], prefix="kept")
    pending = "status.phase!=Recorded,status.phase!=Skipped"
    eventually(lambda: searches.selected(pending), until=lambda names: not names)
    cluster.uninstall()
    eventually(lambda: not pods(cluster))
    ours = {"audit.kubernaut.ai"}  # the searches of users stay
    eventually(lambda: groups(cluster), until=lambda found: found == ours)
    searches.create(SPECS[:1], prefix="unrecorded")
    # The API server forgets an admission policy a moment after it is gone.
    eventually(lambda: cluster.api.delete(f"{searches.path}/unrecorded-0001").ok)
    for namespace in (searches.namespace, NAMESPACE):
        assert cluster.api.delete(f"/api/v1/namespaces/{namespace}").ok
        path = f"/api/v1/namespaces/{namespace}"
        eventually(lambda path=path: cluster.api.request("GET", path).status == 404)
    of_definitions = ["APIService/v1alpha1.audit.kubernaut.ai"]
    eventually(lambda: left_in(cluster), until=lambda found: found == of_definitions)
    definitions = [each["metadata"]["name"] for each in cluster.api.get(DEFINITIONS)["items"]]
    for name in definitions:
        assert cluster.api.delete(f"{DEFINITIONS}/{name}").ok
    eventually(lambda: not cluster.api.get(DEFINITIONS)["items"])


def groups(cluster: Release) -> set[str]:
    found = {each["name"] for each in cluster.api.get("/apis")["groups"]}
    return {name for name in found if name.endswith("kubernaut.ai")}


def left_in(cluster: Release) -> list[str]:
    return [
        f"{kind}/{each['metadata']['name']}"
        for kind, path in CLUSTER_KINDS.items()
        for each in cluster.api.get(path)["items"]
        if "workflow-audit" in each["metadata"]["name"] or "kubernaut" in each["metadata"]["name"]
    ]


HELD_TO_BE_GIVEN = granted(
    [
        {
            "apiGroups": ["auditlog.kubernaut.ai"],
            "resources": ["auditevents"],
            "verbs": ["get", "list", "watch"],
        },
        {
            "apiGroups": ["auditlog.kubernaut.ai"],
            "resources": ["auditstatistics"],
            "verbs": ["get", "list"],
        },
        {
            "apiGroups": ["audit.kubernaut.ai"],
            "resources": ["workflowsearches"],
            "verbs": ["get", "record"],
        },
    ]
)
"""What the operator does nothing with: it gives them to readers, and may not give what it has not.
`record` is asked for by an admission policy."""

PROMETHEUS_RULES = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "prometheusrules.monitoring.coreos.com"},
    "spec": {
        "group": "monitoring.coreos.com",
        "scope": "Namespaced",
        "names": {
            "plural": "prometheusrules",
            "singular": "prometheusrule",
            "kind": "PrometheusRule",
        },
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CLUSTER_KINDS = {
    "ClusterRole": f"{RBAC}/clusterroles",
    "ClusterRoleBinding": f"{RBAC}/clusterrolebindings",
    "RoleBinding": f"{RBAC}/namespaces/kube-system/rolebindings",
    "ValidatingAdmissionPolicy": f"{ADMISSION}/validatingadmissionpolicies",
    "APIService": "/apis/apiregistration.k8s.io/v1/apiservices",
}
if STAMPS_REQUESTERS:
    CLUSTER_KINDS["MutatingAdmissionPolicy"] = f"{ADMISSION}/mutatingadmissionpolicies"
