"""What a status is written on, and what becomes of one that is not taken."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import kopf
import pytest
from aiohttp import web
from kopf._cogs.clients.auth import vault_var
from kopf._cogs.structs.credentials import Vault, VaultKey

from unit.handlers.test_http import api_server
from unit.searches import TINY, an_object
from workflow_audit import metrics
from workflow_audit.handlers.statuses import Statuses, status_patch

FOUND = an_object(TINY)
FOUND["metadata"] |= {"resourceVersion": "7"}
PATH = (
    "/apis/audit.kubernaut.ai/v1alpha1/namespaces/{namespace}/workflowsearches/{name}/status"
).format(**FOUND["metadata"])
UID = FOUND["metadata"]["uid"]
RECORDED = {"phase": "Recorded"}

Answer = tuple[int, dict[str, Any]]

REFUSED: dict[str, Any] = {
    "kind": "Status",
    "message": 'status.summary.query: Invalid value: "rm -rf for ada@example.org"',
    "details": {"causes": [{"field": "status.summary.query"}, {"field": "status.phase"}]},
}
TEST_FAILED: dict[str, Any] = {
    "kind": "Status",
    "message": "the server rejected our request",
    "details": {},
}


@pytest.mark.parametrize(
    ("phase", "tested", "value"),
    [
        pytest.param("Recorded", "uid", UID, id="a-fact-about-this-object"),
        pytest.param("Skipped", "resourceVersion", "7", id="nothing-was-said-meanwhile"),
        pytest.param("Pending", "resourceVersion", "7", id="nothing-better-was-said"),
    ],
)
def test_what_is_tested_before_a_status_is_shown(phase: str, tested: str, value: str) -> None:
    status = {"phase": phase}
    assert status_patch(FOUND, status) == [
        {"op": "test", "path": f"/metadata/{tested}", "value": value},
        {"op": "add", "path": "/status", "value": status},
    ]


@asynccontextmanager
async def answering(*answers: Answer) -> AsyncIterator[list[tuple[str, str, Any]]]:
    """An API server that gives these answers, and then none; lends what it is asked."""
    asked: list[tuple[str, str, Any]] = []
    left = iter(answers)

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.method, request.path, json.loads(await request.read())))
        assert request.headers["Content-Type"] == "application/json-patch+json"
        status, body = next(left)
        return web.json_response(body, status=status)

    async with api_server(answer) as server, aiohttp.ClientSession() as session:
        connection = kopf.AiohttpSession(server=str(server.make_url("")), aiohttp_session=session)
        token = vault_var.set(Vault({VaultKey("tests"): connection}))
        try:
            yield asked
        finally:
            vault_var.reset(token)


def statuses() -> Statuses:
    settings = kopf.OperatorSettings()
    settings.networking.error_backoffs = (0.0, 0.0, 0.0)
    return Statuses(settings)


def refusals() -> float:
    return metrics.REGISTRY.get_sample_value("workflow_audit_status_errors_total") or 0.0


async def test_a_status_is_written_once() -> None:
    writer = statuses()
    async with answering((200, {})) as asked:
        await writer.show(FOUND, RECORDED)
    assert asked == [("PATCH", PATH, status_patch(FOUND, RECORDED))]
    assert not writer.refused.is_set()


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_what_may_pass_is_tried_again(status: int) -> None:
    writer, before = statuses(), refusals()
    async with answering((status, {}), (status, {}), (200, {})) as asked:
        await writer.show(FOUND, RECORDED)
    assert len(asked) == 3
    assert (writer.refused.is_set(), refusals() - before) == (False, 0)


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        pytest.param((404, {}), False, id="gone-needs-no-status"),
        pytest.param((422, TEST_FAILED), False, id="it-is-about-another-one"),
        pytest.param((422, {"kind": "Status"}), False, id="no-details"),
        pytest.param((422, REFUSED), True, id="invalid"),
        pytest.param((400, {}), True, id="bad-request"),
        pytest.param((409, {}), True, id="conflict"),
        pytest.param((413, {}), True, id="too-large"),
    ],
)
async def test_a_refused_status_is_told_and_counted(
    answer: Answer, refused: bool, caplog: pytest.LogCaptureFixture
) -> None:
    writer, before = statuses(), refusals()
    async with answering(answer) as asked:
        await asyncio.wait_for(writer.show(FOUND, RECORDED), 10)
    assert len(asked) == 1
    assert (writer.refused.is_set(), refusals() - before) == (refused, int(refused))
    told = [record.getMessage() for record in caplog.records if record.name.startswith("workflow")]
    assert told == ([f"a status was refused: {answer[0]}" + fields_of(answer)] if refused else [])


def fields_of(answer: Answer) -> str:
    return " status.summary.query, status.phase" if answer[1] is REFUSED else ""
