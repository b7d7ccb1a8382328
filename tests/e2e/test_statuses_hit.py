"""A status that comes late hits the very search that it is about, and takes no final one away."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.api import SearchWatch
from support.eventually import eventually
from support.faulty_api import Chooser, Fault, FaultyApi
from support.operator_process import StartOperator
from support.searches import Searches, bundled_specs, search
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database]

SPEC, OTHER_SPEC = bundled_specs()[:2]


@pytest.fixture
def proxy(prepared_environment: LocalEnvironment) -> Iterator[FaultyApi]:
    with FaultyApi(prepared_environment) as faulty:
        yield faulty


@pytest.fixture
def kubeconfig(proxy: FaultyApi, tmp_path: Path) -> str:
    """Lead an operator through the proxy."""
    return proxy.kubeconfig(tmp_path)


def switched(enabled: bool) -> dict[str, str]:
    return {"AUDIT_OPERATOR_ENABLED": str(enabled).lower()}


def held_back(meanwhile: Callable[[], object]) -> Chooser:
    """Hold the first status back until something else is done."""
    left = [Fault("held back", meanwhile=meanwhile)]
    return lambda request: left.pop() if request.method == "PATCH" and left else None


def test_another_search_of_the_name_is_recorded_itself(
    searches: Searches, proxy: FaultyApi, start_operator: StartOperator, kubeconfig: str
) -> None:
    """The status of the one that is gone must not make it look recorded."""
    gone: list[str] = []

    def replace() -> None:
        item = searches.get("one")
        gone.append(item["metadata"]["uid"])
        abandon(searches, "one")
        assert searches.submit(search(OTHER_SPEC, "one")).status == 201

    start_operator(KUBECONFIG=kubeconfig).wait_ready()
    with proxy.answering(held_back(replace)):
        assert searches.submit(search(SPEC, "one")).status == 201
        eventually(searches.row_count, until=lambda rows: rows == 2)
        assert proxy.met == {"held back": 1}
    (present,) = eventually(searches.listed, until=all_recorded)
    rows = {row["resource_id"]: str(row["event_id"]) for row in searches.rows()}
    assert rows.keys() == {*gone, present["metadata"]["uid"]}
    assert present["status"]["eventId"] == rows[present["metadata"]["uid"]]


def abandon(searches: Searches, name: str) -> None:
    """Delete a search that is not recorded, as somebody may who says so."""
    path = f"{searches.path}/{name}"
    note = {"metadata": {"annotations": {"audit.kubernaut.ai/abandon": "a test"}}}
    answer = searches.api.request("PATCH", path, note, "application/merge-patch+json")
    assert answer.ok, answer.message
    assert searches.api.delete(path).ok


def all_recorded(items: list[dict[str, dict[str, str]]]) -> bool:
    return all(item.get("status", {}).get("phase") == "Recorded" for item in items)


@pytest.mark.parametrize(
    "enabled",
    [
        pytest.param(False, id="the-late-one-would-skip-it"),
        pytest.param(True, id="the-other-one-has-skipped-it"),
    ],
)
def test_what_is_recorded_stays_so_when_two_operators_differ(
    searches: Searches,
    proxy: FaultyApi,
    kubeconfig: str,
    start_operator: StartOperator,
    enabled: bool,
) -> None:
    """As they may for a moment, while a policy is being switched."""
    first = "Skipped" if enabled else "Recorded"

    def be_quicker() -> None:
        start_operator(**switched(not enabled))
        eventually(searches.phases, until=lambda phases: phases == {first: 1})

    slow = start_operator(KUBECONFIG=kubeconfig, **switched(enabled)).wait_ready()
    with (
        proxy.answering(held_back(be_quicker)),
        SearchWatch(searches.api, searches.namespace) as watch,
    ):
        searches.create([SPEC])
        eventually(searches.phases, until=lambda phases: phases == {first: 1})
        eventually(lambda: proxy.let_through["held back"])
        assert searches.phases() == {"Recorded": 1}
        assert searches.row_count() == 1
        watch.wait_writes(["s-0001"], 2 if enabled else 1)
    assert slow.metrics()["workflow_audit_status_errors_total"] == 0
