"""What was acknowledged is in the database, once; without a database of its own it is off."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from support.api import Api
from support.eventually import eventually
from support.reading import reading_server
from support.rest import EVENTS, problem
from support.submitting import BATCH, a_sender, a_submission, stored
from workflow_audit.cli.local_apiserver import NAME
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]


def test_what_was_acknowledged_survives_a_kill(
    prepared_environment: LocalEnvironment, api: Api
) -> None:
    acknowledged: list[str] = []
    sent: list[str] = []
    lock = threading.Lock()
    with reading_server(prepared_environment) as server:
        sender = a_sender(server, api)
        pid = server.environment.components[NAME].id.pid

        def send_on() -> None:
            while True:
                events = [a_submission() for _ in range(100)]
                with lock:
                    sent.extend(event["correlation_id"] for event in events)
                try:
                    answer = sender.post_batch(events)
                except urllib3.exceptions.HTTPError:
                    return
                assert answer.status == 201, answer.body
                with lock:
                    acknowledged.extend(answer.body["event_ids"])

        with ThreadPoolExecutor(4) as pool:
            running = [pool.submit(send_on) for _ in range(4)]
            eventually(
                lambda: len(acknowledged) + 10_000 * any(each.done() for each in running),
                until=lambda number: number >= 2000,
            )
            os.kill(pid, signal.SIGKILL)
            for each in running:
                each.result(timeout=60)
    rows = [str(row["event_id"]) for row in stored(prepared_environment, *sent)]
    assert len(rows) == len(set(rows))
    assert len(acknowledged) == len(set(acknowledged))
    assert set(acknowledged) <= set(rows)


def test_without_a_database_for_it_it_is_off(
    prepared_environment: LocalEnvironment, api: Api
) -> None:
    with reading_server(prepared_environment, AUDIT_INGESTION_DATABASE_URL="") as server:
        sender = a_sender(server, api)
        for path in (EVENTS, BATCH):
            answer = sender.post(a_submission(), path=path)
            assert "AUDIT_INGESTION_DATABASE_URL" in problem(answer, 404, "ingestion-off")
