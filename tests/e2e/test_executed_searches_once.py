"""An executed search becomes one event whatever dies, and status says what that event says."""

import asyncio
import itertools
import threading
from pathlib import Path

import pytest

from support.api import Api, SearchWatch
from support.catalogues import ANSWER, OPEN, assert_says_what_its_event_says, ready
from support.eventually import eventually
from support.faulty_api import Fault, FaultyApi, Request
from support.faulty_server import Behaviour, Exchange, FaultyServer, answer, hang
from support.operator_process import StartOperator
from support.policies import Policies
from support.searches import Searches
from unit.searches import changed
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database]

TITLE = ("workflows", 0, "workflow", "title")


def a_new_answer_each_time() -> Behaviour:
    """Answer with another title at each request, so that answers can be told apart."""
    numbers = itertools.count(1)

    async def behave(exchange: Exchange) -> None:
        await answer(changed(ANSWER, TITLE, f"Answer {next(numbers)}"))(exchange)

    return behave


def shown_title(searches: Searches, name: str) -> str:
    title: str = ready(searches, name)["status"]["results"]["workflows"][0]["title"]
    return title


def test_killed_while_the_catalogue_answers_it_asks_again(
    searches: Searches, cluster: Policies, start_operator: StartOperator
) -> None:
    first = start_operator().wait_ready()
    with FaultyServer(hang) as catalogue:
        cluster.apply("with-catalogue", catalogue={"url": catalogue.url})
        cluster.wait_ready("with-catalogue")
        searches.create([OPEN])
        eventually(lambda: catalogue.requests)
        first.kill()
        assert searches.rows() == []
        catalogue.behave(a_new_answer_each_time())
        start_operator()
        assert shown_title(searches, "s-0001") == "Answer 1"
        assert len(catalogue.requests) == 2
    searches.wait_recorded(1)


def refused_status(request: Request) -> Fault | None:
    is_search = request.path.endswith("/status") and "/workflowsearches/" in request.path
    return Fault("status", 503) if request.method == "PATCH" and is_search else None


def test_killed_between_commit_and_status_it_asks_nobody_any_more(
    searches: Searches,
    cluster: Policies,
    start_operator: StartOperator,
    prepared_environment: LocalEnvironment,
    tmp_path: Path,
) -> None:
    with FaultyServer(a_new_answer_each_time()) as catalogue:
        cluster.apply("with-catalogue", catalogue={"url": catalogue.url})
        with FaultyApi(prepared_environment) as proxy, proxy.answering(refused_status):
            first = start_operator(KUBECONFIG=proxy.kubeconfig(tmp_path)).wait_ready()
            cluster.wait_ready("with-catalogue")
            searches.create([OPEN] * 5)
            eventually(searches.row_count, until=lambda rows: rows == 5)
            first.kill()
        asked = len(catalogue.requests)
        assert set(searches.phases()) == {""}
        before = searches.rows("event_id, recorded_at, event_data::text")
        second = start_operator().wait_ready()
        found = searches.wait_recorded(5)
        assert len(catalogue.requests) == asked
    assert sorted(before, key=str) == sorted(
        searches.rows("event_id, recorded_at, event_data::text"), key=str
    )
    assert (second.events("replayed"), second.events("recorded")) == (5, 0)
    for item in found:
        assert_says_what_its_event_says(item, searches.row(item["metadata"]["name"]))


def test_two_operators_record_each_once_and_both_tell_the_same(
    searches: Searches, cluster: Policies, api: Api, start_operator: StartOperator
) -> None:
    both = [start_operator(), start_operator()]
    for operator in both:
        operator.wait_ready()
    with FaultyServer(a_new_answer_each_time()) as catalogue:
        cluster.apply("with-catalogue", catalogue={"url": catalogue.url})
        cluster.wait_ready("with-catalogue")
        with SearchWatch(api, searches.namespace) as watch:
            names = searches.create([OPEN] * 40)
            found = searches.wait_recorded(40)
            # A second write of other bytes would be a second change; one of the same bytes is none.
            watch.wait_writes(names, 1)
            assert [operator.terminate() for operator in both] == [0, 0]
            watch.wait_writes(names, 1)
        assert 40 <= len(catalogue.requests) <= 80
    for item in found:
        assert_says_what_its_event_says(item, searches.row(item["metadata"]["name"]))


def test_nothing_is_searched_while_the_database_is_away(
    searches: Searches, cluster: Policies, start_operator: StartOperator
) -> None:
    start_operator(
        AUDIT_OPERATOR_PATIENCE_SECONDS="1", AUDIT_OPERATOR_RETRY_SECONDS="1"
    ).wait_ready()
    postgres = searches.environment.postgres
    with FaultyServer(a_new_answer_each_time()) as catalogue:
        cluster.apply("with-catalogue", catalogue={"url": catalogue.url})
        cluster.wait_ready("with-catalogue")
        postgres.stop("immediate")
        try:
            searches.create([OPEN] * 3)
            eventually(searches.phases, until=lambda phases: phases == {"Pending": 3})
            assert catalogue.requests == ()
        finally:
            postgres.start()
        for item in searches.wait_recorded(3):
            assert_says_what_its_event_says(item, searches.row(item["metadata"]["name"]))
        assert len(catalogue.requests) == 3


def test_an_answer_is_kept_while_its_write_is_tried_again(
    searches: Searches, cluster: Policies, start_operator: StartOperator
) -> None:
    start_operator(AUDIT_OPERATOR_PATIENCE_SECONDS="60").wait_ready()
    postgres = searches.environment.postgres
    answering = threading.Event()

    async def answer_when_told(exchange: Exchange) -> None:
        await asyncio.to_thread(answering.wait, 4)
        await answer(ANSWER)(exchange)

    with FaultyServer(answer_when_told) as catalogue:
        cluster.apply("with-catalogue", catalogue={"url": catalogue.url})
        cluster.wait_ready("with-catalogue")
        searches.create([OPEN])
        eventually(lambda: catalogue.requests)
        postgres.stop("immediate")
        try:
            answering.set()
        finally:
            postgres.start()
        found = ready(searches, "s-0001")
        assert found["status"]["outcome"] == "success"
        assert len(catalogue.requests) == 1
