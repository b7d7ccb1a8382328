"""Fixtures and options for all tests."""

import signal
from pathlib import Path

import pytest

from support.environment import local_environment  # noqa: F401 - a fixture
from support.go_tools import (  # noqa: F401 - fixtures
    GO_TOOLS,
    actionlint,
    go_tool_program,
    helm,
    kubeconform,
)
from support.golden import Golden
from support.promtool import promtool  # noqa: F401 - a fixture
from workflow_audit.cli.prepare import prepare
from workflow_audit.errors import LocalError
from workflow_audit.local.binaries import control_plane_binaries
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.postgres_programs import postgres_programs
from workflow_audit.local.progress import say

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew")


def pytest_configure() -> None:
    # A shell's `&` and nohup let a whole process tree ignore these, also the programs of the tests.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "golden" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.golden)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Get the programs that tests need: the first time that may take longer than a test may.

    Raises:
        pytest.UsageError: they cannot be had on this machine; it says why.
    """
    if session.config.option.collectonly:
        return
    marks = {mark.name for item in session.items for mark in item.iter_markers()}
    fixtures = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    capture = session.config.pluginmanager.getplugin("capturemanager")
    try:
        with capture.global_and_fixture_disabled():
            if "cluster" in marks:
                control_plane_binaries()
            if "database" in marks:
                postgres_programs(say)
            for tool in GO_TOOLS:
                if tool.name in fixtures:
                    go_tool_program(tool, say)
    except LocalError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.fixture(scope="session")
def prepared_environment(local_environment: LocalEnvironment) -> LocalEnvironment:  # noqa: F811
    """The shared environment with CRDs, admission policies, rights, and the schema."""
    prepare(local_environment)
    return local_environment


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with its golden file; `--update-golden` writes it."""

    def check(name: str, actual: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(actual, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == actual, f"{path}: `make golden`, then its diff"

    return check
