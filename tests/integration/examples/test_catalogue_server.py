"""The example catalogue over HTTP: searches, refusals, tokens, TLS, and clients without manners."""

import json
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from support.example_catalogue import SERVER, example_catalogue
from support.faulty_server import identity
from workflow_audit.domain.catalogue_answer import catalogue_results

PATH = "/api/v1/workflows/search"
OOM: dict[str, Any] = {
    "query": "OOMKilled critical, raise the memory limit of the pod through Git",
    "filters": {"signal-type": "OOMKilled", "resource-management": "gitops"},
    "top_k": 2,
}


@pytest.fixture(scope="module")
def catalogue() -> Iterator[str]:
    with example_catalogue() as url:
        yield url


def ask(
    url: str,
    body: Any = None,
    *,
    path: str = PATH,
    token: str = "",
    trust: ssl.SSLContext | None = None,
) -> tuple[int, dict[str, Any]]:
    """POST a body, or GET without one; gives status and answer."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data)  # noqa: S310 - ours
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=30, context=trust) as reply:  # noqa: S310
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def test_it_finds_the_best_workflows_and_says_how_many_there_are(catalogue: str) -> None:
    status, answer = ask(catalogue, OOM)
    assert status == 200
    results = catalogue_results(answer, duration_ms=None)
    assert [w.rank for w in results.workflows] == [1, 2]
    assert results.total_found > results.returned
    winner = results.workflows[0]
    assert winner.workflow_id == "pod-oom-gitops"
    assert winner.scoring.boost_breakdown == {"resource-management": 0.1}


def test_the_later_shape_has_the_same_winner() -> None:
    with example_catalogue("--shape=camel") as url:
        _, answer = ask(url, OOM)
    assert answer["workflows"][0]["workflowId"] == "pod-oom-gitops"


def test_strict_filters_may_leave_nothing(catalogue: str) -> None:
    filters = {"signal-type": "oomkilled"}
    assert ask(catalogue, {**OOM, "filters": filters}) == (
        200,
        {"workflows": [], "total_results": 0},
    )


def test_it_is_alive(catalogue: str) -> None:
    assert ask(catalogue, path="/healthz") == (200, {"status": "ok", "workflows": 60})


@pytest.mark.parametrize(
    ("body", "path", "status", "detail"),
    [
        pytest.param({}, PATH, 400, "missing required field: query", id="400"),
        pytest.param(OOM, "/search", 404, f"searches go to {PATH}", id="404"),
        pytest.param(None, PATH, 404, f"there is POST {PATH}, and GET /healthz", id="404-get"),
        pytest.param(b" " * 65537, PATH, 413, "65537 bytes are too many; send at most", id="413"),
    ],
)
def test_refusals_say_why(catalogue: str, body: Any, path: str, status: int, detail: str) -> None:
    refused, problem = ask(catalogue, body, path=path)
    assert (refused, problem["status"]) == (status, status)
    assert problem["detail"].startswith(detail)


def test_it_asks_for_its_token_and_notices_a_new_one(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    with example_catalogue(f"--token-file={file}") as url:
        status, problem = ask(url, OOM)
        assert (status, problem["title"]) == (401, "Unauthorized")
        assert ask(url, OOM, token="wrong")[0] == 401  # noqa: S106
        assert ask(url, OOM, token="first")[0] == 200  # noqa: S106
        file.write_text("second")
        assert ask(url, OOM, token="first")[0] == 401  # noqa: S106
        assert ask(url, OOM, token="second")[0] == 200  # noqa: S106
        assert ask(url, path="/healthz")[0] == 200


def test_it_speaks_tls_and_survives_who_does_not(tmp_path: Path) -> None:
    made = identity()
    certificate, key = tmp_path / "crt", tmp_path / "key"
    certificate.write_text(made.pair.certificate)
    key.write_text(made.pair.key)
    trust = ssl.create_default_context(cadata=made.authority)
    with example_catalogue(f"--certificate={certificate}", f"--key={key}") as url:
        assert url.startswith("https://")
        with socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=30) as silent:
            assert ask(url, OOM, trust=trust)[0] == 200, "a silent client holds up the others"
            silent.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            while silent.recv(1024):
                pass
        assert ask(url, OOM, trust=trust)[0] == 200


def test_a_connection_goes_on_after_an_answer_and_ends_after_a_refusal(catalogue: str) -> None:
    address = ("127.0.0.1", urlsplit(catalogue).port)
    health = b"GET /healthz HTTP/1.1\r\n\r\n"
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(address, timeout=30) as client:
        client.sendall(health + health + chunked)
        said = b""
        while part := client.recv(65536):
            said += part
    assert said.count(b"HTTP/1.1 200 OK") == 2
    assert said.count(b"HTTP/1.1 411 Length Required") == 1


def test_a_method_that_it_does_not_know_is_a_problem_too(catalogue: str) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(catalogue).port), timeout=30) as client:
        client.sendall(b"PUT / HTTP/1.1\r\n\r\n")
        status, _, rest = client.recv(65536).partition(b"\r\n")
    assert status == b"HTTP/1.1 501 Not Implemented"
    assert b"application/problem+json" in rest


def test_ctrl_c_ends_it_in_order() -> None:
    command = [sys.executable, str(SERVER), "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--catalogue=/nowhere.json"], "No such file or directory: '/nowhere.json'"),
        (["--token-file=/nowhere"], "No such file or directory: '/nowhere'"),
        (["--key=/nowhere"], "give --certificate and --key together, or neither"),
        (["--shape=kebab"], "invalid choice: 'kebab'"),
    ],
)
def test_it_says_why_it_does_not_start(arguments: list[str], message: str) -> None:
    command = [sys.executable, str(SERVER), "--port=0", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_help_shows_examples() -> None:
    command = [sys.executable, str(SERVER), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert "python examples/catalogue/server.py --port 8099" in done.stdout
    assert "curl" in done.stdout


def test_it_needs_nothing_but_python() -> None:
    command = [sys.executable, "-E", "-s", "-S", str(SERVER), "--help"]
    subprocess.run(command, capture_output=True, check=True, timeout=30)
