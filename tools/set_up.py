"""Make the virtual environment .venv from the lock, or leave it as it is when it is up to date.

Standard library only: this is what runs first on a fresh machine. Safe to run twice at once, and
after an interruption: the stamp is written last, and an environment without it is made anew.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
LOCK = ROOT / "locks" / "development.txt"
STAMP = VENV / "complete"
OLDEST_PYTHON = (3, 11)
FROM_LOCK = ("--require-hashes", "--no-deps", "--requirement")
"""A lock is complete. A resolver would only look for newer versions of what is asked for with an
extra (`coverage[toml]`), and then refuse them: such an install breaks with a library's release."""


def main() -> None:
    """Bring .venv up to date."""
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"Python 3.11 or later is needed, this is {found}; try: make PYTHON=python3.11")
    with (ROOT / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not STAMP.exists() or STAMP.read_text() != wanted():
            make()


def wanted() -> str:
    """Give what an up-to-date environment is made of."""
    digest = hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes())
    return f"{sys.version}\n{ROOT}\n{digest.hexdigest()}\n"


def make() -> None:
    """Make the environment anew."""
    print("installing the locked dependencies into .venv (about a minute)", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    venv.create(VENV, with_pip=True)
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    environment = {**os.environ, "PIP_NO_INPUT": "1"}
    for arguments in (
        ["--quiet", *FROM_LOCK, str(LOCK)],
        ["--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)],
    ):
        done = subprocess.run([*pip, *arguments], env=environment, check=False)
        if done.returncode != 0:
            sys.exit("the dependencies could not be installed; pip said why above")
    STAMP.write_text(wanted())


if __name__ == "__main__":
    main()
