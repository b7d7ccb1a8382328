"""Every contract of .importlinter breaks when its rule is broken: the linter does look."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = Path(sys.executable).with_name("lint-imports")

LAYERS = "Calls go down"
PURE = "Models and decisions are pure"
LIBRARY = "The library needs neither operator nor server"

FORBIDDEN = [
    ("models/search.py", "import workflow_audit.domain.events", LAYERS),
    ("models/search.py", "import workflow_audit.settings", PURE),
    ("domain/events.py", "import workflow_audit.services.pending", LAYERS),
    ("services/pending.py", "import workflow_audit.store.pool", LAYERS),
    ("store/pool.py", "import workflow_audit.kube.cluster", LAYERS),
    ("kube/cluster.py", "import workflow_audit.services.pending", LAYERS),
    ("services/pending.py", "import workflow_audit.wiring", LAYERS),
    ("wiring/policies.py", "import workflow_audit.handlers.run", LAYERS),
    ("handlers/run.py", "import workflow_audit.local.ports", LAYERS),
    ("errors.py", "import workflow_audit.settings", LAYERS),
    ("services/pending.py", "import kopf", "kopf has one door"),
    ("services/pending.py", "import psycopg", "PostgreSQL has one door"),
    ("wiring/policies.py", "import psycopg_pool", "PostgreSQL has one door"),
    ("local/postgres.py", "import sqlalchemy", "PostgreSQL has one door"),
    ("cli/migrate.py", "import alembic", "PostgreSQL has one door"),
    ("handlers/run.py", "import kubernetes", "The Kubernetes client has one door"),
    ("services/pending.py", "import fastapi", "FastAPI has one door"),
    ("catalogue/client.py", "import workflow_audit.kube.tokens", LAYERS),
    ("services/searching.py", "import workflow_audit.catalogue.client", LAYERS),
    ("services/searching.py", "import aiohttp", "Only the doors to others ask by HTTP"),
    ("wiring/policies.py", "import uvicorn", "FastAPI has one door"),
    ("handlers/run.py", "import workflow_audit.api.run", LAYERS),
    ("probes.py", "import workflow_audit.handlers.run", LAYERS),
    ("store/writer.py", "import prometheus_client", "prometheus_client has one door"),
    ("handlers/run.py", "import typer", "The command line has one door"),
    ("local/pki.py", "import cryptography", "Keys and certificates are made in one place"),
    ("services/pending.py", "import rich", "The command line has one door"),
    *(
        ("domain/events.py", f"import {module}", PURE)
        for module in ("asyncio", "logging", "os", "random", "socket", "time")
    ),
    ("models/base.py", "from workflow_audit import metrics", PURE),
    ("handlers/run.py", "import workflow_audit.client", LAYERS),
    ("wiring/policies.py", "import workflow_audit.client.library", LAYERS),
    *(
        ("client/library.py", f"import {module}", LIBRARY)
        for module in (
            "kopf",
            "psycopg",
            "workflow_audit.kube.access",
            "workflow_audit.metrics",
            "workflow_audit.services.pending",
            "workflow_audit.settings",
            "workflow_audit.store.pool",
        )
    ),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, and of the contracts."""
    folder = tmp_path_factory.mktemp("layers")
    code_only = shutil.ignore_patterns("*.pyc", "__pycache__", "*.sql", "_data")
    source = ROOT / "operator" / "workflow_audit"
    shutil.copytree(source, folder / "workflow_audit", ignore=code_only)
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


def _environment() -> dict[str, str]:
    """Without coverage, which would count the copy as code that no test runs."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COV")}


def broken_contracts(folder: Path) -> tuple[set[str], str]:
    done = subprocess.run(
        [LINT, "--no-logo", "--cache-dir", folder / "cache"],
        cwd=folder,
        env={**_environment(), "NO_COLOR": "1", "COLUMNS": "200", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    broken = set(re.findall(r"^(.+) BROKEN", done.stdout, re.MULTILINE))
    assert done.returncode == (1 if broken else 0), done.stdout + done.stderr
    return broken, done.stdout


def contract_names() -> set[str]:
    return set(re.findall(r"^name = (.+)$", (ROOT / ".importlinter").read_text(), re.MULTILINE))


def test_no_contract_is_broken(copy: Path) -> None:
    broken, report = broken_contracts(copy)
    assert not broken, report
    for name in contract_names():
        assert f"{name} KEPT" in report


@pytest.mark.parametrize(
    ("file", "statement", "contract"),
    FORBIDDEN,
    ids=[f"{file.removesuffix('.py')}-{statement.split()[-1]}" for file, statement, _ in FORBIDDEN],
)
def test_a_forbidden_import_breaks_its_contract(
    copy: Path, file: str, statement: str, contract: str
) -> None:
    path = copy / "workflow_audit" / file
    before = path.read_text()
    path.write_text(f"{before}\n{statement}\n")
    try:
        broken, report = broken_contracts(copy)
    finally:
        path.write_text(before)
    assert contract in broken, report


def test_a_module_without_a_place_breaks_the_layers(copy: Path) -> None:
    path = copy / "workflow_audit" / "somewhere.py"
    path.write_text('"""Has no layer."""\n')
    try:
        broken, _ = broken_contracts(copy)
    finally:
        path.unlink()
    assert LAYERS in broken


def test_every_contract_is_tried() -> None:
    assert {contract for _, _, contract in FORBIDDEN} == contract_names()
