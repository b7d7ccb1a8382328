"""The chart: what it makes of values, and which values it refuses."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.api import Api
from support.chart import CHART, NAMESPACE, ROOT, Json, Values, objects, one, refusal, rendered
from support.go_tools import Program
from support.openapi_schemas import write_schemas
from workflow_audit import __version__
from workflow_audit.cli.local_apiserver import HOSTS
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.models.auditlog import TLS_SECRET

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

EVERYTHING: Values = {
    "apiserver": {"ingestion": {"enabled": True}, "autoscaling": {"enabled": True}},
    "catalogue": {"tokenSecret": "workflow-audit-catalogue"},
    "database": {"host": "db.example.com", "ca": {"secret": "database-ca"}},
    "networkPolicy": {"catalogue": {"to": [{"podSelector": {}}]}},
    "operator": {"replicas": 2, "settings": {"AUDIT_LOG_LEVEL": "DEBUG"}},
    "rbac": {"viewersRead": True},
    "commonLabels": {"team": "platform"},
    "serviceAccountAnnotations": {"example.com/role": "audit"},
}
EXAMPLES: dict[str, Values] = {
    file.stem: yaml.safe_load(file.read_text(encoding="utf-8"))
    for file in sorted((ROOT / "examples" / "helm").glob("*.yaml"))
}
TRIAL = EXAMPLES["trial"]
OWN_CERTIFICATE: Values = {
    "certificates": {"source": "secret", "secret": "mine", "caBundle": CERTIFICATE}
}
CASES: dict[str, Values] = {
    "defaults": {},
    "everything": EVERYTHING,
    "trial": TRIAL,
    "cloudnative-pg": EXAMPLES["cloudnative-pg"],
    # Without the prometheus-operator, whose kinds this cluster has not.
    "managed-service": {**EXAMPLES["managed-service"], "monitoring": {}},
    "own-certificate": OWN_CERTIFICATE,
    "no-hooks": {"migration": {"mode": "InitContainer"}, "crds": {"upgrade": False}},
}


def test_helm_finds_nothing_to_say(helm: Program) -> None:
    assert "0 chart(s) failed" in helm.run("lint", "--strict", str(CHART))


def test_versions_are_those_of_the_package() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert about["version"] == about["appVersion"] == __version__


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param({"operator": {"replica": 2}}, "'replica' not allowed", id="misspelt"),
        pytest.param({"operator": {"replicas": "two"}}, "want integer", id="no-number"),
        pytest.param({"operator": {"settings": {"FOO": 1}}}, "'FOO' not allowed", id="setting"),
        pytest.param(
            {"operator": {"settings": {"AUDIT_RETENTION_DATABASE_URL": "postgresql://u:p@h/d"}}},
            "/operator/settings/AUDIT_RETENTION_DATABASE_URL",
            id="secret-in-a-setting",
        ),
        pytest.param(
            {"certificates": {"source": "secret"}}, "/certificates/secret", id="no-secret"
        ),
        pytest.param({"certificates": {"source": "vault"}}, "/certificates/source", id="source"),
        pytest.param(
            {"database": {"ca": {"secret": "a", "configMap": "b"}}}, "/database/ca", id="two-cas"
        ),
        pytest.param({"database": {"sslmode": "yes"}}, "/database/sslmode", id="ssl-mode"),
        pytest.param({"database": {"logins": {"operator": ""}}}, "/logins/operator", id="no-login"),
        pytest.param({"image": {"digest": "abc"}}, "/image/digest", id="digest"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(helm: Program, values: Json, said: str) -> None:
    assert said in refusal(helm, values)


def test_every_value_has_a_schema_and_every_schema_a_value() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert set(known_paths(schema)) - {("global",)} == set(given_paths(values))


def test_every_value_is_described() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    said = dict(descriptions(schema))
    assert len(said) > 100
    assert [path for path, text in said.items() if not text.endswith(".")] == []


def descriptions(schema: Json, at: str = "") -> Iterator[tuple[str, str]]:
    for name, each in schema.get("properties", {}).items():
        if each:
            yield f"{at}{name}", each.get("description", "")
            yield from descriptions(each, f"{at}{name}.")


def known_paths(schema: Json, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, each in schema.get("properties", {}).items():
        if not each:
            continue  # refused by name
        yield (*at, name)
        yield from known_paths(each, (*at, name))


FREE = {"resources", "spec", "to", "from", "settings"}
"""What is beneath is Kubernetes' own."""


