import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from workflow_audit.cli.local import app
from workflow_audit.local.folders import STATE_VARIABLE

RUNNER = CliRunner()


@pytest.mark.parametrize("command", ["up", "env", "status", "down"])
def test_help_has_an_example_and_the_exit_codes(command: str) -> None:
    text = RUNNER.invoke(app, [command, "--help"]).output
    assert "Example:\n" in text
    assert "Exit codes:\n" in text
    assert re.search(r"^ +0  \w", text, re.MULTILINE)


def test_nothing_runs_before_the_first_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(STATE_VARIABLE, f"{tmp_path}/state")
    assert RUNNER.invoke(app, ["status"]).exit_code == 3
    down = RUNNER.invoke(app, ["down", "--purge"])
    assert down.exit_code == 0
    assert "nothing was running" in down.output


def test_folder_of_somebody_else_is_not_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    (tmp_path / "photo").write_text("dear")
    result = RUNNER.invoke(app, ["down", "--purge"])
    assert "not removed" in str(result.exception)
    assert (tmp_path / "photo").read_text() == "dear"
