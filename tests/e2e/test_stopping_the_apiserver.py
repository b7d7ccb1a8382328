"""SIGTERM ends the server of readers in order, with exit code 0, whatever it waits for."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from soak.programs import Program, apiservers
from soak.timeline import Timeline
from support.eventually import eventually
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database]


@pytest.fixture
def program(prepared_environment: LocalEnvironment, tmp_path: Path) -> Iterator[Program]:
    """A server of readers that is not started yet."""
    with Timeline(tmp_path / "timeline") as timeline:
        (program,) = apiservers(prepared_environment, timeline, 1).values()
        program.log = tmp_path / "log"
        yield program
        program.kill()


def stopped(program: Program) -> None:
    """Stop it, and hold it against what users may see of that."""
    program.end(signal.SIGTERM)
    assert program.failures == []
    log = program.log.read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert '"message": "stopped"' in log.splitlines()[-1]


def test_serving_it_ends_in_order(program: Program) -> None:
    program.start()
    program.wait_ready()
    stopped(program)


def test_waiting_for_a_database_it_ends_in_order(
    program: Program, prepared_environment: LocalEnvironment
) -> None:
    prepared_environment.postgres.stop("fast")
    try:
        program.start()
        waiting = "waiting: PostgreSQL is not available"
        eventually(lambda: waiting in program.log.read_text(encoding="utf-8"))
        stopped(program)
    finally:
        prepared_environment.postgres.start()
