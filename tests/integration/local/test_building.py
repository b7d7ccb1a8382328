"""The Go build with a program that answers as go does, but at once."""

import os
from pathlib import Path

import pytest

from workflow_audit.errors import LocalError
from workflow_audit.local.binaries import adopt, control_plane_binaries
from workflow_audit.local.control_plane_build import build
from workflow_audit.local.folders import CACHE_VARIABLE
from workflow_audit.local.versions import COMPONENTS, KUBERNETES_VERSION

GO = f"""#!/bin/sh
case "$1" in
version) echo "go version go1.26.8 linux/amd64" ;;
list)
    test -s go.mod && test -s go.sum || exit 3
    echo "go: downloading k8s.io/api v0.37.2" >&2
    echo internal/goarch; echo k8s.io/api ;;
build)
    echo "$GOFLAGS" > "$GO_SAW"
    echo k8s.io/api >&2
    test -z "$GO_FAILS" || {{ echo "$GO_FAILS" >&2; exit 1; }}
    while test "$1" != -o; do shift; done
    for name in server kube-apiserver kube-controller-manager kubectl; do
        printf '#!/bin/sh\\necho Kubernetes {KUBERNETES_VERSION}\\n' > "$2/$name"
        chmod 755 "$2/$name"
    done ;;
esac
"""


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Put our go in front of the PATH; give the file that tells which flags it saw."""
    program = tmp_path / "bin" / "go"
    program.parent.mkdir()
    program.write_text(GO)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GO_SAW", str(tmp_path / "saw"))
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / "saw"


def test_four_programs_come_out(go: Path, tmp_path: Path) -> None:
    folder = tmp_path / "built"
    folder.mkdir()
    build(folder, pytest.fail)
    assert {path.name for path in folder.iterdir()} == set(COMPONENTS)
    assert go.read_text() == "-mod=readonly\n"


def test_failed_build_shows_what_go_said(
    go: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GO_FAILS", "no space left on device")
    with pytest.raises(LocalError) as caught:
        build(tmp_path, pytest.fail)
    assert "go build failed (exit code 1)" in str(caught.value)
    assert "no space left on device" in str(caught.value)


def test_whole_way_into_an_empty_cache(
    go: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setattr("workflow_audit.local.binaries.published_source", lambda _: None)
    folder = control_plane_binaries(lambda _: None)
    assert folder.is_relative_to(tmp_path / "cache")
    go.unlink()
    assert control_plane_binaries(pytest.fail) == folder
    assert not go.exists()


def test_programs_built_elsewhere_are_adopted(
    go: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    built = tmp_path / "built"
    built.mkdir()
    build(built, pytest.fail)
    (built / "etcd").rename(built / "server")
    folder = adopt(built, pytest.fail)
    assert {path.name for path in folder.iterdir()} == {*COMPONENTS, "SHA256SUMS"}


def test_given_assets_come_first(go: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, pytest.fail)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    assert control_plane_binaries(pytest.fail) == tmp_path
