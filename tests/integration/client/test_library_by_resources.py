"""Creating resources at an API server that fails in every way: nothing is lost."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from support.client import SECONDS, asked, client_of, record, wait_spooled
from support.eventually import eventually
from support.faulty_server import (
    Behaviour,
    Exchange,
    FaultyServer,
    after,
    answer,
    dribble,
    in_turn,
    redirect,
    reset,
    reset_mid_body,
)
from workflow_audit.client import AuditClient


async def creating(exchange: Exchange) -> None:
    await answer(exchange.request.json(), 201)(exchange)


async def there_already(exchange: Exchange) -> None:
    name = exchange.request.json()["metadata"]["name"]
    words = f'workflowsearches.audit.kubernaut.ai "{name}" already exists'
    await answer({"kind": "Status", "message": words}, 409)(exchange)


def status(code: int, message: str = "made up", **headers: str) -> Behaviour:
    body = {"kind": "Status", "message": message}
    return answer(body, code, {name.replace("_", "-"): value for name, value in headers.items()})


def kubeconfig(folder: Path, server: FaultyServer, context: str = "ours") -> Path:
    path = folder / "kubeconfig"
    content: dict[str, Any] = {
        "clusters": [{"name": "c", "cluster": {"server": server.url}}],
        "users": [{"name": "u", "user": {"token": "a-token"}}],
        "contexts": [
            {"name": name, "context": {"cluster": "c", "user": "u", "namespace": "payments"}}
            for name in ("ours", "theirs")
        ],
        "current-context": context,
    }
    path.write_text(yaml.safe_dump(content))
    return path


def names(server: FaultyServer) -> list[str]:
    return [request.json()["metadata"]["name"] for request in server.requests]


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(after(600, creating), id="hangs"),
        pytest.param(dribble({"metadata": {}}, 0.1), id="dribbles"),
        pytest.param(reset, id="resets"),
        pytest.param(reset_mid_body({"metadata": {}}), id="resets-in-the-body"),
        pytest.param(status(403), id="403"),
        pytest.param(status(404), id="404"),
        pytest.param(status(409, "the object has been modified"), id="409-conflict"),
        pytest.param(status(429, Retry_After="1"), id="429"),
        pytest.param(status(500), id="500"),
        pytest.param(status(503), id="503"),
        pytest.param(answer(b"<html>please log in</html>"), id="another-page"),
        pytest.param(answer({"kind": "Something"}), id="another-service"),
        pytest.param(answer([1]), id="a-list"),
    ],
)
def test_what_could_not_be_created_is_created_later(
    tmp_path: Path, trouble: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        FaultyServer(in_turn(trouble, trouble, creating)) as server,
        client_of(tmp_path, kubeconfig=kubeconfig(tmp_path, server), timeout_seconds=0.5) as client,
    ):
        record(client)
        assert eventually(lambda: client.flush(0.5), within_seconds=SECONDS)
        stats = client.stats()
        assert (stats.sent, stats.failed_attempts, stats.spooled) == (1, 2, 0)
        assert len(set(names(server))) == 1
        assert server.requests[0].headers["Authorization"] == "Bearer a-token"
    assert "searches cannot be sent now" in caplog.text
    assert "OOMKilled critical" not in caplog.text


def test_one_that_is_there_already_is_a_success(tmp_path: Path) -> None:
    with (
        FaultyServer(there_already) as server,
        client_of(tmp_path, kubeconfig=kubeconfig(tmp_path, server)) as client,
    ):
        record(client)
        assert client.flush(SECONDS)
        assert client.stats().replayed == 1


def test_a_token_that_has_run_out_is_read_anew(tmp_path: Path) -> None:
    async def of_rights(exchange: Exchange) -> None:
        known = exchange.request.headers["Authorization"] == "Bearer a-new-one"
        await (creating if known else status(401))(exchange)

    with FaultyServer(of_rights) as server:
        path = kubeconfig(tmp_path, server)
        with client_of(tmp_path, kubeconfig=path) as client:
            record(client, 20)
            eventually(lambda: client.stats().failed_attempts, within_seconds=SECONDS)
            wait_spooled(client, 20)
            path.write_text(path.read_text().replace("a-token", "a-new-one"))
            assert eventually(lambda: client.flush(0.5), within_seconds=SECONDS)
            assert client.stats().sent == 20


@pytest.mark.parametrize("code", [302, 307])
def test_redirects_are_not_followed(tmp_path: Path, code: int) -> None:
    with (
        FaultyServer(creating) as elsewhere,
        FaultyServer(redirect(elsewhere.url, code)) as server,
        client_of(tmp_path, kubeconfig=kubeconfig(tmp_path, server)) as client,
    ):
        record(client)
        eventually(lambda: client.stats().failed_attempts, within_seconds=SECONDS)
        assert elsewhere.requests == ()
        assert client.stats().spooled == 1


def test_what_waits_for_one_context_is_not_sent_to_another(tmp_path: Path) -> None:
    with FaultyServer(status(503)) as server:
        with client_of(tmp_path, kubeconfig=kubeconfig(tmp_path, server)) as client:
            record(client)
            wait_spooled(client, 1)
        server.behave(creating)
        theirs = kubeconfig(tmp_path, server, "theirs")
        with client_of(tmp_path, kubeconfig=theirs) as client:
            assert client.stats().spooled == 0
            record(client, first=2)
            assert client.flush(SECONDS)
        with client_of(tmp_path, kubeconfig=kubeconfig(tmp_path, server)) as client:
            assert eventually(lambda: client.flush(0.5), within_seconds=SECONDS)
            assert client.stats().sent == 1
        wanted = [asked(n)["correlation_id"] for n in (1, 2)]
        assert {r.json()["spec"]["correlationId"] for r in server.requests} == set(wanted)


def test_without_any_credentials_searches_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "XDG_STATE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    with AuditClient.from_env({}) as client:
        record(client)
        wait_spooled(client, 1)
        eventually(lambda: client.stats().failed_attempts, within_seconds=SECONDS)
        client.close(0)
    assert "neither a service account nor a kubeconfig is there" in caplog.text
    assert list((tmp_path / ".local" / "state" / "workflow-audit").glob("spool-*.db"))
