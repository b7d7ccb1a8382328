"""The workflows of GitHub Actions: well formed, with few rights, and all that they use pinned."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.go_tools import Program

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))

MAY_WRITE = {
    ("release", "files"): {"id-token", "attestations", "artifact-metadata"},
    ("release", "image"): {"packages", "id-token", "attestations", "artifact-metadata"},
    ("release", "chart"): {"packages", "id-token", "attestations", "artifact-metadata"},
    ("release", "publish"): {"contents"},
}
"""By workflow and job; every other job may only read."""

every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def parsed(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in parsed(path)["jobs"].values() for step in job.get("steps", [])]


def test_there_are_workflows() -> None:
    assert [path.stem for path in WORKFLOWS] == ["ci", "release"]


@pytest.mark.slow
@every_workflow
def test_actionlint_accepts_it(path: Path, actionlint: Program) -> None:
    # Without shellcheck and pyflakes, which it calls only where they happen to be installed.
    actionlint.run("-shellcheck=", "-pyflakes=", str(path))


@every_workflow
def test_actions_are_pinned_to_a_commit_with_its_version_beside_it(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.search(r"uses: (\./\.github/workflows/|\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)", line)


def test_an_action_has_one_version_everywhere() -> None:
    used = {step["uses"] for path in WORKFLOWS for step in steps(path) if "uses" in step}
    names = [one.partition("@")[0] for one in used]
    assert len(names) == len(set(names))


@every_workflow
def test_scripts_take_nothing_but_variables(path: Path) -> None:
    """What is put into a script as text could be a command: a branch's name, a title."""
    scripts = [step["run"] for step in steps(path) if "run" in step]
    assert scripts
    assert not [script for script in scripts if "${{" in script]


@every_workflow
def test_rights_are_given_to_jobs_one_by_one(path: Path) -> None:
    workflow = parsed(path)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        rights = job["permissions"]
        assert set(rights.values()) <= {"read", "write"}
        written = {right for right, level in rights.items() if level == "write"}
        assert written == MAY_WRITE.get((path.stem, name), set()), name


@every_workflow
def test_checkouts_keep_no_token(path: Path) -> None:
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@every_workflow
def test_every_job_ends_by_itself(path: Path) -> None:
    for name, job in parsed(path)["jobs"].items():
        assert "timeout-minutes" in job or "uses" in job, name


def test_programs_and_targets_that_are_called_exist() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    scripts = "\n".join(step["run"] for path in WORKFLOWS for step in steps(path) if "run" in step)
    called = re.findall(r"\bmake ([a-z0-9-]+)", scripts)
    assert {"licences", "audit", "test-versions", "e2e-kind"} <= set(called)
    assert set(called) <= targets
    for program in re.findall(r"\S*tools/\w+\.py|\.ci/run|tests/\S+/helm", scripts):
        assert (ROOT / program).exists(), program


def test_nothing_is_installed_past_the_locks() -> None:
    scripts = "\n".join(step["run"] for path in WORKFLOWS for step in steps(path) if "run" in step)
    assert not re.search(r"\b(pip|pipx|uv|npm|go|apt-get|brew) (install|add)\b|\buvx\b", scripts)
    assert not re.search(r"\b(curl|wget)\b", scripts)


def test_the_matrix_has_every_older_version() -> None:
    matrix = parsed(ROOT / ".github/workflows/ci.yaml")["jobs"]["kubernetes"]["strategy"]["matrix"]
    folders = ROOT / "tests" / "support" / "kubernetes_versions"
    assert set(matrix["version"]) == {path.name for path in folders.iterdir()}
