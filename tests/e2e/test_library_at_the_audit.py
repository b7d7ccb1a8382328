"""The library and the real audit: odd searches are the same event by either way, each once."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from support.client import SECONDS, asked, catalogue_answer, client_of
from support.eventually import eventually
from support.operator_process import StartOperator
from support.reading import ReadingServer
from support.searches import Searches
from support.submitting import Sender, let_send
from workflow_audit.client import AuditClient, lifetime
from workflow_audit.local.ports import HOST

pytestmark = [pytest.mark.cluster, pytest.mark.database]

AGENT = "an-agent-of-either-way"
EVERYTHING = [
    {"response": catalogue_answer()},
    {"response": catalogue_answer(0)},
    {"response": catalogue_answer(100), "filters": {f"k{n}": "v" for n in range(16)}, "top_k": 100},
    {"response": {"workflows": [{"workflowId": "a", "confidence": 0.5}], "totalResults": 1}},
    {"response": {"workflows": "none"}},
    {"response": catalogue_answer(1), "query": "mail ada@example.com \x00 from 10.1.2.3"},
    {"response": catalogue_answer(1), "min_similarity": None, "duration_ms": None},
    {"error": TimeoutError("no answer of ada@example.com within 5 s")},
    {"code": "CatalogueRefused", "message": "401", "duration_ms": 3},
]
"""Searches of all kinds: what was asked and came of it."""

Json = dict[str, Any]


def record_all(client: AuditClient, correlation: str) -> None:
    for number, given in enumerate(EVERYTHING):
        call: Json = {**asked(), "duration_ms": 12.3, **given}
        call["correlation_id"] = f"{correlation}-{number}"
        (client.search_completed if "response" in call else client.search_failed)(**call)


def event_data(searches: Searches, correlation: str) -> list[str]:
    """Give the stored JSON texts, in the order of the calls."""
    statement = (
        "SELECT event_data::text FROM audit_events"
        " WHERE correlation_id LIKE %s ORDER BY correlation_id, position"
    )
    with psycopg.connect(searches.environment.postgres.superuser_url) as connection:
        return [text for (text,) in connection.execute(statement, [f"{correlation}-%"])]


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches tell when they ran, which is to be the same."""
    now = time.time()
    monkeypatch.setattr(lifetime, "time", SimpleNamespace(time=lambda: now))


@pytest.fixture
def over_http(
    server: ReadingServer, sender: Sender, searches: Searches, tmp_path: Path
) -> Callable[[str], Any]:
    """Give clients that send to the real server of the audit."""
    let_send(searches.api, searches.namespace, sender.user)
    authority, token = tmp_path / "ca.crt", tmp_path / "token"
    authority.write_text(server.environment.control_plane.certificates.cluster.certificate)
    token.write_text(sender.token)

    @contextmanager
    def client(name: str) -> Iterator[AuditClient]:
        with client_of(
            tmp_path / name,
            f"https://{HOST}:{server.port}",
            namespace=searches.namespace,
            token_file=token,
            ca_file=authority,
            timeout_seconds=5,
        ) as own:
            yield own

    return client


def test_what_is_cut_or_malformed_is_the_same_event_data_by_either_way(
    over_http: Callable[[str], Any],
    searches: Searches,
    start_operator: StartOperator,
    tmp_path: Path,
) -> None:
    start_operator().wait_ready()
    let_send(searches.api, searches.namespace, AGENT)
    kubeconfig = searches.environment.control_plane.kubeconfig_for(AGENT)
    settings: Json = {"kubeconfig": kubeconfig, "namespace": searches.namespace}
    with client_of(tmp_path / "resources", **settings, timeout_seconds=5) as client:
        record_all(client, "by-resource")
        assert client.flush(SECONDS)
        assert client.stats().refused == 0
    searches.wait_recorded(len(EVERYTHING))
    with over_http("one by one") as client:
        client._lifetime.running._sender._transport._batch = 1
        record_all(client, "one-by-one")
        assert client.flush(SECONDS)
        assert client.stats().refused == 0
    with over_http("in a batch") as client:
        record_all(client, "in-a-batch")
        assert client.flush(SECONDS)
        assert client.stats().refused == 0
    by_resource = event_data(searches, "by-resource")
    assert len(by_resource) == len(EVERYTHING)
    assert event_data(searches, "one-by-one") == by_resource
    assert event_data(searches, "in-a-batch") == by_resource
    assert all("searched_at" in text for text in by_resource)
    assert "ada@example.com" not in "".join(by_resource)


def test_what_is_sent_twice_is_recorded_once(
    over_http: Callable[[str], Any], searches: Searches
) -> None:
    for process in ("one", "another"):
        with over_http(process) as client:
            for _ in range(2):
                call = {**asked(), "correlation_id": "sent-twice-1", "search_id": "search 1"}
                client.search_completed(**call, response=catalogue_answer())
                assert client.flush(SECONDS)
            stats = client.stats()
            assert (stats.sent, stats.replayed) == ((1, 1) if process == "one" else (0, 2))
    assert len(event_data(searches, "sent-twice")) == 1


def test_another_search_of_the_same_id_does_not_replace_the_first(
    over_http: Callable[[str], Any], searches: Searches
) -> None:
    with over_http("one") as client:
        for workflows in (1, 2):
            call = {**asked(), "correlation_id": "same-id-1", "search_id": "search 2"}
            client.search_completed(**call, response=catalogue_answer(workflows))
            assert client.flush(SECONDS)
        assert (client.stats().sent, client.stats().replayed) == (1, 1)
    (text,) = event_data(searches, "same-id")
    assert '"returned": 1' in text


def test_without_the_right_searches_wait_until_it_is_given(
    over_http: Callable[[str], Any], searches: Searches, sender: Sender
) -> None:
    name = "send-" + sender.user.replace(":", "-")
    bindings = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{searches.namespace}/rolebindings"
    assert searches.api.delete(f"{bindings}/{name}").ok
    with over_http("one") as client:
        record_all(client, "without-right")
        eventually(lambda: client.stats().failed_attempts, within_seconds=SECONDS)
        assert client.stats().refused == 0
        let_send(searches.api, searches.namespace, sender.user)
        assert eventually(lambda: client.flush(0.5), within_seconds=SECONDS)
    assert len(event_data(searches, "without-right")) == len(EVERYTHING)
