"""The same sources give the same wheel, wherever and whenever it is built."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("LICENSE", "README.md", "pyproject.toml", "crds", "examples", "manifests", "operator")
"""What the Dockerfile builds the wheel from."""

EPOCH = "1764201600"

pytestmark = pytest.mark.slow


def sources(folder: Path, *, changed_at: int, mode: int) -> Path:
    """Copy the sources, with another time and other rights of each file."""
    folder.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(mode)
        os.utime(path, (changed_at, changed_at))
    return folder


def wheel(source: Path, output: Path, epoch: str) -> Path:
    """Build the wheel as the Dockerfile does."""
    command = [sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps", "--no-build-isolation"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch}
    subprocess.run(
        [*command, "--wheel-dir", str(output), "."],
        cwd=source,
        env=environment,
        check=True,
        timeout=120,
    )
    (built,) = output.glob("*.whl")
    return built


def test_a_wheel_is_the_same_bytes_wherever_and_whenever_it_is_built(tmp_path: Path) -> None:
    early = sources(tmp_path / "early", changed_at=1_600_000_000, mode=0o644)
    late = sources(tmp_path / "much-later", changed_at=1_750_000_000, mode=0o664)
    first = wheel(early, tmp_path / "one", EPOCH)
    assert first.read_bytes() == wheel(late, tmp_path / "two", EPOCH).read_bytes()
    # So that we know that the time would be seen: another one gives another wheel.
    assert first.read_bytes() != wheel(late, tmp_path / "three", "1600000000").read_bytes()
