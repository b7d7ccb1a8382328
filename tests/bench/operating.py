"""The operator as a process under exactly its shipped rights, with the times of its start."""

import asyncio
import http.client
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import accounting
from workflow_audit.cli.prepare import operator_environment
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.ports import HOST
from workflow_audit.local.processes import Launch
from workflow_audit.local.servers import Server
from workflow_audit.local.waiting import wait_until

NAME = "operator"
READY_SECONDS = 120.0
LOOK_SECONDS = 1.0
LOOK_EVERY_SECONDS = 0.02
PROBE_SECONDS = 5.0
OK = 200

PROFILE_VARIABLE = "BENCH_PROFILE"
PROFILE_BEGINS = signal.SIGUSR1
PROFILE_ENDS = signal.SIGUSR2
PROFILE_SECONDS = 30.0
TESTS = Path(__file__).parents[1]


@dataclass
class Operator:
    """One operator process; times are `time.monotonic()`."""

    environment: LocalEnvironment
    has_backlog: bool = False
    """Then its start does not wait for readiness, which comes when the backlog is listed; and that
    is read no faster than it is recorded."""

    profile: Path | None = None
    """Where the profile goes; then it runs under cProfile and is slower."""

    started: float = 0.0
    ready: float = 0.0
    cpu_at_start: dict[str, float] = field(default_factory=dict)
    """CPU seconds of all others when it was started."""

    _profiling: bool = False
    cpu_at_ready: float = 0.0
    """Its own CPU seconds when it was ready."""

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.environment.components[NAME].id.pid

    @property
    def pids(self) -> dict[str, int]:
        """Its process and all others that matter, by name."""
        return {accounting.OPERATOR: self.pid, **accounting.server_pids(self.environment)}

    def start(self) -> None:
        """Start it, and return when it is ready; with a backlog, when it answers."""

        def launch(port: int) -> Launch:
            described = self._launch(port)
            self.cpu_at_start = accounting.cpu_seconds(accounting.server_pids(self.environment))
            self.started = time.monotonic()
            return described

        self.environment.start_server(Server(NAME, launch, self._looks_ready, READY_SECONDS))

    def metric(self, name: str) -> float:
        """Read one of its metrics that has no labels."""
        port = int(self.environment.components[NAME].address.rpartition(":")[2])
        _, text = _answer(port, "/metrics")
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        if found is None:
            raise ValueError(f"the operator has no metric {name}")
        return float(found[1])

    def end_profile(self) -> None:
        """Have the profile written, if there is one."""
        if self.profile:
            os.kill(self.pid, PROFILE_ENDS)
            wait_until(self.profile.exists, PROFILE_SECONDS, "the profile is written")

    def stop(self) -> None:
        """Stop it in order."""
        self.environment.stop_server(NAME)

    def _launch(self, port: int) -> Launch:
        home = self.environment.folder / NAME
        home.mkdir(mode=0o700, exist_ok=True)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AUDIT_", "PG"))}
        ours = {**operator_environment(self.environment), "AUDIT_HTTP_HOST": HOST}
        module = "workflow_audit"
        if self.profile:
            module = "bench.profiled_operator"
            ours |= {PROFILE_VARIABLE: str(self.profile), "PYTHONPATH": str(TESTS)}
        return Launch(
            name=NAME,
            command=[sys.executable, "-m", module, "operator", "--http-port", str(port)],
            folder=home,
            log=home / "log",
            environment={**inherited, **ours},
        )

    def _looks_ready(self, port: int) -> bool:
        """Look closely for a while: who starts servers looks only every 100 ms."""
        end = time.monotonic() + LOOK_SECONDS
        while time.monotonic() < end:
            status = _status(port)
            if status is not None and self.profile and not self._profiling:
                os.kill(self.pid, PROFILE_BEGINS)  # all is imported, nothing is listed yet
                self._profiling = True
            if status == OK:
                self.ready = time.monotonic()
                own = {accounting.OPERATOR: self.pid}
                self.cpu_at_ready = accounting.cpu_seconds(own)[accounting.OPERATOR]
            if status == OK or (status is not None and self.has_backlog):
                return True
            time.sleep(LOOK_EVERY_SECONDS)
        return False


@asynccontextmanager
async def running_operator(
    environment: LocalEnvironment, *, has_backlog: bool = False, profile: Path | None = None
) -> AsyncIterator[Operator]:
    """Run an operator for as long as the block takes; the event loop goes on while it starts.

    The block begins when it is ready; with a backlog as soon as it answers at all.
    """
    operator = Operator(environment, has_backlog=has_backlog, profile=profile)
    try:
        await asyncio.to_thread(operator.start)
        yield operator
    finally:
        await asyncio.to_thread(operator.stop)


def _status(port: int) -> int | None:
    """Give what /readyz answers; None when nobody listens."""
    try:
        return _answer(port, "/readyz")[0]
    except (OSError, http.client.HTTPException):
        return None


def _answer(port: int, path: str) -> tuple[int, str]:
    # Not urllib: it would ask a proxy that the environment names.
    connection = http.client.HTTPConnection(HOST, port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
