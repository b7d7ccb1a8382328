"""Folders that are made once, by one process at a time, and checked at every use.

What is half made lives under another name, so that a folder that is there is whole; what is
there is trusted only after its checksums were compared.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from workflow_audit.errors import LocalError
from workflow_audit.local.folders import PUBLIC_FOLDER

SUMS_FILE = "SHA256SUMS"
"""In the format of sha256sum, so that `sha256sum -c SHA256SUMS` checks it by hand."""

Say = Callable[[str], None]


@contextmanager
def exclusive_lock(path: Path, say: Say) -> Iterator[None]:
    """Hold a lock between processes; the system frees it when its holder dies."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another run holds {path}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def checked_folder(target: Path, make: Callable[[Path], None], say: Say) -> Path:
    """Give the folder, made now unless it is there and whole.

    Args:
        target: where it is to be; its parent exists.
        make: fills an empty folder; whatever it raises leaves nothing behind.
        say: shows a line to the user.
    """
    with exclusive_lock(target.parent / f"{target.name}.lock", say):
        _remove_leftovers(target)
        if not is_whole(target, say):
            _make(target, make)
    return target


def is_whole(target: Path, say: Say) -> bool:
    """Check a folder; one that is damaged is discarded, and the user is told why."""
    if not target.is_dir():
        return False
    problem = damage(target)
    if problem is None:
        return True
    say(f"{target} is damaged ({problem}); it is discarded and made again")
    shutil.rmtree(target)
    return False


def damage(folder: Path) -> str | None:
    """Give what is wrong with a folder's contents, or nothing."""
    sums = folder / SUMS_FILE
    if not sums.is_file():
        return f"{SUMS_FILE} is missing"
    expected: dict[str, str] = {}
    for line in sums.read_text(encoding="utf-8").splitlines():
        digest, separator, name = line.partition("  ")
        if not separator:
            return f"{SUMS_FILE} is cut off"
        expected[name] = digest
    if not expected:
        return f"{SUMS_FILE} is empty"
    present = _files(folder)
    if missing := sorted(set(expected) - set(present)):
        return f"{missing[0]} is missing"
    actual = _digests(folder, list(expected))
    changed = sorted(name for name, digest in expected.items() if actual[name] != digest)
    return f"{changed[0]} does not have its checksum" if changed else None


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Give a file's checksum in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _make(target: Path, make: Callable[[Path], None]) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        make(temporary)
        digests = _digests(temporary, _files(temporary))
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
        (temporary / SUMS_FILE).write_text(lines, encoding="utf-8")
        temporary.chmod(PUBLIC_FOLDER)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _remove_leftovers(target: Path) -> None:
    # Whoever made them is dead: only the holder of the lock makes any.
    for leftover in target.parent.glob(f".{target.name}.*"):
        shutil.rmtree(leftover)


def _files(folder: Path) -> list[str]:
    return [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != SUMS_FILE
    ]


def _digests(folder: Path, names: list[str]) -> dict[str, str]:
    try:
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            return dict(zip(names, pool.map(lambda n: file_digest(folder / n), names), strict=True))
    except OSError as error:
        raise LocalError(f"{folder}: cannot be read ({error}); check its permissions") from error
