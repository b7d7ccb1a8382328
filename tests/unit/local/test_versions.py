import re
from importlib.resources import files

import pytest

from workflow_audit.errors import LocalError
from workflow_audit.local.versions import (
    ENVTEST_SHA512,
    GO_VERSION,
    KUBERNETES_VERSION,
    folder_name,
    parsed_go_version,
    platform_name,
)


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        pytest.param("linux", "x86_64", "linux-amd64", id="linux-pc"),
        pytest.param("linux", "aarch64", "linux-arm64", id="linux-arm"),
        pytest.param("darwin", "arm64", "darwin-arm64", id="mac"),
        pytest.param("darwin", "x86_64", "darwin-amd64", id="old-mac"),
        pytest.param("linux", "AMD64", "linux-amd64", id="case-does-not-matter"),
    ],
)
def test_platforms_are_named_as_go_names_them(system: str, machine: str, name: str) -> None:
    assert platform_name(system, machine) == name


@pytest.mark.parametrize(("system", "machine"), [("win32", "AMD64"), ("linux", "riscv64")])
def test_other_platforms_are_refused_with_a_way_out(system: str, machine: str) -> None:
    with pytest.raises(LocalError, match="use Linux or macOS"):
        platform_name(system, machine)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        pytest.param("go version go1.26.8 linux/amd64", (1, 26), id="release"),
        pytest.param("go version go1.27rc1 darwin/arm64", (1, 27), id="candidate"),
        pytest.param("go version devel go1.28-abc123 linux/amd64", (1, 28), id="development"),
        pytest.param("command not found", None, id="not-go"),
    ],
)
def test_go_versions(text: str, version: tuple[int, int] | None) -> None:
    assert parsed_go_version(text) == version


def test_go_mod_says_the_same_versions() -> None:
    text = (files("workflow_audit.local") / "controlplane" / "go.mod").read_text()
    assert f"k8s.io/kubernetes {KUBERNETES_VERSION} " in text
    assert re.search(rf"^go {GO_VERSION[0]}\.{GO_VERSION[1]}\.", text, re.MULTILINE)


def test_every_version_and_platform_has_its_own_folder() -> None:
    assert folder_name("v1.37.2", "linux-amd64") == "v1.37.2-linux-amd64"


def test_pinned_checksums_are_sha512() -> None:
    assert all(re.fullmatch(r"[0-9a-f]{128}", digest) for digest in ENVTEST_SHA512.values())
