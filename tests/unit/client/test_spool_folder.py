"""The spool's folder is of its user alone, or is not used."""

import os
from pathlib import Path

import pytest

from workflow_audit.client.folder import private_file


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture(autouse=True)
def _a_careless_umask() -> object:
    before = os.umask(0)
    yield
    os.umask(before)


def test_folder_and_file_are_made_for_this_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "workflow-audit"
    file = private_file(folder, "spool.db")
    assert (mode(folder), mode(file)) == (0o700, 0o600)
    file.write_bytes(b"kept")
    assert private_file(folder, "spool.db").read_bytes() == b"kept"


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    file = private_file(folder, "spool.db")
    file.chmod(0o644)
    assert mode(private_file(folder, "spool.db")) == 0o600


@pytest.mark.parametrize("permissions", [0o755, 0o770, 0o701])
def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path, permissions: int) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=permissions)
    with pytest.raises(PermissionError, match="is not of this user alone; name a folder inside"):
        private_file(folder, "spool.db")
    assert list(folder.iterdir()) == []


def test_a_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(PermissionError, match="is not of this user alone"):
        private_file(folder, "spool.db")


def test_a_symbolic_link_is_no_folder(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(real)
    with pytest.raises(PermissionError, match="no symbolic link"):
        private_file(tmp_path / "link", "spool.db")


@pytest.mark.parametrize("kind", ["symbolic", "hard", "folder"])
def test_the_file_is_no_link_to_something_else(tmp_path: Path, kind: str) -> None:
    folder, target = tmp_path / "own", tmp_path / "target"
    folder.mkdir(mode=0o700)
    target.write_bytes(b"precious")
    target.chmod(0o644)
    file = folder / "spool.db"
    match kind:
        case "symbolic":
            file.symlink_to(target)
        case "hard":
            os.link(target, file)
        case _:
            file.mkdir()
    with pytest.raises(OSError, match=r"."):
        private_file(folder, "spool.db")
    assert (mode(target), target.read_bytes()) == (0o644, b"precious")
