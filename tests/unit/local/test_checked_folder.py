import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from workflow_audit.local.checked_folder import SUMS_FILE, checked_folder, damage, file_digest


class Maker:
    """Fills a folder with two programs, and counts how often."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, folder: Path) -> None:
        self.made += 1
        (folder / "bin").mkdir()
        (folder / "bin" / "one").write_text("1")
        (folder / "two").write_text("2")


@pytest.fixture
def said() -> list[str]:
    return []


def test_is_made_once_and_then_found(tmp_path: Path, said: list[str]) -> None:
    make = Maker()
    for _ in range(3):
        folder = checked_folder(tmp_path / "v1", make, said.append)
    assert make.made == 1
    assert (folder / "bin" / "one").read_text() == "1"
    assert not said


def test_checksums_are_those_of_sha256sum(tmp_path: Path, said: list[str]) -> None:
    folder = checked_folder(tmp_path / "v1", Maker(), said.append)
    digest = hashlib.sha256(b"1").hexdigest()
    assert f"{digest}  bin/one\n" in (folder / SUMS_FILE).read_text()
    assert file_digest(folder / "bin" / "one") == digest


DAMAGES: list[tuple[str, Callable[[Path], object], str]] = [
    ("changed file", lambda f: (f / "two").write_text("3"), "two does not have its checksum"),
    ("empty file", lambda f: (f / "two").write_text(""), "two does not have its checksum"),
    ("missing file", lambda f: (f / "two").unlink(), "two is missing"),
    ("no checksums", lambda f: (f / SUMS_FILE).unlink(), "SHA256SUMS is missing"),
    ("empty checksums", lambda f: (f / SUMS_FILE).write_text(""), "SHA256SUMS is empty"),
    ("cut checksums", lambda f: (f / SUMS_FILE).write_text("abc"), "SHA256SUMS is cut off"),
]


@pytest.mark.parametrize(
    ("harm", "finding"), [pytest.param(*case[1:], id=case[0]) for case in DAMAGES]
)
def test_damaged_folder_is_discarded_and_made_anew(
    tmp_path: Path, said: list[str], harm: Callable[[Path], object], finding: str
) -> None:
    make = Maker()
    folder = checked_folder(tmp_path / "v1", make, said.append)
    harm(folder)
    assert checked_folder(tmp_path / "v1", make, said.append) == folder
    assert make.made == 2
    assert damage(folder) is None
    assert len(said) == 1
    assert finding in said[0]


def test_interrupted_making_leaves_nothing(tmp_path: Path, said: list[str]) -> None:
    def interrupted(folder: Path) -> None:
        Maker()(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checked_folder(tmp_path / "v1", interrupted, said.append)
    assert [path.name for path in tmp_path.iterdir()] == ["v1.lock"]


def test_leftovers_of_a_killed_run_are_removed_and_not_trusted(
    tmp_path: Path, said: list[str]
) -> None:
    leftover = tmp_path / ".v1.abc"
    leftover.mkdir()
    (leftover / "two").write_text("half")
    checked_folder(tmp_path / "v1", Maker(), said.append)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v1", "v1.lock"]


def test_two_at_once_make_it_once(tmp_path: Path, said: list[str]) -> None:
    make = Maker()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: checked_folder(tmp_path / "v1", make, said.append), range(8)))
    assert make.made == 1
