"""Child processes: started with a log file, recognised by pid and creation time, stopped.

A pid alone means nothing: after its process has ended the system gives it to another one.
Every child leads its own session, so that Ctrl-C in the terminal does not reach it (its owner
stops it in order) and so that it can be stopped together with its own children.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from workflow_audit.errors import LocalError
from workflow_audit.local.folders import PRIVATE_FILE
from workflow_audit.local.waiting import holds_within

FOLDER_VARIABLE = "WORKFLOW_AUDIT_FOLDER"
"""Set in every child's environment to the folder it belongs to: by it the guardian finds a child
whose owner was killed after starting it and before writing down its pid."""

SAME_CREATION_SECONDS = 1.0
"""Clock steps shift what the system says of a process's creation; pids come back much later."""

LOG_LINES = 20
"""How much of a log an error repeats."""

GRACE_SECONDS = 10.0
"""How long a process may take to stop before it is killed."""


@dataclass(frozen=True)
class ProcessId:
    """One process, also after its pid was given to another one."""

    pid: int
    created: float
    """Seconds since 1970, as psutil gives it."""

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """Identify a running process; psutil.NoSuchProcess when there is none."""
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """Give the process if it still runs; one that only waits to be reaped does not."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) <= SAME_CREATION_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    @property
    def alive(self) -> bool:
        """Whether this very process runs."""
        return self.process() is not None

    def send(self, number: signal.Signals) -> None:
        """Signal the process and its children, unless it has ended already."""
        process = self.process()
        if process is None:
            return
        try:
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, number)
            else:
                process.send_signal(number)
        except (ProcessLookupError, psutil.NoSuchProcess):
            return  # it ended between the look and the signal: what was asked for


@dataclass(frozen=True)
class Account:
    """A user as whom a child runs."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Launch:
    """All that is needed to start a program."""

    name: str
    """As it appears in messages and in the state file."""
    command: Sequence[str | Path]
    folder: Path
    """Its working directory."""
    log: Path
    environment: Mapping[str, str]
    account: Account | None = None
    """None: our own."""


class Child:
    """A process that we started."""

    def __init__(self, launch: Launch, owner_folder: Path) -> None:
        """Start it; its output is appended to the log.

        Args:
            launch: what to start.
            owner_folder: folder of the environment that it belongs to.

        Raises:
            LocalError: the program cannot be started.
        """
        self.launch = launch
        self._begin = launch.log.stat().st_size if launch.log.exists() else 0
        account = launch.account
        launch.log.touch(PRIVATE_FILE)
        try:
            with launch.log.open("ab") as log:
                self._popen = subprocess.Popen(  # noqa: S603 - a checked binary, no shell
                    [str(part) for part in launch.command],
                    cwd=launch.folder,
                    env={**launch.environment, FOLDER_VARIABLE: str(owner_folder)},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    user=account.uid if account else None,
                    group=account.gid if account else None,
                    extra_groups=[] if account else None,
                )
        except OSError as error:
            raise LocalError(f"{launch.name} cannot be started: {error}") from error
        # Not reaped before we ask, so that the pid is still its own.
        self.id = ProcessId.of(self._popen.pid)

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._popen.poll()

    def new_log(self) -> str:
        """Give the last lines that it has written since its start."""
        return log_tail(self.launch.log, since=self._begin)

    def reap(self) -> None:
        """Take note of its end, so that the system forgets it."""
        self._popen.wait()

    def wait_ready(self, ready: Callable[[], bool], within_seconds: float) -> None:
        """Wait until the program does its work.

        Raises:
            LocalError: it has ended, or is not ready in time; with the end of its log.
        """
        outcome = holds_within(lambda: self.exit_code is not None or ready(), within_seconds)
        if self.exit_code is not None:
            raise LocalError(self._failure(f"has ended with exit code {self.exit_code}"))
        if not outcome:
            raise LocalError(self._failure(f"is not ready after {within_seconds:g} s"))

    def _failure(self, what: str) -> str:
        log = self.launch.log
        return f"{self.launch.name} {what}; the end of {log}:\n{self.new_log()}"


def log_tail(log: Path, lines: int = LOG_LINES, since: int = 0) -> str:
    """Give the last lines of a log, indented for a message.

    Args:
        log: need not exist.
        lines: how many at most.
        since: position in bytes; what was written earlier is not looked at.
    """
    if not log.is_file():
        return "  (no log)"
    with log.open("rb") as file:
        file.seek(since)
        text = file.read().decode("utf-8", errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in text[-lines:]) or "  (empty)"


def stop_processes(
    processes: Iterable[tuple[ProcessId, signal.Signals]], grace_seconds: float = GRACE_SECONDS
) -> None:
    """Stop processes, whoever started them; returns when all are gone.

    Args:
        processes: each with the signal by which it stops in order.
        grace_seconds: after that those that still run are killed.

    Raises:
        LocalError: one survives even that.
    """
    asked = list(processes)
    for identity, number in asked:
        identity.send(number)
    if holds_within(lambda: not any(identity.alive for identity, _ in asked), grace_seconds):
        return
    for identity, _ in asked:
        identity.send(signal.SIGKILL)
    if not holds_within(lambda: not any(identity.alive for identity, _ in asked), grace_seconds):
        left = ", ".join(str(identity.pid) for identity, _ in asked if identity.alive)
        raise LocalError(f"process {left} cannot be stopped; see `ps -p {left}`")


def marked_processes(folder: Path) -> list[ProcessId]:
    """Give all running processes that were started for a folder, recorded or not."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(FOLDER_VARIABLE) == str(folder):
                found.append(ProcessId(process.pid, process.create_time()))
        except psutil.Error:
            continue  # another user's, or it has just ended: not one of ours
    return found
