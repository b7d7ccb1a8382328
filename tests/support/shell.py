"""A shell that keeps what is typed into it: variables, the folder, files."""

import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_END = "--end of the command--"
_SAY_END = rf"printf '\n%s %d\n' '{_END}'"
_END_LINE = re.compile(rf"^{_END} (\d+)\n\Z".encode(), re.MULTILINE)


@dataclass(frozen=True)
class Done:
    """What became of a command."""

    code: int
    printed: str
    """On stdout and stderr, in the order of a terminal."""


class Shell:
    """Bash, in which one command is typed after the other."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start it in a folder, with these variables and no others."""
        self._bash = subprocess.Popen(
            ["/bin/bash", "--norc", "--noprofile"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it, and what runs in its background."""
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.wait()
        for stream in (self._bash.stdin, self._bash.stdout):
            if stream:
                stream.close()

    def run(self, command: str, seconds: float = 60) -> Done:
        """Type a command and wait for its end.

        Raises:
            TimeoutError: it does not end; with what it printed so far.
        """
        return self._typed(f"{{\n{command}\n}} </dev/null; {_SAY_END} $?", seconds)

    def script(self, text: str, seconds: float = 60) -> Done:
        """Type the lines of a script; the code is 1 if any command of it fails."""
        guarded = f"failed=0; trap 'failed=1' ERR\n{{\n{text}\n}} </dev/null\ntrap - ERR"
        return self._typed(f"{guarded}; {_SAY_END} $failed", seconds)

    def _typed(self, text: str, seconds: float) -> Done:
        if self._bash.stdin is None or self._bash.stdout is None:
            raise AssertionError("both are pipes")
        self._bash.stdin.write(f"{text}\n".encode())
        self._bash.stdin.flush()
        printed = b""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._bash.stdout, selectors.EVENT_READ)
            while not (end := _END_LINE.search(printed)):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError(f"no end after {seconds} s: {text}\n{printed.decode()}")
                read = os.read(self._bash.stdout.fileno(), 65536)
                if not read:
                    raise AssertionError(f"the shell has ended: {text}\n{printed.decode()}")
                printed += read
        return Done(int(end[1]), printed[: end.start()].decode().rstrip("\n"))
