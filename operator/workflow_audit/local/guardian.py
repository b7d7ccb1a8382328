"""Cleans up after an owner that died: `python -m workflow_audit.local.guardian FOLDER`.

The guardian is a process of its own that reads a pipe to which nobody writes. The pipe ends when
its owner closes it, or when the owner dies, however it dies. Then the guardian stops what was
started for the folder and removes the folder. It is the only one who does, so that the way which
a killed run depends on is the one that every run takes.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import workflow_audit
from workflow_audit.errors import LocalError
from workflow_audit.local.folders import KEEP_LOGS_VARIABLE, write_private
from workflow_audit.local.processes import ProcessId, marked_processes, stop_processes
from workflow_audit.local.state import Component, StateFile

GUARDIAN_FILE = "guardian.json"

GRACE_SECONDS = 2.0
"""Nobody needs the data any more: then whatever still runs is killed."""

RELEASE_SECONDS = 120.0


class Guardian:
    """The owner's end."""

    def __init__(self, folder: Path) -> None:
        """Start the guardian of a folder."""
        self._folder = folder
        root = Path(workflow_audit.__file__).parents[1]
        path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
        self._popen = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "workflow_audit.local.guardian", str(folder)],
            stdin=subprocess.PIPE,
            cwd="/",
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C in the terminal is not for it
        )
        identity = asdict(ProcessId.of(self._popen.pid))
        write_private(folder / GUARDIAN_FILE, json.dumps(identity))

    def release(self) -> None:
        """Let it clean up; returns when nothing is left.

        Raises:
            LocalError: something is.
        """
        assert self._popen.stdin is not None  # noqa: S101 - a pipe, see above
        self._popen.stdin.close()
        try:
            code = self._popen.wait(RELEASE_SECONDS)
        except subprocess.TimeoutExpired:
            raise LocalError(
                f"{self._folder} is still being cleaned up by process {self._popen.pid} after "
                f"{RELEASE_SECONDS:g} s"
            ) from None
        if code != 0:
            raise LocalError(f"{self._folder} could not be cleaned up; the lines above say why")


def is_guarded(folder: Path) -> bool:
    """Whether somebody still looks after a temporary folder."""
    try:
        identity = json.loads((folder / GUARDIAN_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    return ProcessId(**identity).alive


def clean_up(folder: Path) -> None:
    """Stop everything that was started for a folder and remove it; done already is fine."""
    if not folder.is_dir():
        return
    stop_all(folder)
    keep_logs(folder)
    remove_folder(folder)


def stop_all(folder: Path) -> None:
    """Stop what is written down, and what was started but not yet written down."""
    asked = {item.id.pid: item.stop for item in _recorded(folder)}
    for identity in marked_processes(folder):
        asked.setdefault(identity.pid, (identity, signal.SIGTERM))
    stop_processes(asked.values(), GRACE_SECONDS)


def _recorded(folder: Path) -> list[Component]:
    try:
        return list(StateFile(folder).components.values())
    except LocalError:
        return []  # damaged: what is marked is found all the same


def keep_logs(folder: Path) -> None:
    """Copy the logs to where the user wants them, if at all."""
    wanted = os.environ.get(KEEP_LOGS_VARIABLE)
    if not wanted:
        return
    target = Path(wanted).absolute() / folder.name
    for log in folder.rglob("*.log"):
        copy = target / log.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(log, copy)


def remove_folder(folder: Path) -> None:
    """Remove a folder, also while somebody else removes it too."""
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            continue


def main(folder: Path) -> None:
    """Wait for the owner's end, then clean up."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    clean_up(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
