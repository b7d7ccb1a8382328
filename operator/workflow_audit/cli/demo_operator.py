"""An operator as a process of a local environment, under exactly its shipped rights."""

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from workflow_audit.cli.prepare import operator_environment
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.ports import HOST
from workflow_audit.local.processes import Launch
from workflow_audit.local.servers import Server

NAME = "operator"
READY_SECONDS = 60.0
PROBE_SECONDS = 5.0


@contextmanager
def running_operator(environment: LocalEnvironment) -> Iterator[None]:
    """Run the operator for as long as the block takes.

    Raises:
        LocalError: it does not become ready; with the end of its log.
    """
    start_operator(environment)
    try:
        yield
    finally:
        environment.stop_server(NAME)


def start_operator(environment: LocalEnvironment) -> None:
    """Start it, and leave it to the environment.

    Raises:
        LocalError: it does not become ready; with the end of its log.
    """
    environment.start_server(_operator(environment))


def _operator(environment: LocalEnvironment) -> Server:
    home = environment.folder / NAME
    home.mkdir(mode=0o700, exist_ok=True)

    def launch(port: int) -> Launch:
        return Launch(
            name=NAME,
            command=[sys.executable, "-m", "workflow_audit", "operator", "--http-port", str(port)],
            folder=home,
            log=home / "log",
            environment={
                **os.environ,
                **operator_environment(environment),
                "AUDIT_HTTP_HOST": HOST,
            },
        )

    return Server(NAME, launch, _is_ready, READY_SECONDS)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=PROBE_SECONDS):
            return True
    except (urllib.error.URLError, OSError):
        return False
