"""A cluster of containers with the chart and the built image; only for `make e2e-kind`."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pytest_kind import KindCluster

from support.chart import CHART, NAMESPACE, RELEASE
from support.go_tools import Program
from workflow_audit.local.binaries import control_plane_binaries

IMAGE_VARIABLE = "WORKFLOW_AUDIT_IMAGE"
"""Image to test, in the engine's own store; `make e2e-kind` builds it."""

NODE_IMAGE = (
    "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
)
"""Of the release of kind in tests/support/go_tools/kind/go.mod, whose default it is too."""

INSTALL_SECONDS = 600

collect_ignore_glob = [] if os.environ.get(IMAGE_VARIABLE) else ["test_*.py"]


@dataclass(frozen=True)
class Installed:
    """A cluster in which the chart is installed."""

    cluster: KindCluster
    helm: Program

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl as the administrator, and give what it prints."""
        done = self.tried_kubectl(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tried_kubectl(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator; the caller judges its exit code."""
        kubeconfig = f"--kubeconfig={self.cluster.kubeconfig_path}"
        return subprocess.run(
            [self.cluster.kubectl_path, kubeconfig, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )


@pytest.fixture(scope="session")
def cluster(kind_program: Program) -> Iterator[KindCluster]:
    """A cluster of one node; its kind and kubectl are those that go.sum vouches for."""
    kubectl = control_plane_binaries() / "kubectl"
    one = KindCluster("workflow-audit", None, NODE_IMAGE, kind_program.path, kubectl)
    try:
        one.create()
        one.load_docker_image(os.environ[IMAGE_VARIABLE])
        yield one
    finally:
        one.delete()


@pytest.fixture(scope="session")
def installed(cluster: KindCluster, helm: Program) -> Installed:
    """The chart with the built image and a trial database."""
    repository, _, tag = os.environ[IMAGE_VARIABLE].rpartition(":")
    values = f"image.repository={repository},image.tag={tag},trialDatabase.enabled=true"
    place = [f"--kubeconfig={cluster.kubeconfig_path}", f"--namespace={NAMESPACE}"]
    own = Program(helm.path, helm.environment, INSTALL_SECONDS)
    own.run(
        "install", RELEASE, str(CHART), *place, "--create-namespace", "--set", values, "--wait",
        f"--timeout={INSTALL_SECONDS}s",
    )  # fmt: skip
    return Installed(cluster, own)
