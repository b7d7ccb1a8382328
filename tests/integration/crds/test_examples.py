"""What lies in examples/ and manifests/ is what a cluster takes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from support.api import Api
from support.environment import kubectl
from workflow_audit.cli.bundled import bundled
from workflow_audit.local.environment import LocalEnvironment

pytestmark = pytest.mark.cluster

APPLIED = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename")

CREATED = ("create", "--dry-run=server", "--validate=strict", "--output=name", "--filename")

SEARCHES = sorted(bundled("examples").glob("*.yaml"))
POLICIES = sorted(bundled("examples/policies").glob("*.yaml"))
RIGHTS = [
    bundled("manifests/base/certificates/by-operator.yaml"),
    *sorted(bundled("manifests/components").glob("*/r*.yaml")),
]
GITOPS = sorted(bundled("examples/gitops").glob("*.yaml"))


@pytest.mark.parametrize("path", [*POLICIES, *RIGHTS], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_cluster_takes_it(prepared_environment: LocalEnvironment, path: Path) -> None:
    assert "serverside-applied" in kubectl(prepared_environment, *APPLIED, str(path))


@pytest.mark.parametrize("path", SEARCHES, ids=lambda path: path.stem)
def test_a_cluster_takes_a_search(prepared_environment: LocalEnvironment, path: Path) -> None:
    created = kubectl(prepared_environment, *CREATED, str(path))
    assert created.startswith("workflowsearch.audit.kubernaut.ai/rr-2026-00")


@pytest.mark.parametrize("path", GITOPS, ids=lambda path: path.stem)
def test_gitops_examples_are_yaml(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        assert document.keys() >= {"apiVersion", "kind", "spec"} or set(document) == {"data"}


@pytest.fixture
def argocd_namespace(prepared_environment: LocalEnvironment) -> Iterator[str]:
    with Api(prepared_environment) as api:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}}
        api.apply("/api/v1/namespaces/argocd", body)
        api.create(
            "/api/v1/namespaces/argocd/configmaps",
            {"metadata": {"name": "argocd-cm"}, "data": {"url": "https://cd.example.com"}},
        )
        yield "argocd"
        assert api.delete("/api/v1/namespaces/argocd").ok


def test_the_health_check_goes_into_argo_cds_settings(
    prepared_environment: LocalEnvironment, argocd_namespace: str
) -> None:
    file = str(bundled("examples/gitops/argo-cd-health.yaml"))
    patch = ("patch", "configmap", "argocd-cm", "-n", argocd_namespace, "--type=merge")
    kubectl(prepared_environment, *patch, f"--patch-file={file}")
    output = ("get", "configmap", "argocd-cm", "-n", argocd_namespace, "-o", "yaml")
    data = yaml.safe_load(kubectl(prepared_environment, *output))["data"]
    assert data.keys() == {
        "url",
        "resource.customizations.health.audit.kubernaut.ai_AuditPolicy",
        "resource.customizations.health.audit.kubernaut.ai_ClusterAuditPolicy",
    }
    assert len({text for key, text in data.items() if key != "url"}) == 1
