"""`pip install workflow-audit` gives the library, and the library needs nothing else.

The wheel is put beside exactly the distributions that it asks for without an extra, and what these
ask for; nothing else can be imported then.
"""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.client import correlations, taking
from support.faulty_server import FaultyServer

ROOT = Path(__file__).parents[3]

OTHERS = (
    "alembic",
    "cachetools",
    "cronsim",
    "cryptography",
    "fastapi",
    "kopf",
    "prometheus_client",
    "psycopg",
    "pydantic_settings",
    "re2",
    "rich",
    "sqlalchemy",
    "starlette",
    "tenacity",
    "typer",
    "uvicorn",
)

RECORD = """
import sys
from workflow_audit.client import AuditClient
with AuditClient.from_env() as audit:
    with audit.search(correlation_id="rr-1", query="OOMKilled") as search:
        search.response = {"workflows": [], "total_results": 0}
    assert audit.flush(30), audit.stats()
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for sys.path with the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("library")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist"]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = (folder / "dist").glob("*.whl")
    site = folder / "site"
    with zipfile.ZipFile(wheel) as content:
        content.extractall(site)
        (metadata,) = (name for name in content.namelist() if name.endswith("/METADATA"))
        asked = Parser().parsestr(content.read(metadata).decode()).get_all("Requires-Dist") or []
    for needed in _closure(asked):
        _link(needed, site)
    return site


def _closure(asked: list[str]) -> Iterator[Distribution]:
    """Give all distributions that are needed, each once."""
    waiting, known = list(asked), set()
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        if name in known or not _applies(requirement):
            continue
        known.add(name)
        found = distribution(name)
        waiting += found.requires or []
        yield found


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _link(needed: Distribution, site: Path) -> None:
    for top in {file.parts[0] for file in needed.files or () if ".." not in file.parts}:
        link = site / top
        if not link.exists():
            link.symlink_to(Path(str(needed.locate_file(top))))


def run(site: Path, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program that finds the standard library and the folder, and nothing else."""
    return subprocess.run(
        [sys.executable, "-S", "-W", "error", "-c", program],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(site), **environment},
        cwd=site,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_only_what_the_library_needs_is_there(installed: Path) -> None:
    program = "import sys, importlib.util; print(*filter(importlib.util.find_spec, sys.argv[1:]))"
    done = run(installed, f"import sys; sys.argv[1:] = {OTHERS!r}; {program}")
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_the_library_records_a_search(installed: Path, tmp_path: Path) -> None:
    with FaultyServer(taking) as server:
        done = run(
            installed,
            RECORD,
            DATA_STORAGE_AUDIT_URL=server.url,
            AUDIT_SPOOL_PATH=str(tmp_path / "spool"),
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert correlations(server.requests) == ["rr-1"]


def test_resources_can_be_created_as_well(installed: Path, tmp_path: Path) -> None:
    program = (
        "from workflow_audit.client import AuditClient\n"
        "import sys, workflow_audit.client.resource_transport\n"
        "with AuditClient.from_env() as audit: assert audit.flush(1)\n"
        "print(workflow_audit.client.__file__)"
    )
    done = run(installed, program, AUDIT_SPOOL_PATH=str(tmp_path / "spool"), HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(installed))


def test_by_http_not_even_the_kubernetes_client_is_loaded() -> None:
    """Nor anything of the operator, where all of it is installed."""
    names = ("kubernetes", "workflow_audit.settings", "workflow_audit.metrics", *OTHERS)
    program = (
        "import sys, workflow_audit.client, workflow_audit.client.http_transport\n"
        f"print(*sys.modules.keys() & set({names!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_a_command_says_what_it_needs(installed: Path) -> None:
    done = run(installed, "from workflow_audit.cli import main; main()")
    assert done.returncode == 1
    assert "pip install 'workflow-audit[operator]'" in done.stderr
