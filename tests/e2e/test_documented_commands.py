"""Every command of the documentation does what its page says, in the order of the page."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.documents import (
    COMMANDS,
    PAGES,
    ROOT,
    Block,
    blocks,
    console_commands,
    has_shape,
    page_name,
)
from support.shell import Shell
from workflow_audit.cli.bundled import bundled
from workflow_audit.cli.demo_catalogue import running_catalogue
from workflow_audit.cli.demo_operator import running_operator
from workflow_audit.cli.demo_policies import apply_policies
from workflow_audit.cli.demo_searches import bundled_searches, submit, wait_until_final
from workflow_audit.cli.local_apiserver import running_apiserver
from workflow_audit.cli.prepare import kubectl, prepare
from workflow_audit.local.environment import READER, LocalEnvironment
from workflow_audit.local.folders import STATE_VARIABLE

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

SQL_HAS_TESTS_OF_ITS_OWN = {
    "docs/how-to/analytics.md": "test_statistics.py",
    "docs/how-to/database.md": "test_database_docs.py",
    "docs/how-to/retention.md": "test_database_docs.py",
}
AS_READER = "psql -X -v ON_ERROR_STOP=1 $AUDIT_READER_URL"
STARTS_SECONDS = 180
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
PROGRAMS = Path(sys.executable).parent


def typed(page: Path) -> list[Block]:
    """Give the blocks of a page that are typed, written to a file or asked of the database."""
    found = [block for block in blocks(page.read_text(encoding="utf-8")) if not block.not_run]
    own_test = page_name(page) in SQL_HAS_TESTS_OF_ITS_OWN
    return [
        block
        for block in found
        if block.language in COMMANDS or block.file or (block.language == "sql" and not own_test)
    ]


def starts_its_own(page: Path) -> bool:
    """Whether a page begins with an environment of the reader's own."""
    return any("workflow-audit local up" in block.text for block in typed(page))


WITH_COMMANDS = [page for page in PAGES if typed(page)]
IN_THE_DEMO = [page for page in WITH_COMMANDS if not starts_its_own(page)]
FROM_NOTHING = [page for page in WITH_COMMANDS if starts_its_own(page)]


@dataclass(frozen=True)
class Demo:
    """What `workflow-audit demo` shows: policies, operator, server, the bundled searches."""

    environment: LocalEnvironment
    catalogue: str


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with ExitStack() as running:
        environment = running.enter_context(LocalEnvironment.temporary(hooks=[prepare]))
        catalogue = running.enter_context(running_catalogue(environment))
        apply_policies(environment, catalogue)
        running.enter_context(running_operator(environment))
        running.enter_context(running_apiserver(environment))
        searches = bundled_searches(bundled("examples/searches.jsonl"))
        submit(environment, searches)
        wait_until_final(environment, len(searches))
        yield Demo(environment, catalogue)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks like a clone, and takes what commands write."""
    for name in ("crds", "docs", "examples", "manifests"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.parametrize("page", IN_THE_DEMO, ids=page_name)
def test_the_page_holds_where_the_demo_runs(page: Path, demo: Demo, folder: Path) -> None:
    reader = {"AUDIT_READER_URL": demo.environment.database_url(READER)}
    variables = {**demo.environment.shell_variables, **reader}
    before = kubectl(demo.environment, "get", "namespaces", "--output=name").split()
    try:
        walk(page, folder, variables)
    finally:
        tidy(demo, before)


@pytest.mark.parametrize("page", FROM_NOTHING, ids=page_name)
def test_the_page_holds_where_nothing_runs_yet(page: Path, folder: Path) -> None:
    # Not below pytest's own folder: that one is closed to the user as whom PostgreSQL runs.
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o711)
        state = Path(parent) / "state"
        variables = {"PATH": SYSTEM_PATH, STATE_VARIABLE: str(state)}
        try:
            walk(page, folder, variables)
            assert not state.exists(), "the page cleans up at its end"
        finally:
            with shell(folder, variables) as after:
                assert after.run("workflow-audit local down --purge").code == 0


def walk(page: Path, folder: Path, variables: Mapping[str, str]) -> None:
    """Do what a page says, block by block, in one shell."""
    with shell(folder, variables) as own:
        for block in typed(page):
            if block.file:
                (folder / block.file).write_text(block.text, encoding="utf-8")
            elif block.language == "console":
                type_commands(own, block)
            elif block.language == "sql":
                done = own.run(f"{AS_READER} <<'END'\n{block.text}END")
                assert done.code == 0, f"{block.text}\n{done.printed}"
            else:
                done = own.script(block.text, STARTS_SECONDS)
                assert done.code == 0, f"{block.text}\n{done.printed}"


def type_commands(own: Shell, block: Block) -> None:
    """Type the commands of a block; each ends as shown, and prints what is shown."""
    for command in console_commands(block.text):
        done = own.run(command.text, STARTS_SECONDS)
        said = f"$ {command.text}\n{done.printed}\n(exit code {done.code})"
        assert (done.code != 0) is command.fails, said
        if command.shown:
            assert has_shape(done.printed, command.shown), f"{said}\ninstead of\n{block.text}"


def shell(folder: Path, variables: Mapping[str, str]) -> Shell:
    """Give a shell that knows our programs before all others."""
    path = os.pathsep.join((str(PROGRAMS), variables["PATH"], SYSTEM_PATH))
    own = {"HOME": str(folder), "TERM": "dumb", "COLUMNS": "120", "LANG": "C.UTF-8"}
    caches = {name: os.environ[name] for name in ("WORKFLOW_AUDIT_CACHE",) if name in os.environ}
    return Shell(folder, {**own, **caches, **variables, "PATH": path})


def tidy(demo: Demo, namespaces: list[str]) -> None:
    """Take away namespaces and policies of a page; the policies of the demo are as they were."""
    environment = demo.environment
    kubectl(environment, "delete", "auditpolicies", "--all", "--all-namespaces")
    kubectl(environment, "delete", "clusterauditpolicies", "--all")
    apply_policies(environment, demo.catalogue)
    there = kubectl(environment, "get", "namespaces", "--output=name").split()
    for name in sorted(set(there) - set(namespaces)):
        kubectl(environment, "delete", name)
