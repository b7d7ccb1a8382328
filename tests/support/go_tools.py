"""Programs of the development that are Go modules; `tests/conftest.py` imports the fixtures.

Each has its own folder in `go_tools/`, whose go.mod alone says which version it is: in a common
one the requirements of one program would change the libraries of another. Where a program comes
from, in this order: the PATH, if it is that version there, the program cache, a Go build.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from workflow_audit.errors import LocalError
from workflow_audit.local.checked_folder import Say, checked_folder
from workflow_audit.local.folders import PUBLIC_FOLDER, cache_folder
from workflow_audit.local.go_build import build_tools
from workflow_audit.local.progress import say
from workflow_audit.local.versions import folder_name, platform_name

MODULES = Path(__file__).parent / "go_tools"

RUN_SECONDS = 300


@dataclass(frozen=True)
class GoTool:
    """A program, where its version stands, and how it is asked for it."""

    name: str
    """Of the program, its folder in `go_tools/`, its fixture and its place in the cache."""
    module: str
    variable: str
    """Go's variable that holds the version."""
    version_command: tuple[str, ...]
    """Its answer begins with the version, with or without a `v`."""

    @property
    def version(self) -> str:
        """The version that go.mod requires, e.g. `v4.3.1`."""
        text = (MODULES / self.name / "go.mod").read_text(encoding="utf-8")
        found = re.search(rf"^\s*(?:require )?{re.escape(self.module)} (\S+)", text, re.MULTILINE)
        if found is None:
            raise LocalError(f"{MODULES / self.name}/go.mod: requires no {self.module}")
        return found[1]


HELM = GoTool(
    "helm",
    "helm.sh/helm/v4",
    "helm.sh/helm/v4/internal/version.version",
    ("version", "--template", "{{.Version}}"),
)
KUBECONFORM = GoTool("kubeconform", "github.com/yannh/kubeconform", "main.version", ("-v",))
ACTIONLINT = GoTool(
    "actionlint",
    "github.com/rhysd/actionlint",
    "github.com/rhysd/actionlint.version",
    ("-version",),
)
GO_TOOLS = (HELM, KUBECONFORM, ACTIONLINT)


@dataclass(frozen=True)
class Program:
    """A program that is there, and what its environment has beside the tests' own."""

    path: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def answer(
        self, *arguments: str, stdin: str = "", environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it, whatever comes of it."""
        return subprocess.run(
            [self.path, *arguments],
            env={**os.environ, **self.environment, **(environment or {})},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_SECONDS,
        )

    def run(
        self, *arguments: str, stdin: str = "", environment: Mapping[str, str] | None = None
    ) -> str:
        """Run it and give what it printed; fails with all that it said."""
        done = self.answer(*arguments, stdin=stdin, environment=environment)
        command = f"{self.path.name} {' '.join(arguments)}"
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout


def go_tool_program(tool: GoTool, say: Say) -> Path:
    """Give the program, built the first time.

    Raises:
        LocalError: it cannot be built here; says why.
    """
    version = tool.version
    if found := _on_the_path(tool, version, say):
        return found
    base = cache_folder() / tool.name
    base.mkdir(mode=PUBLIC_FOLDER, exist_ok=True)

    def make(folder: Path) -> None:
        title = f"{tool.name} {version}"
        build_tools(title, MODULES / tool.name, f"-X {tool.variable}={version}", folder, say)
        _require_version(tool, folder / tool.name, version)

    return checked_folder(base / folder_name(version, platform_name()), make, say) / tool.name


def _on_the_path(tool: GoTool, version: str, say: Say) -> Path | None:
    found = shutil.which(tool.name)
    if found is None:
        return None
    said = _said_version(tool, Path(found))
    if said == version:
        return Path(found)
    say(f"{found} is not used: it is {said}, and {version} is asked for")
    return None


def _require_version(tool: GoTool, program: Path, version: str) -> None:
    said = _said_version(tool, program)
    if said != version:
        raise LocalError(f"{tool.name} was built as {said} instead of {version}")


def _said_version(tool: GoTool, program: Path) -> str:
    done = Program(program).answer(*tool.version_command)
    words = (done.stdout or done.stderr).split()
    return f"v{words[0].removeprefix('v')}" if words else "a program without a version"


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Give Helm, which leaves the user's own repositories, plugins and registries alone."""
    folder = tmp_path_factory.mktemp("helm")
    names = ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")
    return Program(go_tool_program(HELM, say), {name: str(folder / name) for name in names})


@pytest.fixture(scope="session")
def kubeconform() -> Program:
    """Give kubeconform, which checks manifests against schemas."""
    return Program(go_tool_program(KUBECONFORM, say))


@pytest.fixture(scope="session")
def actionlint() -> Program:
    """Give actionlint, which checks workflows of GitHub Actions."""
    return Program(go_tool_program(ACTIONLINT, say))
