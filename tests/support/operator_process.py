"""The operator as its users run it: a process with the shipped rights, and nothing else."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import psutil
from prometheus_client.parser import text_string_to_metric_families

from support.environment import account_kubeconfig
from support.eventually import eventually
from workflow_audit.cli.prepare import operator_environment
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.processes import FOLDER_VARIABLE

READY_SECONDS = 90.0
EXIT_SECONDS = 60.0
PROBE_SECONDS = 15.0
SERVING = "serving /metrics, /healthz, /readyz"


class OperatorProcess:
    """One operator; started by `start`, killed at the latest when the block ends."""

    def __init__(
        self,
        environment: LocalEnvironment,
        log: Path,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Describe an operator.

        Args:
            environment: where it works.
            log: file that takes what it prints; each operator has its own.
            settings: variables that differ from the shipped defaults.
        """
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AUDIT_", "PG"))}
        # The folder's name lets the guardian of the environment end it, should we be killed.
        guarded = {FOLDER_VARIABLE: str(environment.folder)}
        account = account_kubeconfig(environment, "workflow-audit-operator")
        ours = operator_environment(environment) | {
            "KUBECONFIG": str(account),
            "AUDIT_HTTP_HOST": "127.0.0.1",
        }
        self._variables = inherited | guarded | ours | dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.log_file = log

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process and self._process.poll() is None:
            self.kill()

    def start(self) -> Self:
        """Start it; it need not become ready."""
        command = [sys.executable, "-m", "workflow_audit", "operator", "--http-port", "0"]
        with self.log_file.open("xb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._variables
            )
        return self

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._started.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._started.poll() is None

    @property
    def log(self) -> str:
        """All that it printed."""
        return self.log_file.read_text(encoding="utf-8")

    def logged(self) -> list[dict[str, Any]]:
        """Give its log lines; each must be JSON."""
        lines = self.log.split("\n")
        return [json.loads(line) for line in lines[:-1]]  # the last one may be half written

    @property
    def port(self) -> int:
        """Where it serves probes and metrics."""
        lines = eventually(
            lambda: [line["port"] for line in self.logged() if line["message"] == SERVING],
            within_seconds=READY_SECONDS,
        )
        return int(lines[0])

    def wait_ready(self) -> Self:
        """Wait until it records searches."""

        def ready() -> bool:
            assert self.running, f"it ended with {self._started.returncode}: {self.log[-3000:]}"
            return self.ready()

        eventually(ready, within_seconds=READY_SECONDS)
        return self

    def probe(self, path: str) -> tuple[int, str]:
        """Ask one of its HTTP paths."""
        # Not urllib: it would ask a proxy that the environment names.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ready(self) -> bool:
        """Tell whether it says so itself."""
        return self.probe("/readyz")[0] == 200

    def metrics(self) -> dict[str, float]:
        """Give its metrics by name, labels included: `name{label="value"}`."""
        families = text_string_to_metric_families(self.probe("/metrics")[1])
        return {
            _with_labels(sample.name, sample.labels): sample.value
            for family in families
            for sample in family.samples
        }

    def events(self, status: str) -> int:
        """Give how many searches it finished as recorded, replayed or skipped."""
        return int(self.metrics()[f'workflow_audit_events_total{{status="{status}"}}'])

    def rss_bytes(self) -> int:
        """Give its resident memory."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._started.send_signal(signal.SIGKILL)
        self._started.wait(EXIT_SECONDS)

    def send_sigterm(self) -> None:
        """Ask it to end."""
        self._started.send_signal(signal.SIGTERM)

    def terminate(self, within_seconds: float = EXIT_SECONDS) -> int:
        """Ask it to end, and give its exit code."""
        self.send_sigterm()
        return self.wait(within_seconds)

    def wait(self, within_seconds: float = EXIT_SECONDS) -> int:
        """Wait for its end, and give its exit code."""
        return self._started.wait(within_seconds)

    @property
    def _started(self) -> subprocess.Popen[bytes]:
        assert self._process, "it was not started"
        return self._process


def _with_labels(name: str, labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{inner}}}" if inner else name


StartOperator = Callable[..., OperatorProcess]
"""Takes settings as keywords, `AUDIT_OPERATOR_PATIENCE_SECONDS="1"`; gives a started operator."""
