"""Which versions of the control plane we run, and what their files are called."""

import platform
import re
import sys

from workflow_audit.errors import LocalError

KUBERNETES_VERSION = "v1.37.2"
"""Version that is built from Go modules; controlplane/go.mod says the same."""

GO_VERSION = (1, 26)
"""Oldest Go that builds it; controlplane/go.mod says the same."""

ENVTEST_VERSION = "v1.37.0"
"""Newest envtest release of controller-tools; not every patch of Kubernetes has one."""

ENVTEST_URL = (
    "https://github.com/kubernetes-sigs/controller-tools/releases/download/"
    "envtest-{version}/envtest-{version}-{platform}.tar.gz"
)

ENVTEST_SHA512 = {
    "linux-amd64": (
        "1d1c453633b72c161a5d5a886cde7ac850be1a2ac796a9e1d4ffacacc6486829"
        "5bdd2d57aa66cd0c158f5ce510f5dfe3fbc61ac21bd3dcfb875bd70658aa663a"
    ),
    "linux-arm64": (
        "ae6a670502988200b0131c943758cfd3d3a58cf4e6247ef7f0e6a6467f1cd9a3"
        "33c802e86101f0446b1b92a0e327387224e1e44fe1a4693da0929c6e529cfe9a"
    ),
}
"""From controller-tools' envtest-releases.yaml; docs/decisions/0006-local-control-plane.md says how
we know. Linux only: Kubernetes publishes no kube-controller-manager for other systems."""

CONTROLLER_MANAGER_URL = "https://dl.k8s.io/{version}/bin/{os}/{arch}/kube-controller-manager"

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def platform_name(system: str = sys.platform, machine: str | None = None) -> str:
    """Name a platform as Go does, e.g. `linux-amd64`.

    Raises:
        LocalError: the control plane does not run there.
    """
    machine = machine or platform.machine()
    architecture = _ARCHITECTURES.get(machine.lower())
    if system not in {"linux", "darwin"} or architecture is None:
        raise LocalError(
            f"the local control plane does not run on {system}/{machine}; use Linux or macOS on "
            "amd64 or arm64 (on Windows: WSL 2), or any cluster through KUBECONFIG"
        )
    return f"{system}-{architecture}"


def folder_name(version: str, platform: str) -> str:
    """Name a cache folder: one per version and platform."""
    return f"{version}-{platform}"


def parsed_go_version(text: str) -> tuple[int, int] | None:
    """Read `go version go1.26.8 linux/amd64`; nothing when it is not understood."""
    found = re.search(r"\bgo(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None
