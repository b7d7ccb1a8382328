"""An export by REST is complete and says so, or is cut and seen to be: by bytes, log and line."""

import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from socket import create_connection
from typing import Any

import pytest
import requests

from support.eventually import eventually
from support.reading import an_event, write
from support.rest import EVENTS, Program, problem
from workflow_audit.local.ports import HOST

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

EXPORT = f"{EVENTS}/export"
LARGE = {"query": {"text": "x" * 16_000}}
"""Some pages of it are more than all buffers between server and client take."""

SECONDS = 120
CURL = shutil.which("curl") or "curl"


def exported(program: Program, **parameters: str) -> tuple[list[str], dict[str, Any]]:
    """Give the correlation ids of a whole export, and its last line."""
    answer = program.get(EXPORT, **parameters)
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    *events, end = (json.loads(line) for line in answer.content.splitlines())
    return [event["correlation_id"] for event in events], end


def streamed(program: Program, namespace: str) -> requests.Response:
    """Begin an export, and take nothing of it yet."""
    return requests.get(
        f"https://{HOST}:{program.server.port}{EXPORT}",
        params={"namespace": namespace},
        headers={"Authorization": f"Bearer {program.token}"},
        verify=str(program.server.environment.control_plane.ca_file),
        stream=True,
        timeout=SECONDS,
    )


def lines_of(answer: requests.Response) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in answer.iter_lines(chunk_size=65536))


def noted(program: Program) -> list[dict[str, Any]]:
    return [line for line in program.server.log_lines() if line.get("user") == program.user]


def names(count: int) -> list[str]:
    return [f"rr-2026-{number:06d}" for number in reversed(range(count))]


@pytest.fixture
def large(robot: Program, namespace: str) -> int:
    """As many large events as it gives."""
    events = [an_event(namespace, n, event_data=LARGE) for n in range(3000)]
    write(robot.server.environment, events)
    return len(events)


def test_all_events_one_a_line_as_a_list_has_them(robot: Program, namespace: str) -> None:
    assert exported(robot, namespace=namespace) == ([], {"kind": "end", "events": 0})
    failed = an_event(namespace, 500, event_outcome="failure", correlation_id="failed")
    write(robot.server.environment, [an_event(namespace, n) for n in range(450)] + [failed])
    assert exported(robot, namespace=namespace, event_outcome="success", since="24h") == (
        names(450),
        {"kind": "end", "events": 450},
    )
    only = robot.get(EXPORT, namespace=namespace, event_outcome="failure")
    first, _ = map(json.loads, only.content.splitlines())
    assert [first] == robot.get(namespace=namespace, event_outcome="failure").body["data"]
    last = noted(robot)[-2]
    assert (last["verb"], last["outcome"], last["rows"]) == ("list", "answered", 1)


def test_it_takes_the_rights_of_the_list_and_its_filters_only(
    robot: Program, narrow: Program, namespace: str
) -> None:
    write(
        robot.server.environment, [an_event(namespace, 1), an_event(namespace, 2, event_type="x")]
    )
    assert exported(narrow, namespace=namespace, event_type=an_event("").event_type)[0] == [
        "rr-2026-000001"
    ]
    problem(narrow.get(EXPORT, namespace=namespace), 403, "forbidden")
    problem(robot.get(EXPORT), 403, "forbidden")
    problem(robot.server.get(EXPORT), 401, "authentication-failed")
    for parameter in ("limit", "cursor", "offset", "namespce"):
        answer = robot.get(EXPORT, namespace=namespace, **{parameter: "1"})
        problem(answer, 400, "validation-error", parameter)


def test_it_shows_what_was_there_when_it_began(robot: Program, namespace: str, large: int) -> None:
    with streamed(robot, namespace) as answer:
        lines = lines_of(answer)
        seen = [next(lines)["correlation_id"]]
        write(robot.server.environment, [an_event(namespace, n) for n in range(5000, 5010)])
        *others, end = lines
    seen += [event["correlation_id"] for event in others]
    assert seen == names(large)
    assert end == {"kind": "end", "events": large}


def test_a_client_that_reads_slowly_or_goes_away_is_not_read_for(
    robot: Program, namespace: str, large: int
) -> None:
    server = robot.server
    authority = server.environment.control_plane.certificates.cluster.certificate
    request = (
        f"GET {EXPORT}?namespace={namespace} HTTP/1.1\r\nHost: {HOST}\r\n"
        f"Authorization: Bearer {robot.token}\r\n\r\n"
    )
    context = ssl.create_default_context(cadata=authority)
    with (
        create_connection((HOST, server.port), timeout=SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as connection,
    ):
        connection.sendall(request.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        assert noted(robot) == [], "it goes on while somebody may still read"
    (line,) = eventually(lambda: noted(robot))
    assert (line["outcome"], line["message"]) == ("cut", "audit events were read")
    assert 0 < line["rows"] < large


def test_a_short_outage_of_the_database_is_not_seen(
    robot: Program, namespace: str, large: int
) -> None:
    postgres = robot.server.environment.postgres
    with streamed(robot, namespace) as answer:
        lines = lines_of(answer)
        seen = [next(lines)["correlation_id"]]
        postgres.stop()
        postgres.start()
        *others, end = lines
    assert [*seen, *(event["correlation_id"] for event in others)] == names(large)
    assert end == {"kind": "end", "events": large}


def test_a_long_outage_cuts_it_and_every_client_sees_that(
    robot: Program, namespace: str, large: int
) -> None:
    postgres = robot.server.environment.postgres
    with curl(robot, namespace) as other, streamed(robot, namespace) as answer:
        assert other.stdout
        lines = lines_of(answer)
        seen = [next(lines)]
        output = other.stdout.read(1)
        postgres.stop()
        try:
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                seen.extend(lines)
            output += other.stdout.read()
            assert other.wait(SECONDS) == 18, "partial file"
        finally:
            postgres.start()
    assert 0 < len(seen) < large
    assert all("event_id" in event for event in seen), "no line says that this was the end"
    assert b'"kind":"end"' not in output
    outcomes = eventually(lambda: noted(robot), until=lambda found: len(found) == 2)
    assert [line["outcome"] for line in outcomes] == ["cut", "cut"]
    assert "Traceback" not in robot.server.log


@contextmanager
def curl(program: Program, namespace: str) -> Iterator[subprocess.Popen[bytes]]:
    """Begin an export with curl, whose output is not taken yet."""
    authority = program.server.environment.control_plane.ca_file
    url = f"https://{HOST}:{program.server.port}{EXPORT}?namespace={namespace}"
    command = [CURL, "--silent", "--cacert", str(authority), "--config", "-", url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(f'header = "Authorization: Bearer {program.token}"'.encode())
        process.stdin.close()
        yield process
