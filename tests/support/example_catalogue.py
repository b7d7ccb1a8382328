"""The example catalogue as a process, as its README says to start it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = Path(__file__).parents[2] / "examples/catalogue/server.py"
STOP_SECONDS = 30.0


@contextmanager
def example_catalogue(*arguments: str) -> Iterator[str]:
    """Run it on a free port for as long as the block takes; gives its URL."""
    process = subprocess.Popen(
        [sys.executable, str(SERVER), "--port=0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout
        said = process.stdout.readline()
        assert "http" in said, f"the catalogue does not start: {said!r}"
        yield said.split()[-1]
    finally:
        process.terminate()
        process.communicate(timeout=STOP_SECONDS)
