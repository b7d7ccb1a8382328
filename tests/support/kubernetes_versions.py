"""Control planes of older Kubernetes versions, for `make test-versions`.

Each minor has its own folder in `kubernetes_versions/`, whose go.mod says which patch of it; they
are built as the product's own control plane is, and kept in the same cache.
"""

import os
import re
from collections.abc import MutableMapping
from pathlib import Path

import pytest

from workflow_audit.errors import LocalError
from workflow_audit.local.binaries import ASSETS_VARIABLE, Maker, first_that_works
from workflow_audit.local.checked_folder import Say
from workflow_audit.local.control_plane_build import build
from workflow_audit.local.folders import cache_folder
from workflow_audit.local.versions import platform_name

VERSION_VARIABLE = "WORKFLOW_AUDIT_KUBERNETES"
"""Minor version on which the tests run, e.g. 1.35; without it the product's own."""

MODULES = Path(__file__).parent / "kubernetes_versions"
OLDER_MINORS = ("1.35", "1.36")

STAMPS_REQUESTERS = os.environ.get(VERSION_VARIABLE) != "1.35"
"""Whether the API server has MutatingAdmissionPolicy, by which it writes the requester's name."""

stamps = pytest.mark.skipif(
    not STAMPS_REQUESTERS, reason="needs MutatingAdmissionPolicy v1: Kubernetes 1.36 or newer"
)


def use_asked_version(environment: MutableMapping[str, str], say: Say) -> None:
    """Have the control plane be the version that the variable names.

    Raises:
        LocalError: there is no such version here, or it cannot be built.
    """
    minor = environment.get(VERSION_VARIABLE)
    if minor:
        environment[ASSETS_VARIABLE] = str(control_plane_of(minor, say))


def control_plane_of(minor: str, say: Say) -> Path:
    """Give the folder of the programs of an older minor version, built the first time.

    Raises:
        LocalError: it is not one of ours, or it cannot be built.
    """
    version = patch_version(minor)
    module = MODULES / minor
    way = Maker("Go build", version, lambda folder: build(folder, say, version, module))
    # In a folder of its own, as its lock is held for minutes: nobody else is to wait for it.
    base = cache_folder() / f"controlplane-{minor}"
    return first_that_works(base, platform_name(), [way], say)


def patch_version(minor: str) -> str:
    """Give the patch that go.mod requires, e.g. `v1.35.4`.

    Raises:
        LocalError: the minor version is not one of ours.
    """
    if minor not in OLDER_MINORS:
        known = ", ".join(OLDER_MINORS)
        raise LocalError(f"{VERSION_VARIABLE}: {minor!r} is not built here; give one of {known}")
    text = (MODULES / minor / "go.mod").read_text(encoding="utf-8")
    found = re.search(r"^\s*k8s\.io/kubernetes (v\S+)", text, re.MULTILINE)
    if found is None:
        raise LocalError(f"{MODULES / minor}/go.mod: requires no k8s.io/kubernetes")
    return found[1]
