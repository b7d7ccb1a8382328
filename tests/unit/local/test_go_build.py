from pathlib import Path

import pytest

from workflow_audit.errors import LocalError
from workflow_audit.local.go_build import (
    described,
    go_settings,
    local_go_version,
    package_lines,
)

OUTPUT = """\
go: downloading k8s.io/kubernetes v1.37.2
go: downloading go.etcd.io/etcd/server/v3 v3.7.0
internal/goarch
k8s.io/api/core/v1
# some/package
"""


def test_packages_are_told_from_what_go_says_besides() -> None:
    assert package_lines(OUTPUT) == ["internal/goarch", "k8s.io/api/core/v1"]


@pytest.mark.parametrize(
    ("packages", "words"),
    [
        pytest.param(None, "reading packages, 2 modules fetched", id="first-modules"),
        pytest.param(1800, "2 of 1800 packages compiled", id="then-packages"),
    ],
)
def test_progress_in_words(packages: int | None, words: str) -> None:
    assert described(OUTPUT, packages).startswith(words)


@pytest.mark.parametrize(
    ("version", "toolchain"),
    [
        pytest.param((1, 26), None, id="new-enough"),
        pytest.param((2, 0), None, id="newer"),
        pytest.param((1, 25), "auto", id="older-fetches-a-newer-one"),
    ],
)
def test_toolchain(version: tuple[int, int], toolchain: str | None) -> None:
    assert go_settings(version).get("GOTOOLCHAIN") == toolchain


def test_go_that_cannot_fetch_a_newer_one_is_refused() -> None:
    with pytest.raises(LocalError, match=r"Go 1\.20 is too old; install Go 1\.26"):
        go_settings((1, 20))


def test_users_own_settings_cannot_break_the_build() -> None:
    settings = go_settings((1, 26))
    assert settings["GOFLAGS"] == "-mod=readonly"
    assert settings["CGO_ENABLED"] == "0"
    assert {"GOOS", "GOARCH", "GOWORK", "GO111MODULE"} <= set(settings)


def test_missing_go_says_where_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalError, match=r"install Go 1\.26 or newer from https://go\.dev/dl/"):
        local_go_version()


def test_something_else_called_go_is_not_taken_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "go"
    program.write_text("#!/bin/sh\necho a board game\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalError, match="a board game"):
        local_go_version()
