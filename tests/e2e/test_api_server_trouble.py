"""The API server restarts, refuses, breaks off: the operator stays alive and catches up."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.eventually import eventually
from support.faulty_api import Chooser, Fault, FaultyApi, Request
from support.operator_process import OperatorProcess, StartOperator
from support.searches import Load, Searches, bundled_specs
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

SPECS = bundled_specs()[:100]

REFUSALS = (
    Fault("429", 429),
    Fault("429 with Retry-After", 429, {"Retry-After": "1"}),
    Fault("500", 500),
    Fault("503", 503),
    Fault("504", 504),
    Fault("reset", reset=True),
)
REFUSAL_SECONDS = 10.5
"""Six of them one after the other: more than a minute without one good answer."""

WATCH_ERRORS = (Fault("ERROR 500", watch_error=500), Fault("ERROR 410", watch_error=410))


@pytest.fixture
def proxy(prepared_environment: LocalEnvironment) -> Iterator[FaultyApi]:
    with FaultyApi(prepared_environment) as faulty:
        yield faulty


def test_restart_under_load_loses_nothing(
    searches: Searches, start_operator: StartOperator, prepared_environment: LocalEnvironment
) -> None:
    operator = start_operator().wait_ready()
    with Load(searches, SPECS, per_second=20).running() as load:
        eventually(searches.row_count, until=lambda rows: rows >= 10)
        prepared_environment.control_plane.stop_api_server()
        status, text = eventually(
            lambda: operator.probe("/readyz"), until=lambda answer: answer[0] == 503
        )
        assert (status, "watch: the API server" in text) == (503, True)
        assert operator.probe("/healthz") == (200, "ok\n")
        prepared_environment.control_plane.start_api_server()
        before = searches.row_count()
        eventually(searches.row_count, until=lambda rows: rows >= before + 10)
    load.wait_recorded()
    eventually(operator.ready)
    assert operator.terminate() == 0


def test_over_a_minute_of_errors_is_survived(
    searches: Searches, start_operator: StartOperator, proxy: FaultyApi, tmp_path: Path
) -> None:
    operator = start_operator(KUBECONFIG=proxy.kubeconfig(tmp_path)).wait_ready()
    searches.create(SPECS[:5], prefix="before")
    eventually(searches.row_count, until=lambda rows: rows == 5)
    started = time.monotonic()
    for number, fault in enumerate(REFUSALS):
        with proxy.answering(always(fault)):
            searches.create(SPECS[:5], prefix=f"refusal-{number}")
            until_met(proxy, fault, operator, at_least_seconds=REFUSAL_SECONDS)
    assert time.monotonic() - started > 60
    for fault in WATCH_ERRORS:
        with proxy.answering(on_watches(fault)):
            until_met(proxy, fault, operator, at_least_seconds=0)
        searches.create(SPECS[:5], prefix=f"watch-{fault.watch_error}")
    searches.wait_recorded(5 + 5 * len(REFUSALS) + 5 * len(WATCH_ERRORS))
    eventually(operator.ready)
    assert operator.terminate() == 0


def always(fault: Fault) -> Chooser:
    return lambda _: fault


def on_watches(fault: Fault) -> Chooser:
    return lambda request: fault if request.watch else None


def until_met(
    proxy: FaultyApi, fault: Fault, operator: OperatorProcess, *, at_least_seconds: float
) -> None:
    """Let a fault last for some time, and until the operator has met it."""
    end = time.monotonic() + at_least_seconds
    eventually(lambda: time.monotonic() >= end and proxy.met[fault.name] >= 1)
    assert operator.running
    assert operator.probe("/healthz") == (200, "ok\n")


@pytest.mark.parametrize("fault", REFUSALS, ids=lambda fault: fault.name)
def test_status_that_fails_for_a_while_is_tried_again(
    searches: Searches,
    start_operator: StartOperator,
    proxy: FaultyApi,
    tmp_path: Path,
    fault: Fault,
) -> None:
    """The watch goes on meanwhile, so nothing but the retry can bring the status."""
    operator = start_operator(KUBECONFIG=proxy.kubeconfig(tmp_path)).wait_ready()
    with proxy.answering(lambda request: fault if request.method == "PATCH" else None):
        searches.create(SPECS[:3])
        eventually(lambda: proxy.met[fault.name], until=lambda times: times >= 6)
    searches.wait_recorded(3, within_seconds=25)
    assert operator.events("recorded") == 3
    assert operator.events("replayed") == 0
    assert "listed again" not in operator.log
    assert operator.terminate() == 0


def test_refused_status_is_written_after_listing_again(
    searches: Searches, start_operator: StartOperator, proxy: FaultyApi, tmp_path: Path
) -> None:
    """kopf drops what it cannot patch; without a new list it would wait for the next start."""
    refused: set[str] = set()

    def once_for_each(request: Request) -> Fault | None:
        if request.method != "PATCH" or request.path in refused:
            return None
        refused.add(request.path)
        return Fault("409", 409) if len(refused) % 2 else Fault("422", 422)

    operator = start_operator(KUBECONFIG=proxy.kubeconfig(tmp_path)).wait_ready()
    with proxy.answering(once_for_each):
        searches.create(SPECS[:4])
        searches.wait_recorded(4)
        assert proxy.met == {"409": 2, "422": 2}
        assert operator.metrics()["workflow_audit_status_errors_total"] == 4
        assert operator.events("replayed") >= 4
    searches.create(SPECS[:4], prefix="later")
    searches.wait_recorded(8)
    assert operator.terminate() == 0


def test_broken_watch_during_a_database_outage_leaves_the_writer_working(
    searches: Searches,
    start_operator: StartOperator,
    proxy: FaultyApi,
    prepared_environment: LocalEnvironment,
    tmp_path: Path,
) -> None:
    """kopf ends and starts again; it must not take along what waits for the database."""
    operator = start_operator(KUBECONFIG=proxy.kubeconfig(tmp_path)).wait_ready()
    prepared_environment.postgres.stop("immediate")
    try:
        searches.create(SPECS[:20])
        eventually(lambda: operator.metrics()["workflow_audit_pending_searches"] == 20)
        with proxy.answering(on_watches(WATCH_ERRORS[0])):
            eventually(lambda: "the watch failed; it starts again" in operator.log)
    finally:
        prepared_environment.postgres.start()
    searches.wait_recorded(20)
    eventually(operator.ready)
    assert operator.terminate() == 0
