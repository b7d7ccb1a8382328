"""Without a database: nothing is lost, status says why, memory is bounded, the operator stays."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest

from support.api import Api, SearchWatch
from support.condition_rules import broken_condition_rules, condition_of
from support.eventually import eventually
from support.operator_process import OperatorProcess, StartOperator
from support.searches import Load, Searches, bundled_specs
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.postgres import SUPERUSER, Postgres

WAITING = "waiting: PostgreSQL is not available"

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

SPECS = bundled_specs()[:100]
MEBIBYTE = 2**20

CUT_ALL = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE datname = 'audit' AND pid <> pg_backend_pid()
"""

Outage = Callable[[Postgres], AbstractContextManager[None]]


@contextmanager
def crashed(postgres: Postgres) -> Iterator[None]:
    postgres.stop("immediate")
    try:
        yield
    finally:
        postgres.start()


@contextmanager
def refusing_connections(postgres: Postgres) -> Iterator[None]:
    beside = postgres.superuser_url.rpartition("/")[0] + f"/{SUPERUSER}"
    with psycopg.connect(beside, autocommit=True) as administrator:
        administrator.execute("ALTER DATABASE audit ALLOW_CONNECTIONS false")
        try:
            administrator.execute(CUT_ALL.encode())
            yield
        finally:
            administrator.execute("ALTER DATABASE audit ALLOW_CONNECTIONS true")


@pytest.mark.parametrize(
    ("outage", "cause"),
    [
        pytest.param(crashed, "connection refused", id="crashed"),
        pytest.param(refusing_connections, "not currently accepting connections", id="refusing"),
    ],
)
def test_outage_under_load_loses_nothing_and_status_says_why(  # noqa: PLR0917
    searches: Searches,
    api: Api,
    start_operator: StartOperator,
    prepared_environment: LocalEnvironment,
    outage: Outage,
    cause: str,
) -> None:
    operator = start_operator(AUDIT_OPERATOR_PATIENCE_SECONDS="1").wait_ready()
    with SearchWatch(api, searches.namespace) as watch:
        with Load(searches, SPECS, per_second=20).running() as load:
            eventually(searches.row_count, until=lambda rows: rows >= 20)
            with outage(prepared_environment.postgres):
                meanwhile = searches.create(SPECS[:20], prefix="meanwhile")
                for name in meanwhile:
                    eventually(
                        lambda name=name: condition_of(searches.get(name), "Recorded"),
                        until=lambda seen: cause in seen.get("message", ""),
                    )
                assert_alive_but_not_ready(operator, cause)
        load.wait_recorded()
        watch.wait_writes(meanwhile, 2)  # why it waits, and that it is recorded; however long
    for name in meanwhile:
        waiting, recorded = watch.writes(name)
        assert_waiting_for_the_database(waiting)
        assert recorded["phase"] == "Recorded"
    eventually(operator.ready)
    assert operator.metrics()["workflow_audit_pending_searches"] == 0
    assert operator.terminate() == 0


def assert_waiting_for_the_database(status: dict) -> None:
    item = {"metadata": {"generation": 1}, "status": status}
    assert status["phase"] == "Pending"
    assert broken_condition_rules(item) == []
    for type_ in ("Ready", "Recorded"):
        stated = condition_of(item, type_)
        assert (stated["status"], stated["reason"]) == ("False", "DatabaseUnavailable")
        assert "PostgreSQL is not available" in stated["message"]


def assert_alive_but_not_ready(operator: OperatorProcess, cause: str) -> None:
    assert operator.running
    assert operator.probe("/healthz") == (200, "ok\n")
    _, text = eventually(lambda: operator.probe("/readyz"), until=lambda seen: seen[0] == 503)
    assert cause in text
    assert "watch: ok" in text


def test_connections_cut_again_and_again_lose_nothing(
    searches: Searches, start_operator: StartOperator, prepared_environment: LocalEnvironment
) -> None:
    operator = start_operator().wait_ready()
    url = prepared_environment.postgres.superuser_url
    with Load(searches, SPECS, per_second=30).running() as load:
        for _ in range(12):
            before = searches.row_count()
            eventually(searches.row_count, until=lambda rows, before=before: rows >= before + 5)
            with psycopg.connect(url, autocommit=True) as administrator:
                administrator.execute(CUT_ALL.encode())
    load.wait_recorded()
    assert operator.metrics()['workflow_audit_write_errors_total{error_type="network"}'] > 0
    assert operator.terminate() == 0


def test_memory_is_bounded_while_the_database_is_away(
    searches: Searches, start_operator: StartOperator, prepared_environment: LocalEnvironment
) -> None:
    """The second outage with as many searches must find the memory of the first one enough."""
    limited = {"AUDIT_WRITER_QUEUE_ROWS": "50", "AUDIT_OPERATOR_PATIENCE_SECONDS": "1"}
    operator = start_operator(**limited).wait_ready()
    searches.create(SPECS, prefix="warm")
    searches.wait_recorded()
    warm = operator.rss_bytes()
    peaks = []
    for outage in itertools.count(1):
        with crashed(prepared_environment.postgres):
            searches.create(SPECS * 2, prefix=f"outage-{outage}")
            eventually(
                lambda: not searches.selected("status.phase!=Recorded,status.phase!=Pending")
            )
            peaks.append(operator.rss_bytes())
        searches.wait_recorded()
        if outage == 2:
            break
    assert peaks[0] < 1.5 * warm  # 200 searches that wait
    assert peaks[1] < 1.1 * peaks[0]
    assert operator.terminate() == 0


def test_operator_started_without_a_database_waits_for_it(
    searches: Searches, start_operator: StartOperator, prepared_environment: LocalEnvironment
) -> None:
    with crashed(prepared_environment.postgres):
        operator = start_operator()
        eventually(lambda: WAITING in operator.log)
        assert operator.probe("/healthz") == (200, "ok\n")
        status, text = operator.probe("/readyz")
        assert status == 503
        assert "PostgreSQL is not available: connection refused" in text
        searches.create(SPECS[:20])
        eventually(lambda: operator.log.count(WAITING), until=lambda n: n >= 2)
        assert operator.running
    searches.wait_recorded(20)
    eventually(operator.ready)
    assert operator.terminate() == 0
