"""What comes by HTTP is bounded, and what was acknowledged is in the database, whatever happens."""

import contextlib
import gzip
import http.client
import json
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from support.api import Api
from support.eventually import eventually
from support.reading import ReadingServer, client_ssl, reading_server
from support.rest import problem
from support.submitting import Sender, a_sender, a_submission, read_answer, stored
from workflow_audit.cli.local_apiserver import NAME
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.ports import HOST

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def narrow_server(prepared_environment: LocalEnvironment) -> Iterator[ReadingServer]:
    """A server with small bounds."""
    bounds = {
        "AUDIT_INGESTION_QUEUE_ROWS": "1000",
        "AUDIT_INGESTION_ANSWER_SECONDS": "1",
        "AUDIT_INGESTION_BODY_SECONDS": "5",
        "AUDIT_INGESTION_EVENT_BYTES": "65536",
        "AUDIT_INGESTION_BATCH_BYTES": str(4 * MIB),
        "AUDIT_INGESTION_BYTES_UNDER_WAY": str(6 * MIB),
        "AUDIT_INGESTION_REQUESTS_AT_ONCE": "2",
        "AUDIT_APISERVER_REQUESTS_AT_ONCE": "0",
        "AUDIT_APISERVER_REQUESTS_PER_SECOND": "0",
    }
    with reading_server(prepared_environment, **bounds) as running:
        yield running


@pytest.fixture
def narrow_sender(narrow_server: ReadingServer, api: Api) -> Sender:
    """May record searches there."""
    return a_sender(narrow_server, api)


def process_of(server: ReadingServer) -> psutil.Process:
    return psutil.Process(server.environment.components[NAME].id.pid)


def status_and_head(answer: bytes) -> tuple[int, bytes]:
    head = answer.partition(b"\r\n\r\n")[0].lower()
    return int(head.split()[1]), head


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ({"Content_Length": str(100 * MIB)}, 413),
        ({"Content_Length": str(100 * MIB), "Content_Encoding": "gzip"}, 415),
        ({"Transfer_Encoding": "chunked"}, 413),
    ],
    ids=["announced", "compressed", "in-chunks"],
)
def test_what_is_too_large_is_refused_and_not_read(
    narrow_sender: Sender, head: dict[str, str], status: int
) -> None:
    process = process_of(narrow_sender.server)
    before = process.memory_info().rss
    connection = narrow_sender.connected()
    connection.sendall(narrow_sender.head(**head))
    part = b"x" * 65536
    chunk = b"10000\r\n" + part + b"\r\n" if "Transfer_Encoding" in head else part
    sent = 0
    with connection, contextlib.suppress(OSError):  # the server cuts the connection
        while sent < 100 * MIB:
            connection.sendall(chunk)
            sent += len(chunk)
    assert sent < 20 * MIB  # what fits into the buffers of two sockets
    assert process.memory_info().rss - before < 20 * MIB
    answer = narrow_sender.post(b"x" * 65537)
    problem(answer, 413, "body-too-large")
    with narrow_sender.connected() as polite:
        polite.sendall(narrow_sender.head(**head, Expect="100-continue"))
        refused, words = status_and_head(polite.recv(65536))
    assert refused == status or "Transfer_Encoding" in head
    assert b"connection: close" in words or refused == 100


def test_a_connection_whose_body_has_come_is_used_again(narrow_sender: Sender) -> None:
    server, path = narrow_sender.server, "/api/v1/audit/events"
    connection = http.client.HTTPSConnection(HOST, server.port, context=client_ssl(server))
    head = {"Authorization": f"Bearer {narrow_sender.token}"}
    statuses, sockets = [], set()
    for kind in ("text/plain", "application/json", "application/json"):
        body = json.dumps(a_submission())
        connection.request("POST", path, body, head | {"Content-Type": kind})
        sockets.add(connection.sock)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    assert (statuses, len(sockets)) == ([415, 201, 201], 1)


def test_a_bomb_is_not_unpacked(narrow_sender: Sender) -> None:
    bomb = gzip.compress(b"[" + b" " * 50 * MIB + b"]")
    assert len(bomb) < 60_000
    process = process_of(narrow_sender.server)
    before = process.memory_info().rss
    answer = narrow_sender.post(bomb, ("Content-Encoding", "gzip"))
    problem(answer, 415, "unsupported-body")
    assert process.memory_info().rss - before < 10 * MIB


def test_a_slow_body_is_given_up(narrow_sender: Sender) -> None:
    connection = narrow_sender.connected()
    connection.sendall(narrow_sender.head(Content_Length="1000"))
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(0.2):
            try:
                connection.sendall(b" ")
            except OSError:
                return

    dripping = threading.Thread(target=drip)
    dripping.start()
    began = time.monotonic()
    answer = read_answer(connection)
    stop.set()
    dripping.join()
    assert time.monotonic() - began < 15
    status, head = status_and_head(answer)
    assert (status, b"connection: close" in head) == (408, True)
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["title"] == "Body Too Slow"


def test_a_client_that_goes_away_leaves_nothing_behind(narrow_sender: Sender) -> None:
    for _ in range(5):
        with narrow_sender.connected() as connection:
            connection.sendall(narrow_sender.head(Content_Length="60000") + b"{")
    answer = eventually(lambda: narrow_sender.post(a_submission()), until=lambda a: a.status == 201)
    assert answer.body["status"] == "recorded"
    assert "a request failed" not in narrow_sender.server.log


def test_one_sender_has_so_many_requests_at_once(narrow_sender: Sender, api: Api) -> None:
    waiting = [narrow_sender.connected() for _ in range(2)]
    try:
        for connection in waiting:
            connection.sendall(narrow_sender.head(Content_Length="10"))
        answer = eventually(
            lambda: narrow_sender.post(a_submission()), until=lambda a: a.status == 429
        )
        problem(answer, 429, "too-many-requests")
        assert int(answer.headers["Retry-After"]) >= 1
        other = a_sender(narrow_sender.server, api)
        assert other.post(a_submission()).status == 201
    finally:
        for connection in waiting:
            connection.close()


def test_a_database_that_is_away_is_told_in_time_and_nothing_is_doubled_when_it_is_back(
    narrow_sender: Sender,
) -> None:
    environment = narrow_sender.server.environment
    events, single = [a_submission() for _ in range(1000)], a_submission()
    environment.postgres.stop("immediate")
    try:
        began = time.monotonic()
        answer = narrow_sender.post_batch(events)
        assert time.monotonic() - began < 10
        assert "not recorded within" in problem(answer, 503, "service-unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        answer = narrow_sender.post(single)
        detail = problem(answer, 503, "service-unavailable")
        # Who had waited for room would be told that it was not recorded in time.
        assert "1000 events wait for PostgreSQL, and there is room for 0 more" in detail
        assert int(answer.headers["Retry-After"]) >= 1
    finally:
        environment.postgres.start()
    batch = eventually(
        lambda: narrow_sender.post_batch(events), until=lambda answer: answer.status in {200, 201}
    )
    assert len(batch.body["event_ids"]) == 1000
    assert narrow_sender.post(single).status == 201
    correlation_ids = [event["correlation_id"] for event in (*events, single)]
    assert len(stored(environment, *correlation_ids)) == 1001
