"""Nobody's reads hold up the others', and who asks too much is told when to ask again."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from support.api import Api
from support.eventually import eventually
from support.reading import (
    ROOT,
    ReadingServer,
    a_service_account,
    an_event,
    let_read,
    reading_server,
    write,
)
from support.rest import Program, problem
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.pki import FRONT_PROXY_CLIENT
from workflow_audit.wiring.running import utc_now

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

PROGRAM = Path(sys.executable).with_name("workflow-audit")
READS = ("audit events were read", "audit events were not read")


@pytest.fixture
def namespace(api: Api) -> str:
    name = f"limits-{uuid4()}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    api.apply(f"/api/v1/namespaces/{name}", body)
    return name


def program(server: ReadingServer, api: Api, namespace: str, name: str) -> Program:
    user, token = a_service_account(api, namespace, name)
    let_read(api, namespace, user)
    return Program(server, user, token)


def outcomes(server: ReadingServer, user: str) -> list[str]:
    lines = [line for line in server.log_lines() if line["message"] in READS]
    return [line["outcome"] for line in lines if line["user"] == user]


def test_both_interfaces_refuse_in_their_own_words(
    prepared_environment: LocalEnvironment, api: Api, namespace: str
) -> None:
    settings = {"AUDIT_APISERVER_REQUESTS_PER_SECOND": "1", "AUDIT_APISERVER_REQUESTS_BURST": "2"}
    front_proxy = prepared_environment.control_plane.certificates.front_proxy
    proxy = front_proxy.client(FRONT_PROXY_CLIENT, (), utc_now())
    with reading_server(prepared_environment, **settings) as server:
        ada, bob = (program(server, api, namespace, name) for name in ("ada", "bob"))
        with ThreadPoolExecutor(20) as threads:
            answers = list(threads.map(lambda _: ada.get(namespace=namespace), range(20)))
        refused = [answer for answer in answers if answer.status == 429]
        assert {answer.status for answer in answers} == {200, 429}
        assert len(refused) >= 10
        detail = problem(refused[0], 429, "too-many-requests")
        assert "at most 1 a second for one user" in detail
        assert int(refused[0].headers["Retry-After"]) >= 1
        assert Counter(outcomes(server, ada.user))["limited"] == len(refused)
        assert bob.get(namespace=namespace).status == 200, "he has asked nothing yet"

        as_ada = [("X-Remote-User", ada.user)]
        path = f"{ROOT}/namespaces/{namespace}/auditevents"
        with server.connected(proxy) as ask:
            told = eventually(lambda: ask(path, as_ada), until=lambda answer: answer.status == 429)
            assert (told.body["kind"], told.body["reason"]) == ("Status", "TooManyRequests")
            retry = int(told.headers["Retry-After"])
            assert told.body["details"] == {"retryAfterSeconds": retry}
            free = [
                ask(each, as_ada).status for each in (ROOT, "/openapi/v2", "/openapi.json") * 20
            ]
            assert set(free) == {200}, "the API server asks for these all the time"


def test_an_export_waits_and_is_complete(
    prepared_environment: LocalEnvironment, api: Api, namespace: str
) -> None:
    user = f"max-of-{namespace}"
    let_read(api, namespace, user)
    events = [an_event(namespace, number) for number in range(1700)]
    write(prepared_environment, events)
    kubeconfig = prepared_environment.control_plane.kubeconfig_for(user)
    settings = {"AUDIT_APISERVER_REQUESTS_PER_SECOND": "1", "AUDIT_APISERVER_REQUESTS_BURST": "1"}
    with reading_server(prepared_environment, **settings) as server:
        kept = {key: value for key, value in os.environ.items() if key.startswith("COV")}
        done = subprocess.run(
            [PROGRAM, "events", "export", "-n", namespace],
            env={**kept, "KUBECONFIG": str(kubeconfig), "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        assert Counter(outcomes(server, user))["limited"] >= 1, "else nothing was tried"
    exported = [json.loads(line)["eventId"] for line in done.stdout.splitlines()]
    assert exported == [str(event.event_id) for event in reversed(events)]


def test_one_user_cannot_take_all_connections(
    prepared_environment: LocalEnvironment, api: Api, namespace: str
) -> None:
    """The table is locked, so that reads last, and it can be seen whose reach the database."""
    write(prepared_environment, [an_event(namespace)])
    settings = {
        "AUDIT_APISERVER_REQUESTS_PER_SECOND": "0",
        "AUDIT_APISERVER_REQUESTS_AT_ONCE": "2",
        "AUDIT_APISERVER_DATABASE_CONNECTIONS": "5",
        "AUDIT_APISERVER_ANSWER_SECONDS": "100",
    }
    with reading_server(prepared_environment, **settings) as server:
        ada, bob = (program(server, api, namespace, name) for name in ("ada", "bob"))
        assert len(ada.listed(namespace=namespace)) == len(bob.listed(namespace=namespace)) == 1
        with ThreadPoolExecutor(31) as threads, table_locked(prepared_environment) as waiting:
            flood = [threads.submit(ada.get, namespace=namespace) for _ in range(30)]
            eventually(lambda: outcomes(server, ada.user).count("limited") == 28)
            before = eventually(waiting)
            served = threads.submit(bob.get, namespace=namespace)
            eventually(waiting, until=lambda number: number == before + 1)
            assert before < 5, "a connection was left for him"
            waiting.unlock()
            assert served.result().status == 200
            assert Counter(each.result().status for each in flood) == {200: 2, 429: 28}


@dataclass(frozen=True)
class Waiting:
    """Tells how many reads wait for the lock."""

    lock: psycopg.Connection[tuple[int]]
    looking: psycopg.Connection[tuple[int]]

    def __call__(self) -> int:
        found = self.looking.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'workflow-audit-apiserver' AND wait_event_type = 'Lock'"
        ).fetchone()
        return found[0] if found else 0

    def unlock(self) -> None:
        self.lock.rollback()


@contextmanager
def table_locked(environment: LocalEnvironment) -> Iterator[Waiting]:
    url = environment.postgres.superuser_url
    with psycopg.connect(url) as lock, psycopg.connect(url, autocommit=True) as looking:
        lock.execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        yield Waiting(lock, looking)
