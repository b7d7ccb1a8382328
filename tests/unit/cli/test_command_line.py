"""The command line as its users meet it: a process, its two outputs and its exit code."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from workflow_audit import __version__
from workflow_audit.cli.app import app
from workflow_audit.domain.crds import crd_yaml
from workflow_audit.models.kinds import KINDS

PROGRAM = Path(sys.executable).with_name("workflow-audit")
PASSWORD = "correct-horse-demo"  # noqa: S105 - made up
URL = f"postgresql://writer:{PASSWORD}@db.invalid/audit"
COMMANDS = [
    "operator", "apiserver", "verify", "migrate", "crds", "config", "demo", "explain",
    "events list", "events get", "events export", "events watch",
    "stats selection-rate", "stats low-confidence", "stats patterns", "stats most-selected",
    "stats unattributed",
    "local up", "local env", "local status", "local down",
]  # fmt: skip


def run(
    *arguments: str, command: tuple[str | Path, ...] = (PROGRAM,), **variables: str
) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AUDIT_", "PG"))}
    return subprocess.run(
        [*command, *arguments],
        env={**inherited, "COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"} | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_lists_the_commands() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in {command.split()[0] for command in COMMANDS} | {"version"}:
        assert re.search(rf"\b{name} ", done.stdout), name
    assert "Exit codes: 0 done, 1 an error that stderr explains" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(command: str) -> None:
    done = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "300"})
    assert (done.exit_code, done.stderr) == (0, "")
    assert re.search(r"Examples?:", done.stdout)
    assert f"workflow-audit {command}" in done.stdout
    assert "Exit codes:" in done.stdout


def test_version() -> None:
    done = run("version")
    assert (done.returncode, done.stdout) == (0, f"{__version__}\n")


def test_python_m_is_the_same_program() -> None:
    done = run("version", command=(sys.executable, "-m", "workflow_audit"))
    assert (done.returncode, done.stdout) == (0, f"{__version__}\n")


def test_crds_to_stdout_are_one_yaml_document_each() -> None:
    done = run("crds")
    assert done.returncode == 0
    assert done.stdout == "".join(f"---\n{crd_yaml(kind)}" for kind in KINDS)
    kinds = [document["kind"] for document in yaml.safe_load_all(done.stdout)]
    assert kinds == ["CustomResourceDefinition"] * len(KINDS)


def test_crds_to_a_folder_are_one_file_each(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    done = run("crds", "--output", str(folder))
    assert (done.returncode, done.stdout) == (0, "")
    written = {file.name: file.read_text() for file in folder.iterdir()}
    assert written == {f"audit.kubernaut.ai_{kind.plural}.yaml": crd_yaml(kind) for kind in KINDS}


def test_config_as_json_masks_secrets() -> None:
    done = run("config", "--output", "json", AUDIT_DATABASE_URL=URL, AUDIT_HTTP_PORT="9")
    assert done.returncode == 0
    values = json.loads(done.stdout)
    assert values["AUDIT_DATABASE_URL"] == "********"
    assert (values["AUDIT_HTTP_PORT"], values["AUDIT_OPERATOR_ENABLED"]) == (9, True)
    assert PASSWORD not in done.stdout + done.stderr


def test_config_says_when_no_secret_is_there() -> None:
    assert json.loads(run("config", "--output", "json").stdout)["AUDIT_DATABASE_URL"] == ""


def test_config_as_table_masks_secrets_and_explains() -> None:
    done = run("config", AUDIT_DATABASE_URL=URL, AUDIT_WRITER_BATCH_ROWS="7")
    assert done.returncode == 0
    (row,) = (line for line in done.stdout.splitlines() if "AUDIT_WRITER_BATCH_ROWS" in line)
    assert row.split()[:6] == ["AUDIT_WRITER_BATCH_ROWS", "7", "200", "1", "to", "1000"]
    assert "Most rows in one INSERT" in row
    assert "********" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "variables", "named"),
    [
        pytest.param(
            ["config"], {"AUDIT_HTTP_PORT": "http"}, "AUDIT_HTTP_PORT: 'http'", id="variable"
        ),
        pytest.param(["operator", "--log-level", "loud"], {}, "AUDIT_LOG_LEVEL: 'loud'", id="flag"),
        pytest.param(
            ["migrate"],
            {"AUDIT_WRITER_LINGER_MS": "101"},
            "AUDIT_WRITER_LINGER_MS: '101'",
            id="also-one-of-another-group",
        ),
        pytest.param(
            ["operator", "--http-port", "0"],
            {"AUDIT_DATABASE_URL": f"mysql://writer:{PASSWORD}@db/audit"},
            "AUDIT_DATABASE_URL",
            id="database-url",
        ),
        pytest.param(
            ["migrate"],
            {"AUDIT_DATABASE_URL": f"postgresql://writer:{PASSWORD}@127.0.0.1:1/audit"},
            "PostgreSQL is not available: connection refused",
            id="database-that-is-not-there",
        ),
    ],
)
def test_what_is_wrong_is_one_paragraph_on_stderr(
    arguments: list[str], variables: dict[str, str], named: str
) -> None:
    done = run(*arguments, **variables)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    (paragraph,) = [p for p in done.stderr.strip().split("\n\n") if "workflow-audit: " in p]
    assert named in paragraph
    assert "Traceback" not in done.stderr
    assert PASSWORD not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["config", "--output", "yaml"], ["crds", "x"], ["verify", "--since", "soon"]],
)
def test_a_wrong_command_line_has_exit_code_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr


def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("crds", "--output", str(tmp_path / "file" / "folder"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(tmp_path) in done.stderr


def test_other_commands_do_not_load_what_only_the_operator_needs() -> None:
    code = (
        "import sys; from workflow_audit.cli.app import app; "
        "print([m for m in ('kopf', 'uvloop') if m in sys.modules])"
    )
    assert run("-c", code, command=(sys.executable,)).stdout == "[]\n"


def test_help_of_readers_commands_does_not_load_the_kubernetes_client() -> None:
    code = (
        "import sys; import workflow_audit.cli.events, workflow_audit.cli.explain;"
        " import workflow_audit.cli.stats; "
        "print([m for m in ('kubernetes', 'aiohttp', 'tenacity') if m in sys.modules])"
    )
    assert run("-c", code, command=(sys.executable,)).stdout == "[]\n"
