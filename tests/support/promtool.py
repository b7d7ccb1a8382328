"""promtool, Prometheus' own checker of rules; `tests/conftest.py` imports the fixture.

Where it comes from, in this order: the PATH, the program cache, Debian's package `prometheus`,
which is unpacked without being installed and without root's rights.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from workflow_audit.errors import LocalError
from workflow_audit.local.checked_folder import Say, checked_folder
from workflow_audit.local.folders import PUBLIC_FOLDER, cache_folder
from workflow_audit.local.progress import say
from workflow_audit.local.versions import platform_name

PACKAGE = "prometheus"
PROGRAM = "promtool"
REMEDY = (
    "promtool is needed to test alert rules and dashboards; install Prometheus (Debian and Ubuntu:"
    " apt-get install prometheus; macOS: brew install prometheus), or put promtool on the PATH"
)

INSTALL_SECONDS = 200
CHECK_SECONDS = 60


class PromtoolError(AssertionError):
    """promtool does not accept what it was given."""


@dataclass(frozen=True)
class Promtool:
    """The program, and a folder for what it reads."""

    program: Path
    folder: Path

    def check_rules(self, groups: dict[str, Any]) -> str:
        """Check what a rules file is to hold; gives what is said of it."""
        return self._run("check", "rules", str(self._written(groups)))

    def check_expressions(self, expressions: Iterable[str]) -> None:
        """Check that each is an expression of PromQL."""
        rules = [
            {"record": f"expression:{number}", "expr": expression}
            for number, expression in enumerate(expressions)
        ]
        assert rules, "nothing to check"
        said = self.check_rules({"groups": [{"name": "expressions", "rules": rules}]})
        assert f"{len(rules)} rules found" in said

    def test_rules(self, groups: dict[str, Any], tests: Sequence[dict[str, Any]]) -> None:
        """Run unit tests of rules, in the form of `promtool test rules`."""
        rules = self._written(groups)
        document = {
            "rule_files": [str(rules)],
            "evaluation_interval": "1m",
            "tests": list(tests),
        }
        self._run("test", "rules", str(self._written(document)))

    def _written(self, document: dict[str, Any]) -> Path:
        with tempfile.NamedTemporaryFile(
            "w", dir=self.folder, suffix=".yaml", delete=False, encoding="utf-8"
        ) as file:
            yaml.safe_dump(document, file)
        return Path(file.name)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [self.program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=CHECK_SECONDS,
        )
        if done.returncode != 0:
            raise PromtoolError(done.stdout + done.stderr)
        return done.stdout


@pytest.fixture(scope="session")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> Promtool:
    """Give promtool, fetched the first time; without it tests fail and say what to install."""
    return Promtool(promtool_program(say), tmp_path_factory.mktemp(PROGRAM))


def promtool_program(say: Say) -> Path:
    """Give the program.

    Raises:
        LocalError: it is nowhere, and cannot be had from Debian.
    """
    if found := shutil.which(PROGRAM):
        return Path(found)
    base = cache_folder() / PROGRAM
    base.mkdir(mode=PUBLIC_FOLDER, exist_ok=True)
    return checked_folder(base / platform_name(), _from_debian, say) / PROGRAM


def _from_debian(folder: Path) -> None:
    """Put the program into a folder.

    apt compares the package with the signed lists of the archive, as for an installation.
    """
    with tempfile.TemporaryDirectory(prefix="workflow-audit-promtool-") as scratch:
        package = _downloaded(Path(scratch))
        unpacked = Path(scratch) / "unpacked"
        _done(["dpkg-deb", "-x", str(package), str(unpacked)], Path(scratch))
        shutil.copy2(unpacked / "usr" / "bin" / PROGRAM, folder / PROGRAM)
    _done([str(folder / PROGRAM), "--version"], folder)


def _downloaded(scratch: Path) -> Path:
    scratch.chmod(PUBLIC_FOLDER)  # as root, apt downloads as another user
    lists = scratch / "lists"
    lists.mkdir()
    own = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={scratch}"]
    ways: list[Callable[[], None]] = [
        lambda: _done(["apt-get", "download", PACKAGE], scratch),
        # A machine whose lists are old, or were removed as container images do.
        lambda: _done(["apt-get", *own, "update"], scratch),
        lambda: _done(["apt-get", *own, "download", PACKAGE], scratch),
    ]
    problem: LocalError | None = None
    for way in ways:
        try:
            way()
        except LocalError as error:
            problem = error
        if packages := list(scratch.glob(f"{PACKAGE}_*.deb")):
            return packages[0]
    raise problem or LocalError(REMEDY)


def _done(command: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalError(f"{REMEDY} ({error})") from error
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise LocalError(f"{REMEDY} ({' '.join(command[:2])}: {' '.join(said)})")
