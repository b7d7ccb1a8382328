"""What manifests/ ships for the server of readers is taken by a cluster and fits the code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.api import Api
from support.environment import kubectl
from workflow_audit import __version__
from workflow_audit.cli.bundled import bundled
from workflow_audit.cli.local_apiserver import NAMESPACE, registration
from workflow_audit.cli.prepare import tried_kubectl
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.models.auditlog import API_SERVICE, GROUP, SERVICE, TLS_SECRET, VERSION
from workflow_audit.settings.loading import default_settings

ROOT = Path(__file__).parents[3]
FOLDERS = ("charts", "crds", "docs", "examples", "manifests", "operator", "tests", "tools")
APPLIED = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename")
SETTINGS = default_settings()

Json = dict[str, Any]


def documents(name: str) -> list[Json]:
    text = bundled(f"manifests/base/{name}").read_text(encoding="utf-8")
    return list(yaml.safe_load_all(text))


def one(name: str, kind: str) -> Json:
    (found,) = [each for each in documents(name) if each["kind"] == kind]
    return found


DEPLOYMENT = one("apiserver/deployment.yaml", "Deployment")
POD = DEPLOYMENT["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]


@pytest.mark.cluster
def test_a_cluster_takes_all_of_it(prepared_environment: LocalEnvironment) -> None:
    said = kubectl(prepared_environment, *APPLIED, str(bundled("manifests/base/apiserver")))
    kinds = {line.split("/")[0].split(".")[0] for line in said.splitlines()}
    assert kinds == {"apiservice", "deployment", "poddisruptionbudget", "service"}


@pytest.fixture
def restricted_namespace(prepared_environment: LocalEnvironment) -> Iterator[str]:
    name = "apiserver-pods"
    with Api(prepared_environment) as api:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        body = {"apiVersion": "v1", "kind": "Namespace"}
        path = f"/api/v1/namespaces/{name}"
        api.apply(path, body | {"metadata": {"name": name, "labels": labels}})
        api.create(f"{path}/serviceaccounts", {"metadata": {"name": SERVICE}})
        yield name
        assert api.delete(path).ok


@pytest.mark.cluster
def test_its_pods_meet_the_strictest_standard_of_kubernetes(
    prepared_environment: LocalEnvironment, restricted_namespace: str
) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": POD["spec"]}
    path = f"/api/v1/namespaces/{restricted_namespace}/pods?dryRun=All"
    with Api(prepared_environment) as api:
        api.create(path, pod)
        CONTAINER["securityContext"]["allowPrivilegeEscalation"] = True
        try:
            assert api.request("POST", path, pod).status == 403, "the standard is in force"
        finally:
            CONTAINER["securityContext"]["allowPrivilegeEscalation"] = False
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"]


def test_names_are_those_of_the_code_and_of_the_rights() -> None:
    service = one("apiserver/service.yaml", "Service")
    api_service = one("apiserver/apiservice.yaml", "APIService")
    account = one("rbac/apiserver.yaml", "ServiceAccount")
    assert api_service["metadata"]["name"] == API_SERVICE
    assert (api_service["spec"]["group"], api_service["spec"]["version"]) == (GROUP, VERSION)
    place = {"name": SERVICE, "namespace": NAMESPACE}
    called = api_service["spec"]["service"]
    assert {key: called[key] for key in place} == place
    for each in (
        service,
        account,
        DEPLOYMENT,
        one("apiserver/deployment.yaml", "PodDisruptionBudget"),
    ):
        assert {key: each["metadata"][key] for key in place} == place, each["kind"]
    assert POD["spec"]["serviceAccountName"] == SERVICE
    assert called["port"] == service["spec"]["ports"][0]["port"]
    assert service["spec"]["selector"].items() <= POD["metadata"]["labels"].items()
    budget = one("apiserver/deployment.yaml", "PodDisruptionBudget")
    assert budget["spec"]["selector"] == DEPLOYMENT["spec"]["selector"]
    assert budget["spec"]["maxUnavailable"] < DEPLOYMENT["spec"]["replicas"]


def test_ports_files_and_variables_are_those_of_the_settings() -> None:
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    assert ports == {"https": SETTINGS.apiserver.port, "http": SETTINGS.http.port}
    volume = next(each for each in POD["spec"]["volumes"] if each["name"] == "tls")
    mount = next(each for each in CONTAINER["volumeMounts"] if each["name"] == "tls")
    assert volume["secret"]["secretName"] == TLS_SECRET
    files = {Path(mount["mountPath"], item["path"]) for item in volume["secret"]["items"]}
    assert files == {SETTINGS.apiserver.tls_certificate, SETTINGS.apiserver.tls_key}
    assert CONTAINER["image"] == f"workflow-audit:{__version__}"


@pytest.mark.parametrize(
    ("verb", "what", "answer"),
    [
        ("list", "auditpolicies.audit.kubernaut.ai", "yes"),
        ("watch", "clusterauditpolicies.audit.kubernaut.ai", "yes"),
        ("watch", "namespaces", "yes"),
        ("get", "namespaces/kube-system", "yes"),
        ("get", "namespaces/default", "no"),
        ("patch", "auditpolicies.audit.kubernaut.ai", "no"),
        ("create", "workflowsearches.audit.kubernaut.ai", "no"),
        ("list", "secrets", "no"),
    ],
)
def test_it_may_look_at_policies_and_namespaces_and_nothing_else(
    prepared_environment: LocalEnvironment, verb: str, what: str, answer: str
) -> None:
    server = "--as=system:serviceaccount:workflow-audit:workflow-audit-apiserver"
    command = ("auth", "can-i", verb, what, "--all-namespaces", server)
    assert tried_kubectl(prepared_environment, *command).stdout.strip() == answer


def test_the_demo_uses_the_shipped_registration() -> None:
    service, tried = registration(8443, None)
    shipped = one("apiserver/apiservice.yaml", "APIService")
    tried["spec"]["service"]["port"] = shipped["spec"]["service"]["port"]
    assert tried == shipped
    assert service["spec"] == {"type": "ExternalName", "externalName": "localhost"}


def test_nowhere_a_certificate_goes_unchecked() -> None:
    switch = "insecureSkipTLS" + "Verify"
    looked = [
        path
        for folder in (
            "charts",
            "crds",
            "docs",
            "examples",
            "manifests",
            "operator",
            "tests",
            "tools",
        )
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".md", ".py", ".yaml", ".yml", ".json", ".tpl"}
    ]
    assert len(looked) > 300
    assert [path for path in looked if switch.lower() in path.read_text("utf-8").lower()] == []
