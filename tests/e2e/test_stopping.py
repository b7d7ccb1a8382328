"""SIGTERM: what is under way is finished or left for the next start; exit code 0, soon."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.eventually import eventually
from support.operator_process import OperatorProcess, StartOperator
from support.searches import Searches, bundled_specs
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

SPECS = bundled_specs()[:200]
EXIT_TIMEOUT_SECONDS = 5
BUSY_SECONDS = 15
"""What a stop may take beyond the exit time-out: kopf's own 5 s, and a machine that is busy."""


def stopped(operator: OperatorProcess) -> None:
    """Stop it, and hold it against what users may see of that."""
    started = time.monotonic()
    assert operator.terminate() == 0
    assert time.monotonic() - started < EXIT_TIMEOUT_SECONDS + BUSY_SECONDS
    assert "Traceback" not in operator.log
    assert "generator didn't stop" not in operator.log
    assert operator.logged()[-1]["message"] == "stopped"


def test_under_load_it_ends_in_order_and_the_next_start_finishes(
    searches: Searches, start_operator: StartOperator
) -> None:
    settings = {"AUDIT_OPERATOR_EXIT_TIMEOUT_SECONDS": str(EXIT_TIMEOUT_SECONDS)}
    with ThreadPoolExecutor(1) as creator:
        first = start_operator(**settings).wait_ready()
        load = creator.submit(searches.create, SPECS)
        eventually(searches.row_count, until=lambda rows: rows >= 30)
        stopped(first)
        load.result()
    assert searches.some_unrecorded()
    second = start_operator(**settings).wait_ready()
    searches.wait_recorded(len(SPECS))
    stopped(second)


def test_idle_it_ends_at_once(start_operator: StartOperator) -> None:
    stopped(start_operator().wait_ready())


def test_without_a_database_it_ends_and_the_next_start_finishes(
    searches: Searches, start_operator: StartOperator, prepared_environment: LocalEnvironment
) -> None:
    settings = {"AUDIT_OPERATOR_EXIT_TIMEOUT_SECONDS": str(EXIT_TIMEOUT_SECONDS)}
    operator = start_operator(AUDIT_OPERATOR_PATIENCE_SECONDS="1", **settings).wait_ready()
    prepared_environment.postgres.stop("immediate")
    try:
        searches.create(SPECS[:30])
        eventually(lambda: searches.phases()["Pending"], until=lambda count: count == 30)
        stopped(operator)
        waiting = start_operator(**settings)
        eventually(lambda: "waiting: PostgreSQL is not available" in waiting.log)
        stopped(waiting)
    finally:
        prepared_environment.postgres.start()
    start_operator(**settings)
    searches.wait_recorded(30)


def test_while_the_database_starts_it_ends(
    start_operator: StartOperator, prepared_environment: LocalEnvironment
) -> None:
    """Stopped at once: it may be anywhere between its first line and its first search."""
    prepared_environment.postgres.stop("immediate")
    with ThreadPoolExecutor(1) as starter:
        operator = start_operator()
        eventually(lambda: "serving" in operator.log)
        start = starter.submit(prepared_environment.postgres.start)
        stopped(operator)
        start.result()
