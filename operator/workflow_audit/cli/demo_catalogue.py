"""The example catalogue as a process of a local environment."""

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from workflow_audit.cli.bundled import bundled
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.ports import HOST
from workflow_audit.local.processes import Launch
from workflow_audit.local.servers import Server

NAME = "catalogue"
PROGRAM = "examples/catalogue/server.py"
READY_SECONDS = 30.0
PROBE_SECONDS = 5.0


@contextmanager
def running_catalogue(environment: LocalEnvironment) -> Iterator[str]:
    """Run the catalogue for as long as the block takes; gives its URL.

    Raises:
        LocalError: it does not become ready; with the end of its log.
    """
    environment.start_server(_catalogue(environment))
    try:
        yield f"http://{environment.components[NAME].address}"
    finally:
        environment.stop_server(NAME)


def _catalogue(environment: LocalEnvironment) -> Server:
    home = environment.folder / NAME
    home.mkdir(mode=0o700, exist_ok=True)

    def launch(port: int) -> Launch:
        return Launch(
            name=NAME,
            command=[sys.executable, str(bundled(PROGRAM)), "--port", str(port)],
            folder=home,
            log=home / "log",
            environment={**os.environ},
        )

    return Server(NAME, launch, _is_ready, READY_SECONDS)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=PROBE_SECONDS):
            return True
    except (urllib.error.URLError, OSError):
        return False
