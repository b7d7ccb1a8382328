from pathlib import Path

import pytest

from e2e_kind import answering_engine, main


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give the only folder in the PATH; nothing is in it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(folder: Path, name: str, exit_code: int) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\nexit {exit_code}\n")
    path.chmod(0o755)
    return str(path)


def test_an_engine_counts_when_it_answers_and_not_when_it_is_installed(programs: Path) -> None:
    program(programs, "docker", 1)
    answering = program(programs, "podman", 0)
    assert answering_engine(("docker", "podman", "nerdctl")) == answering


@pytest.mark.parametrize("installed", [False, True], ids=["none", "one-that-is-silent"])
def test_without_an_engine_it_says_so_and_is_content(
    programs: Path, capsys: pytest.CaptureFixture[str], *, installed: bool
) -> None:
    if installed:
        program(programs, "docker", 1)
    assert main() == 0
    assert capsys.readouterr().out == (
        "skipped: no container engine answers here (docker, podman, nerdctl), and kind needs one\n"
    )
