"""Lists of kubectl go page by page: how many events follow is told, and how long a place counts."""

import json
from typing import Any

import pytest

from support.api import Api
from support.reader import Reader
from support.reading import ROOT, ReadingServer, an_event, correlation_ids, write
from support.rest import Program, problem
from workflow_audit.cli.local_apiserver import HOSTS, NAME
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.folders import write_private
from workflow_audit.models.auditlog import SERVICE
from workflow_audit.models.query import LONGEST_PAGE, MOST_COUNTED

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

Json = dict[str, Any]

EVENTS = 10


def path(namespace: str, query: str = "") -> str:
    return f"{ROOT}/namespaces/{namespace}/auditevents?{query}"


def listed(reader: Reader, namespace: str, query: str = "") -> Json:
    found: Json = json.loads(reader.kubectl("get", "--raw", path(namespace, query)))
    return found


def shown(page: Json) -> list[str]:
    return [item["correlationId"] for item in page["items"]]


@pytest.fixture
def some(server: ReadingServer, namespace: str) -> str:
    """A namespace of a few events."""
    write(server.environment, [an_event(namespace, n) for n in range(EVENTS)])
    return namespace


# How many events follow


@pytest.mark.parametrize("limit", [1, 3, 5, 9])
def test_each_page_says_how_many_events_follow_it(
    server: ReadingServer, ada: Reader, some: str, limit: int
) -> None:
    pages = [listed(ada, some, f"limit={limit}")]
    write(server.environment, [an_event(some, n) for n in range(100, 103)])  # belongs to no page
    while cursor := pages[-1]["metadata"].get("continue"):
        pages.append(listed(ada, some, f"limit={limit}&continue={cursor}"))
    everything = [name for page in pages for name in shown(page)]
    assert everything == correlation_ids(*reversed(range(EVENTS)))
    given = 0
    for page in pages[:-1]:
        given += len(page["items"])
        assert page["metadata"]["remainingItemCount"] == EVENTS - given
    assert "remainingItemCount" not in pages[-1]["metadata"], "nothing follows"


def test_pages_may_have_another_size_and_count_on(ada: Reader, some: str) -> None:
    page = listed(ada, some, "limit=2")
    assert page["metadata"]["remainingItemCount"] == 8
    page = listed(ada, some, f"limit=5&continue={page['metadata']['continue']}")
    assert page["metadata"]["remainingItemCount"] == 3
    page = listed(ada, some, f"limit=3&continue={page['metadata']['continue']}")
    assert not {"remainingItemCount", "continue"} & set(page["metadata"])


@pytest.mark.parametrize("limit", [EVENTS, EVENTS + 1])
def test_a_page_with_everything_says_nothing(ada: Reader, some: str, limit: int) -> None:
    page = listed(ada, some, f"limit={limit}")
    assert len(page["items"]) == EVENTS
    assert set(page["metadata"]) == {"resourceVersion"}


def test_a_list_as_of_then_counts_what_was_there(
    server: ReadingServer, ada: Reader, some: str
) -> None:
    then = listed(ada, some)["metadata"]["resourceVersion"]
    write(server.environment, [an_event(some, n) for n in range(100, 103)])
    exact = f"limit=4&resourceVersionMatch=Exact&resourceVersion={then}"
    assert listed(ada, some, exact)["metadata"]["remainingItemCount"] == EVENTS - 4
    assert listed(ada, some, "limit=4")["metadata"]["remainingItemCount"] == EVENTS + 3 - 4


@pytest.mark.parametrize(
    "selector",
    [
        "fieldSelector=outcome%3Dsuccess",
        "fieldSelector=metadata.name%3Dworkflow.catalog.search_completed",
        "labelSelector=auditlog.kubernaut.ai/event-outcome%3Dsuccess",
        "since=24h",
        "until=1s",
    ],
)
def test_what_is_selected_is_not_counted(ada: Reader, some: str, selector: str) -> None:
    first = listed(ada, some, f"limit=3&{selector}")
    second = listed(ada, some, f"limit=3&{selector}&continue={first['metadata']['continue']}")
    assert [len(page["items"]) for page in (first, second)] == [3, 3]
    assert "continue" in second["metadata"], "something follows"
    for page in (first, second):
        assert "remainingItemCount" not in page["metadata"]


def test_more_events_than_are_counted_are_told_on_no_page(
    server: ReadingServer, ada: Reader, namespace: str
) -> None:
    write(server.environment, [an_event(namespace, n) for n in range(MOST_COUNTED + 1)])
    counted = listed(ada, namespace, "limit=1")["metadata"]
    assert counted["remainingItemCount"] == MOST_COUNTED
    write(server.environment, [an_event(namespace, MOST_COUNTED + 1)])
    first = listed(ada, namespace, "limit=1")["metadata"]
    assert "remainingItemCount" not in first
    second = listed(ada, namespace, f"limit=1&continue={first['continue']}")["metadata"]
    assert "remainingItemCount" not in second, "also where few enough follow: nobody has counted"


def test_a_list_without_a_limit_is_not_counted(
    server: ReadingServer, ada: Reader, namespace: str
) -> None:
    write(server.environment, [an_event(namespace, n) for n in range(LONGEST_PAGE + 1)])
    page = listed(ada, namespace)
    assert len(page["items"]) == LONGEST_PAGE
    assert "continue" in page["metadata"]
    assert "remainingItemCount" not in page["metadata"]


# How long a place counts


def exchange_key(environment: LocalEnvironment) -> None:
    """Give the running server another key and certificate, as who renews them does."""
    pair = environment.control_plane.certificates.serving(SERVICE, HOSTS)
    home = environment.folder / NAME
    write_private(home / "tls.key", pair.key)
    write_private(home / "tls.crt", pair.certificate)


def test_a_place_from_before_the_key_was_exchanged_has_expired(
    server: ReadingServer, api: Api, ada: Reader, robot: Program, some: str
) -> None:
    cursor = listed(ada, some, "limit=3")["metadata"]["continue"]
    by_rest = robot.get(namespace=some, limit=3).body["pagination"]["next_cursor"]
    again = f"limit=3&continue={cursor}"
    assert shown(listed(ada, some, again)) == correlation_ids(6, 5, 4), "it counts so far"

    exchange_key(server.environment)
    answer = api.request("GET", path(some, again))
    assert answer.status == 410
    told = {name: answer.body[name] for name in ("apiVersion", "kind", "status", "reason", "code")}
    assert told == {
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "Expired", "code": 410,
    }  # fmt: skip
    words = "the cursor was given by a server with another key or version; list from the beginning"
    assert answer.message == f"continue: {words}"
    assert f"(Expired): continue: {words}" in ada.refused("get", "--raw", path(some, again))
    answered = robot.get(namespace=some, limit=3, cursor=by_rest)
    assert problem(answered, 410, "cursor-expired", "cursor") == f"cursor: {words}"

    first = listed(ada, some, "limit=3")
    second = listed(ada, some, f"limit=3&continue={first['metadata']['continue']}")
    assert shown(first) + shown(second) == correlation_ids(*range(9, 3, -1))
