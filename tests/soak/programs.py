"""Operators and servers of readers as processes that die and come back, with their memory."""

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

from soak.timeline import Timeline
from support.eventually import eventually
from workflow_audit.cli.local_apiserver import apiserver_environment, serving_of
from workflow_audit.cli.prepare import operator_environment
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.ports import HOST, free_port
from workflow_audit.local.processes import FOLDER_VARIABLE

READY_SECONDS = 120.0
EXIT_SECONDS = 60.0
PROBE_SECONDS = 5.0
OPERATOR, APISERVER = "operator", "apiserver"


@dataclass
class Life:
    """One process, from its start to its end; times are the timeline's."""

    began: float
    memory: list[tuple[float, int]] = field(default_factory=list)
    """Resident bytes, by time."""


class Program:
    """A program that is started again under the same name."""

    def __init__(
        self,
        name: str,
        environment: LocalEnvironment,
        variables: Mapping[str, str],
        arguments: list[str],
        timeline: Timeline,
    ) -> None:
        self.name = name
        self.busy = threading.Lock()
        """Held by whoever ends or starts it."""
        self.lives: list[Life] = []
        self.failures: list[str] = []
        self._timeline = timeline
        self._probe_port = free_port()
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AUDIT_", "PG"))}
        guarded = {FOLDER_VARIABLE: str(environment.folder)}
        probes = {"AUDIT_HTTP_HOST": HOST, "AUDIT_HTTP_PORT": str(self._probe_port)}
        self._variables = {**inherited, **guarded, **variables, **probes}
        self._command = [sys.executable, "-m", "workflow_audit", *arguments]
        self.log = environment.folder / f"soak-{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it need not become ready."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._variables
            )
        self.lives.append(Life(self._timeline.now))

    def end(self, by: signal.Signals) -> None:
        """End it, in order (SIGTERM) or at once, and judge how it went."""
        if self._process is None:
            return
        if (code := self._process.poll()) is not None:
            self.failures.append(f"{self.name} ended by itself with exit code {code}")
            return
        self._process.send_signal(by)
        try:
            code = self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.failures.append(f"{self.name} did not end within {EXIT_SECONDS:g} s of {by.name}")
            self._process.kill()
            self._process.wait()
            return
        if code != (0 if by is signal.SIGTERM else -by):
            self.failures.append(f"{self.name} ended with exit code {code} after {by.name}")

    def kill(self) -> None:
        """End it if it runs; nothing is judged any more."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def wait_ready(self) -> None:
        """Wait until it does its work."""
        eventually(self.ready, within_seconds=READY_SECONDS)

    def ready(self) -> bool:
        """Tell whether it says so itself."""
        connection = http.client.HTTPConnection(HOST, self._probe_port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def look(self) -> None:
        """Note its memory, if it runs."""
        process = self._process
        if process is None or process.poll() is not None or not self.lives:
            return
        try:
            resident = psutil.Process(process.pid).memory_info().rss
        except psutil.NoSuchProcess:
            return  # it ended between the two
        self.lives[-1].memory.append((self._timeline.now, resident))


def operators(
    environment: LocalEnvironment, timeline: Timeline, count: int, settings: Mapping[str, str]
) -> list[Program]:
    """Give operators that are not started yet."""
    variables = {**operator_environment(environment), **settings}
    return [
        Program(f"{OPERATOR}-{number}", environment, variables, [OPERATOR], timeline)
        for number in range(count)
    ]


def apiservers(environment: LocalEnvironment, timeline: Timeline, count: int) -> dict[int, Program]:
    """Give servers of readers that are not started yet, by their ports."""
    variables = apiserver_environment(environment, serving_of(environment))
    ports: list[int] = []
    for _ in range(count):
        ports.append(free_port(but_not=ports))
    return {
        port: Program(
            f"{APISERVER}-{number}",
            environment,
            variables,
            [APISERVER, "--port", str(port)],
            timeline,
        )
        for number, port in enumerate(ports)
    }


class MemoryLooks:
    """Looks at the memory of programs every other second."""

    EVERY_SECONDS = 2.0

    def __init__(self, programs: list[Program]) -> None:
        self._programs = programs

    def run(self, stopping: threading.Event) -> None:
        """Look until told to stop."""
        while not stopping.wait(self.EVERY_SECONDS):
            for program in self._programs:
                program.look()
