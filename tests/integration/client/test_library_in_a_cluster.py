"""The library creates resources at a real API server: each search once, whatever happens."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.api import Api
from support.client import SECONDS, asked, catalogue_answer, client_of, record, wait_spooled
from support.eventually import eventually
from support.searches import Searches
from workflow_audit.client import AuditClient
from workflow_audit.local.environment import LocalEnvironment

pytestmark = pytest.mark.cluster

AGENT = "an-agent"
_numbers = itertools.count(1)


@pytest.fixture
def searches(prepared_environment: LocalEnvironment) -> Iterator[Searches]:
    """A namespace where an agent may report searches, with the shipped rights."""
    namespace = f"library-{next(_numbers)}"
    with (
        Api(prepared_environment) as api,
        Searches(prepared_environment, api, namespace) as own,
    ):
        let_search(api, namespace, AGENT)
        yield own
        for item in own.listed():  # operators of other tests are not to find anything to do
            path = f"{own.path}/{item['metadata']['name']}"
            api.request(
                "PATCH",
                f"{path}/status",
                {"status": {"phase": "Skipped"}},
                "application/merge-patch+json",
            )


@pytest.fixture
def kubeconfig(prepared_environment: LocalEnvironment) -> Path:
    return prepared_environment.control_plane.kubeconfig_for(AGENT)


def settings(searches: Searches, kubeconfig: Path) -> dict[str, Any]:
    return {"namespace": searches.namespace, "kubeconfig": kubeconfig, "timeout_seconds": 5}


def test_each_search_is_created_once(searches: Searches, kubeconfig: Path, tmp_path: Path) -> None:
    with client_of(tmp_path, **settings(searches, kubeconfig)) as client:
        record(client, 20)
        client.search_failed(**asked(21), error=TimeoutError("no answer"), duration_ms=5000)
        assert client.flush(SECONDS)
        assert client.stats().sent == 21
    found = {item["spec"]["correlationId"]: item for item in searches.listed()}
    assert len(found) == len(searches.listed()) == 21
    first = found["rr-2026-000001"]
    assert first["spec"]["results"]["returned"] == 8
    assert first["spec"]["requestedBy"] == AGENT
    assert first["spec"]["searchedAt"]
    assert found["rr-2026-000021"]["spec"]["failure"] == {
        "code": "CatalogueTimeout",
        "message": "TimeoutError: no answer",
        "durationMs": 5000,
    }


def test_a_search_that_is_sent_twice_is_one(
    searches: Searches, kubeconfig: Path, tmp_path: Path
) -> None:
    for process in ("one", "another"):
        with client_of(tmp_path / process, **settings(searches, kubeconfig)) as client:
            for _ in range(2):
                client.search_completed(
                    **asked(), response=catalogue_answer(), search_id="search 1"
                )
                assert client.flush(SECONDS)
            stats = client.stats()
            assert (stats.sent, stats.replayed) == ((1, 1) if process == "one" else (0, 2))
    assert len(searches.listed()) == 1


def test_the_largest_search_is_taken(searches: Searches, kubeconfig: Path, tmp_path: Path) -> None:
    """What the library cuts, the resource's schema takes."""
    answer = catalogue_answer(100)
    for entry in answer["workflows"]:
        entry["workflow"] |= {
            "workflow_id": "i" * 128,
            "title": "<" * 500,
            "version": "v" * 100,
            "labels": {f"key {n} {'k' * 80}": "v" * 100 for n in range(20)},
        }
    with client_of(tmp_path, **settings(searches, kubeconfig)) as client:
        client.search_completed(
            correlation_id="c" * 300,
            query="<" * 10_000,
            filters={f"{n} {'k' * 80}": "<" * 200 for n in range(20)},
            top_k=1000,
            min_similarity=2,
            response=answer,
            duration_ms=1e12,
        )
        assert client.flush(SECONDS)
        assert (client.stats().sent, client.stats().refused) == (1, 0)


def test_what_the_schema_refuses_is_put_aside_and_the_others_arrive(
    searches: Searches, kubeconfig: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with client_of(tmp_path, **settings(searches, kubeconfig)) as client:
        client.search_completed(**asked(), response=catalogue_answer(), labels={"no label": "?!"})
        record(client, 3)
        assert client.flush(SECONDS)
        assert (client.stats().sent, client.stats().refused) == (3, 1)
    assert len(searches.listed()) == 3
    assert "does not take search" in caplog.text
    assert "OOMKilled critical" not in caplog.text


def test_without_rights_searches_wait_and_arrive_when_they_are_given(
    searches: Searches,
    prepared_environment: LocalEnvironment,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stranger = f"stranger-{next(_numbers)}"
    kubeconfig = prepared_environment.control_plane.kubeconfig_for(stranger)
    with client_of(tmp_path, **settings(searches, kubeconfig)) as client:
        record(client, 2)
        eventually(lambda: client.stats().failed_attempts, within_seconds=SECONDS)
        wait_spooled(client, 2)
        assert f'User "{stranger}" cannot create resource "workflowsearches"' in caplog.text
        let_search(searches.api, searches.namespace, stranger)
        assert client.flush(SECONDS)
    assert len(searches.listed()) == 2


def test_a_kubeconfig_may_come_later(searches: Searches, kubeconfig: Path, tmp_path: Path) -> None:
    later = tmp_path / "kubeconfig"
    with client_of(tmp_path, **settings(searches, later)) as client:
        record(client)
        eventually(lambda: client.stats().failed_attempts, within_seconds=SECONDS)
        os.link(kubeconfig, later)
        assert eventually(lambda: client.flush(1), within_seconds=SECONDS)
    assert len(searches.listed()) == 1


def let_search(api: Api, namespace: str, user: str) -> None:
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": user},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "workflow-audit-searcher",
        },
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings/{user}"
    api.apply(path, binding)


def test_the_namespace_is_that_of_the_kubeconfig(
    searches: Searches, kubeconfig: Path, tmp_path: Path
) -> None:
    own = tmp_path / "kubeconfig"
    text = kubeconfig.read_text()
    assert "namespace:" not in text
    own.write_text(
        text.replace("  context:\n", f"  context:\n    namespace: {searches.namespace}\n")
    )
    environment = {"AUDIT_KUBECONFIG": str(own), "AUDIT_SPOOL_PATH": str(tmp_path / "spool")}
    with AuditClient.from_env(environment) as client:
        record(client)
        assert client.flush(SECONDS)
    assert len(searches.listed()) == 1