def given_paths(values: Json, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, each in values.items():
        yield (*at, name)
        if isinstance(each, dict) and name not in FREE:
            yield from given_paths(each, (*at, name))


def pod_specs(found: list[Json]) -> Iterator[tuple[str, Json]]:
    for each in found:
        name = f"{each['kind']}/{each['metadata']['name']}"
        if each["kind"] == "Pod":
            yield name, each["spec"]
        elif "template" in each.get("spec", {}):
            yield name, each["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def api(prepared_environment: LocalEnvironment) -> Iterator[Api]:
    with Api(prepared_environment) as administrator:
        yield administrator


@pytest.fixture(scope="module")
def restricted(api: Api) -> Iterator[str]:
    name = "chart-pods"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    yield name
    assert api.delete(f"/api/v1/namespaces/{name}").ok


@pytest.mark.cluster
@pytest.mark.parametrize("case", CASES)
def test_all_pods_meet_the_strictest_standard_of_kubernetes(
    helm: Program, api: Api, restricted: str, case: str
) -> None:
    checked = 0
    for name, spec in pod_specs(objects(rendered(helm, CASES[case]))):
        account = {"serviceAccountName": "default"}  # those of the chart are in its own namespace
        claims = [{"name": "data", "emptyDir": {}}] if "storage" in str(spec) else []
        volumes = [*spec.get("volumes", []), *claims]
        mounted = {each["name"] for each in volumes}
        mounts = spec["containers"][0].get("volumeMounts", [])
        volumes += [
            {"name": each["name"], "emptyDir": {}} for each in mounts if each["name"] not in mounted
        ]
        pod = {"metadata": {"name": "p"}, "spec": {**spec, **account, "volumes": volumes}}
        api.create(f"/api/v1/namespaces/{restricted}/pods?dryRun=All", pod)
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            assert container["securityContext"]["readOnlyRootFilesystem"], name
            assert container["resources"]["requests"], name
            assert "memory" in container["resources"]["limits"], name
        checked += 1
    assert checked >= 3


@pytest.mark.cluster
@pytest.mark.parametrize("case", CASES)
def test_a_cluster_takes_all_of_it(helm: Program, api: Api, case: str) -> None:
    for each in objects(rendered(helm, CASES[case])):
        if each["metadata"]["name"] == "workflow-audit-test" and each["kind"] == "Pod":
            continue  # needs its service account, which a dry run does not make
        group, _, version = each["apiVersion"].rpartition("/")
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        served = api.get(root)["resources"]
        (plural,) = [
            r["name"] for r in served if r["kind"] == each["kind"] and "/" not in r["name"]
        ]
        within = each["metadata"].get("namespace")
        where = f"/namespaces/{within}" if within else ""
        query = "?fieldManager=chart-test&force=true&dryRun=All&fieldValidation=Strict"
        path = f"{root}{where}/{plural}/{each['metadata']['name']}{query}"
        answer = api.request("PATCH", path, each, "application/apply-patch+yaml")
        assert answer.ok, f"{each['kind']}/{each['metadata']['name']}: {answer.message}"


@pytest.mark.cluster
@pytest.mark.parametrize("case", CASES)
def test_kubeconform_finds_nothing(
    helm: Program, kubeconform: Program, api: Api, tmp_path: Path, case: str
) -> None:
    made = rendered(helm, CASES[case])
    write_schemas(api, tmp_path, {(each["apiVersion"], each["kind"]) for each in objects(made)})
    where = str(tmp_path / "{{.ResourceKind}}{{.KindSuffix}}.json")
    said = kubeconform.run("-strict", "-summary", "-schema-location", where, "-", stdin=made)
    assert "Invalid: 0, Errors: 0, Skipped: 0" in said
    misspelt = made.replace("serviceAccountName:", "serviceAcountName:")
    done = kubeconform.answer("-strict", "-schema-location", where, "-", stdin=misspelt)
    assert done.returncode == 1
    assert "serviceAcountName" in done.stdout


def test_cert_manager_makes_what_is_mounted_and_called(helm: Program) -> None:
    found = objects(rendered(helm, {"certificates": {"source": "cert-manager"}}))
    serving = one(found, "Certificate", "workflow-audit-apiserver")
    assert serving["spec"]["secretName"] == TLS_SECRET
    assert HOSTS[0] in serving["spec"]["dnsNames"]
    called = one(found, "APIService", "v1alpha1.auditlog.kubernaut.ai")["metadata"]["annotations"]
    assert called == {"cert-manager.io/inject-ca-from": f"{NAMESPACE}/workflow-audit-apiserver"}
    operator = one(found, "Deployment", "workflow-audit-operator")
    variables = [each["name"] for each in containers(operator)[0]["env"]]
    assert "AUDIT_OPERATOR_MANAGE_CERTIFICATES" not in variables


def containers(deployment: Json) -> list[Json]:
    found: list[Json] = deployment["spec"]["template"]["spec"]["containers"]
    return found


def test_another_namespace_is_named_wherever_it_counts(helm: Program) -> None:
    command = ("template", "other", str(CHART), "--namespace", "elsewhere")
    text = helm.run(*command, "--set", "catalogue.tokenSecret=token")
    assert "system:serviceaccount:elsewhere:workflow-audit-operator" in text
    for line in text.splitlines():
        assert "namespace: workflow-audit" not in line
        assert ":workflow-audit:workflow-audit-" not in line


def test_a_trial_says_that_it_is_one(helm: Program) -> None:
    found = objects(rendered(helm, TRIAL))
    marked = [each for each in found if "audit.kubernaut.ai/trial" in each["metadata"]["labels"]]
    assert {each["kind"] for each in marked} == {"Secret", "Service", "StatefulSet"}
    assert not [each for each in objects(rendered(helm)) if each["kind"] == "StatefulSet"]
    operator = one(found, "Deployment", "workflow-audit-operator")["spec"]["template"]["spec"]
    (migrate,) = operator["initContainers"]
    assert migrate["args"][0] == "migrate"
    assert not [each for each in found if each["metadata"]["name"] == "workflow-audit-migration"]


def test_passwords_are_nowhere_but_in_secrets(helm: Program) -> None:
    found = objects(rendered(helm, TRIAL))
    passwords = one(found, "Secret", "workflow-audit-trial-database")["data"].values()
    rest = str([each for each in found if each["kind"] != "Secret"])
    assert all(len(each) > 32 and each not in rest for each in passwords)


def test_without_the_api_nothing_is_stamped(helm: Program) -> None:
    def kinds(values: Any, *, stamp: bool) -> set[str]:
        return {each["kind"] for each in objects(rendered(helm, values, stamp=stamp))}

    never, always = ({"admission": {"stampRequester": how}} for how in ("never", "always"))
    assert "MutatingAdmissionPolicy" in kinds({}, stamp=True)
    assert "MutatingAdmissionPolicy" not in kinds({}, stamp=False)
    assert "MutatingAdmissionPolicy" not in kinds(never, stamp=True)
    assert "MutatingAdmissionPolicy" in kinds(always, stamp=False)
