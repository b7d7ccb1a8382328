"""SIGKILL at any moment: no search is lost, no row is doubled."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from support.eventually import eventually
from support.faulty_api import Fault, FaultyApi, Request
from support.operator_process import StartOperator
from support.searches import Searches, bundled_specs
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

SPECS = bundled_specs()[:40]
KILLS = 5


def create_until(killed: Event, searches: Searches, prefix: str) -> int:
    """Create searches until the operator is killed and some after that; gives how many."""
    created = 0
    while True:
        last = killed.is_set()
        created += len(searches.create(SPECS, prefix=f"{prefix}-{created}"))
        if last:
            return created


def test_nothing_is_lost_or_doubled_by_kills_under_load(
    searches: Searches, start_operator: StartOperator
) -> None:
    moments = random.Random(20261123)  # noqa: S311 - the same moments at every run
    created = 0
    with ThreadPoolExecutor(1) as creator:
        for number in range(1, KILLS + 1):
            operator, killed = start_operator().wait_ready(), Event()
            enough = searches.row_count() + moments.randint(1, 40)
            load = creator.submit(create_until, killed, searches, f"load-{number}")
            eventually(searches.row_count, until=lambda rows, enough=enough: rows >= enough)
            operator.kill()
            killed.set()
            created += load.result()
            assert searches.some_unrecorded()
    last = start_operator().wait_ready()
    searches.wait_recorded(created)
    assert last.terminate() == 0


def refused_status(request: Request) -> Fault | None:
    return Fault("status", 503) if request.method == "PATCH" else None


def test_killed_between_commit_and_status_it_meets_its_own_rows(
    searches: Searches,
    start_operator: StartOperator,
    prepared_environment: LocalEnvironment,
    tmp_path: Path,
) -> None:
    with FaultyApi(prepared_environment) as proxy, proxy.answering(refused_status):
        first = start_operator(KUBECONFIG=proxy.kubeconfig(tmp_path)).wait_ready()
        searches.create(SPECS)
        eventually(searches.row_count, until=lambda rows: rows == 40)
        first.kill()
    assert set(searches.phases()) == {""}  # committed, and no status says so
    before = searches.rows("event_id, recorded_at")

    second = start_operator().wait_ready()
    found = searches.wait_recorded(40)
    assert sorted(searches.rows("event_id, recorded_at"), key=str) == sorted(before, key=str)
    assert (second.events("replayed"), second.events("recorded")) == (40, 0)
    recorded_at = {str(row["event_id"]): row["recorded_at"] for row in before}
    for item in found:
        shown = item["status"]["recordedAt"].replace("Z", "+00:00")
        assert shown == recorded_at[item["status"]["eventId"]].isoformat()
    assert second.terminate() == 0
