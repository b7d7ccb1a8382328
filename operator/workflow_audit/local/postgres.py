"""One PostgreSQL server for demo, tests and development, as durable as a real one.

Durability is what Workflow Audit promises, so nothing that protects it is switched off: a COMMIT
waits for the disk, and pages have checksums. Everybody needs a password, also on this machine.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import psutil

from workflow_audit.errors import LocalError
from workflow_audit.local.folders import (
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    TRAVERSABLE_FOLDER,
    is_root,
    require_passage,
    write_private,
)
from workflow_audit.local.ports import HOST
from workflow_audit.local.postgres_programs import postgres_account
from workflow_audit.local.processes import Launch, log_tail
from workflow_audit.local.servers import Server, Servers
from workflow_audit.local.state import StateFile
from workflow_audit.local.waiting import wait_until

NAME = "postgres"
SUPERUSER = "postgres"
DATABASE = "audit"
PGPASS = "pgpass"

READY_SECONDS = 60.0
INITDB_SECONDS = 120.0
ORPHANS_SECONDS = 30.0

STATUS_LINE = 8
"""Line of postmaster.pid that says how far the server is; the first one is its process id."""

LONGEST_SOCKET_PATH = 100
"""Systems allow 104 to 108 bytes for the path of a socket."""

ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC"}
"""Nothing of ours: PG... variables would point it elsewhere."""

StopMode = Literal["fast", "immediate"]
STOP_SIGNALS: dict[StopMode, signal.Signals] = {
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}


class Postgres:
    """A PostgreSQL server with the database `audit`; `start` begins or repairs it."""

    def __init__(self, servers: Servers, state: StateFile, programs: Path, folder: Path) -> None:
        """Take the server of a folder, which may be new, stopped or running.

        Args:
            servers: starts and stops its process.
            state: knows the passwords; that of the superuser is in there.
            programs: folder of initdb, postgres and psql.
            folder: everything that it writes is in there; made if need be.

        Raises:
            LocalError: the user as whom it runs cannot reach the folder.
        """
        self.folder = folder
        self.psql = programs / "psql"
        self.log = folder / "postgres.log"
        self.pgpass = folder / PGPASS
        self._servers = servers
        self._state = state
        self._programs = programs
        self._account = postgres_account()
        folder.mkdir(exist_ok=True)
        self.log.touch(PRIVATE_FILE)
        folder.chmod(TRAVERSABLE_FOLDER if is_root() else PRIVATE_FOLDER)
        if self._account:
            require_passage(folder / "data", self._account.name)

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return self._servers.port(NAME)

    @property
    def pid(self) -> int | None:
        """Process id of the server; None when it does not run."""
        return self._servers.pids(NAME).get(NAME)

    @property
    def socket_folder(self) -> Path | None:
        """Where its socket is; None when the path would be too long for one."""
        folder = self.folder / "socket"
        return folder if len(str(folder)) <= LONGEST_SOCKET_PATH - len("/.s.PGSQL.00000") else None

    @property
    def superuser_url(self) -> str:
        """URL of the superuser, with password."""
        return self.url(SUPERUSER, self._state.password(SUPERUSER))

    def url(self, user: str, password: str, database: str = DATABASE) -> str:
        """Give a libpq URL; it holds the password, so it must not be logged."""
        return libpq_url(user, password, self.port, database)

    def start(self) -> None:
        """Start it, on its old port and data if it had any; returns when it accepts connections."""
        if not self._data.is_dir():
            self._initialise()
        if self.socket_folder:
            self._make_own(self.socket_folder)
        self._wait_for_orphans()
        self._servers.ensure(Server(NAME, self._launch, self._ready, READY_SECONDS, signal.SIGINT))
        self._write_pgpass()

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop it; `immediate` is a crash: nothing is flushed, the next start recovers."""
        self._servers.stop(NAME, by=STOP_SIGNALS[mode])

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop and start it: every connection is cut."""
        self.stop(mode)
        self.start()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _initialise(self) -> None:
        """Make the data folder, with the database in it, whole or not at all."""
        for leftover in self.folder.glob("initialising.*"):
            shutil.rmtree(leftover)
        scratch = Path(tempfile.mkdtemp(prefix="initialising.", dir=self.folder))
        self._make_own(scratch)
        password_file = scratch / "password"
        write_private(password_file, self._state.password(SUPERUSER) + "\n")
        self._own(password_file)
        data = scratch / "data"
        self._run(
            [
                "initdb",
                f"--pgdata={data}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--data-checksums",
                "--no-instructions",
            ]
        )
        # Before the first start, so that a data folder which is there always has its database.
        self._run(
            ["postgres", "--single", "-D", str(data), SUPERUSER], f"CREATE DATABASE {DATABASE}\n"
        )
        data.rename(self._data)
        shutil.rmtree(scratch)

    def _run(self, command: list[str], text: str = "") -> None:
        account = self._account
        with self.log.open("ab") as log:
            done = subprocess.run(  # noqa: S603 - a checked program, no shell
                [str(self._programs / command[0]), *command[1:]],
                input=text.encode(),
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=ENVIRONMENT,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                timeout=INITDB_SECONDS,
                check=False,
            )
        if done.returncode != 0:
            raise LocalError(
                f"{command[0]} ended with exit code {done.returncode}; the end of {self.log}:\n"
                f"{log_tail(self.log)}"
            )

    def _launch(self, port: int) -> Launch:
        settings = server_settings(port, self.socket_folder)
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [self._programs / "postgres", "-D", self._data, *flags]
        return Launch(NAME, command, self.folder, self.log, ENVIRONMENT, self._account)

    def _ready(self, _port: int) -> bool:
        # Its own word, not an answer from the port: there another server could answer.
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= STATUS_LINE and (
            (lines[0], lines[STATUS_LINE - 1].strip()) == (str(self.pid), "ready")
        )

    def _wait_for_orphans(self) -> None:
        """Wait for the sessions of a server that was killed: until they end, none can start."""
        if self.pid is None and (self._data / "postmaster.pid").is_file():
            wait_until(
                lambda: not _working_in(self._data),
                ORPHANS_SECONDS,
                f"the sessions of the killed server in {self._data} have ended",
            )

    def _write_pgpass(self) -> None:
        lines = [
            f"{host}:{self.port}:*:{role}:{password}\n"
            for role, password in sorted(self._state.passwords.items())
            for host in (HOST, "localhost", self.socket_folder or "")
            if host
        ]
        write_private(self.pgpass, "".join(lines))

    def _make_own(self, folder: Path) -> None:
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        self._own(folder)

    def _own(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)


def libpq_url(user: str, password: str, port: int, database: str = DATABASE) -> str:
    """Give a URL for libpq; what has a meaning in URLs is escaped."""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return f"postgresql://{login}@{HOST}:{port}/{quote(database, safe='')}"


def server_settings(port: int, socket_folder: Path | None) -> dict[str, str]:
    """Give the settings of the server; none of them is a secret, they are seen in `ps`."""
    return {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": str(socket_folder or ""),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "max_connections": "100",
        "shared_buffers": "128MB",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %u@%d ",
        # A failing statement is not repeated in the log: it may set a password or hold an event.
        "log_min_error_statement": "panic",
        "jit": "off",
    }


def _working_in(folder: Path) -> bool:
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == folder:
                return True
        except psutil.Error:
            continue  # another user's, or it has just ended
    return False
