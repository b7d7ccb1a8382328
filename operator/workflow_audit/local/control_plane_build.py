"""Builds the control plane from Go modules, in the version that their go.mod names."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from workflow_audit.local.checked_folder import Say
from workflow_audit.local.go_build import build_tools
from workflow_audit.local.versions import KUBERNETES_VERSION

MODULE = files("workflow_audit.local") / "controlplane"


def build(
    folder: Path, say: Say, version: str = KUBERNETES_VERSION, module: Traversable = MODULE
) -> None:
    """Build all four programs into a folder.

    Args:
        folder: gets the programs.
        say: shows a line to the user.
        version: of Kubernetes, as the module's go.mod requires it.
        module: folder of go.mod and go.sum.

    Raises:
        LocalError: Go is missing or too old, or the build fails; with the end of its output.
    """
    build_tools(f"the control plane {version}", module, version_variables(version), folder, say)
    (folder / "server").rename(folder / "etcd")  # go names it after its folder


def version_variables(version: str) -> str:
    """Give the linker's flags that write the version of Kubernetes into the programs."""
    major, minor, _ = version.removeprefix("v").split(".", 2)
    package = "k8s.io/component-base/version"
    return (
        f"-X {package}.gitVersion={version} "
        f"-X {package}.gitMajor={major} -X {package}.gitMinor={minor}"
    )
