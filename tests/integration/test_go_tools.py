"""The programs of the development are there, in the versions that their go.mod names."""

import os
from pathlib import Path

import pytest

from support.go_tools import (
    ACTIONLINT,
    GO_TOOLS,
    HELM,
    KUBECONFORM,
    MODULES,
    GoTool,
    Program,
    go_tool_program,
)
from workflow_audit.errors import LocalError
from workflow_audit.local.folders import CACHE_VARIABLE


@pytest.fixture
def bin_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give a folder that comes first in the PATH; the program cache is empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return folder


def script(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return path


def go_that_builds(folder: Path, said_version: str) -> Path:
    """Put a go there that answers at once; its programs say this version."""
    return script(
        folder / "go",
        'case "$1" in',
        'version) echo "go version go1.26.8 linux/amd64" ;;',
        "list) test -s go.mod && test -s go.sum && echo main ;;",
        'build) while test "$1" != -ldflags; do shift; done; flags=$2',
        'while test "$1" != -o; do shift; done',
        f'printf \'#!/bin/sh\\necho {said_version}\\n# %s\\n\' "$flags" > "$2/helm"',
        'chmod 755 "$2/helm" ;;',
        "esac",
    )


@pytest.mark.slow
def test_helm_says_its_version(helm: Program) -> None:
    assert helm.run("version", "--template", "{{.Version}}") == HELM.version
    assert HELM.version.startswith("v4.")


@pytest.mark.slow
def test_helm_knows_for_which_kubernetes_it_renders(helm: Program, tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("{apiVersion: v2, name: chart, version: 0.1.0}")
    (chart / "templates" / "version.yaml").write_text(
        "minor: {{ .Capabilities.KubeVersion.Minor }}"
    )
    assert "minor: 3" in helm.run("template", str(chart))


@pytest.mark.slow
def test_kubeconform_says_its_version_and_refuses(kubeconform: Program, tmp_path: Path) -> None:
    assert kubeconform.run("-v").strip() == KUBECONFORM.version
    schema = tmp_path / "thing.json"
    schema.write_text('{"type": "object", "properties": {"data": {"type": "object"}}}')
    thing = "apiVersion: v1\nkind: Thing\nmetadata: {name: one}\ndata: "
    assert kubeconform.answer("-schema-location", str(schema), stdin=f"{thing}{{}}").returncode == 0
    assert kubeconform.answer("-schema-location", str(schema), stdin=f"{thing}3").returncode == 1


@pytest.mark.slow
def test_actionlint_says_its_version_and_refuses(actionlint: Program) -> None:
    assert actionlint.run("-version").splitlines()[0] == ACTIONLINT.version
    refused = actionlint.answer("-", stdin="on: push\njobs: {one: {runs-on: ubuntu-24.04}}\n")
    assert refused.returncode == 1
    assert '"steps" section is missing' in refused.stdout


@pytest.mark.parametrize("tool", GO_TOOLS, ids=lambda tool: tool.name)
def test_every_module_has_one_program_and_its_checksums(tool: GoTool) -> None:
    module = (MODULES / tool.name / "go.mod").read_text()
    assert module.count("\ntool ") == 1
    sums = (MODULES / tool.name / "go.sum").read_text()
    assert f"{tool.module} {tool.version} h1:" in sums


def test_the_right_version_on_the_path_is_used(bin_folder: Path) -> None:
    program = script(bin_folder / "helm", f"echo {HELM.version}")
    assert go_tool_program(HELM, pytest.fail) == program


def test_another_version_on_the_path_is_told_and_passed_over(bin_folder: Path) -> None:
    script(bin_folder / "helm", "echo v3.18.4")
    go_that_builds(bin_folder, HELM.version)
    said: list[str] = []
    program = go_tool_program(HELM, said.append)
    assert said == [
        f"{bin_folder / 'helm'} is not used: it is v3.18.4, and {HELM.version} is asked for"
    ]
    assert f"-X {HELM.variable}={HELM.version}" in program.read_text()


def test_what_was_built_is_found_again(bin_folder: Path) -> None:
    go = go_that_builds(bin_folder, HELM.version)
    program = go_tool_program(HELM, pytest.fail)
    go.unlink()
    script(go, "exit 1")
    assert go_tool_program(HELM, pytest.fail) == program


def test_a_build_of_another_version_is_refused(bin_folder: Path) -> None:
    go_that_builds(bin_folder, "v4.0.0")
    with pytest.raises(LocalError, match=f"helm was built as v4.0.0 instead of {HELM.version}"):
        go_tool_program(HELM, pytest.fail)
