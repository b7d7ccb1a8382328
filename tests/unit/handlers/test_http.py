"""kopf's HTTP session and the probes, each over a real connection."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from unit.searches import TINY, an_object
from workflow_audit import metrics
from workflow_audit.handlers.flow import Flow
from workflow_audit.handlers.session import LeanResponse
from workflow_audit.handlers.watch_activity import WatchActivity
from workflow_audit.probes import probe_server
from workflow_audit.settings.process import HttpSettings

SEARCHES = "/apis/audit.kubernaut.ai/v1alpha1/workflowsearches"
ONE = "/apis/audit.kubernaut.ai/v1alpha1/namespaces/payments/workflowsearches/rr-1/status"


@asynccontextmanager
async def api_server(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield server


# --- Lean answers ---

OBJECT = an_object(TINY, status={"phase": "Recorded", "conditions": [{"type": "Ready"}]})


def held_by(flow: Flow) -> type[LeanResponse]:
    return type("Held", (LeanResponse,), {"flow": flow})


async def parsed(method: str, body: Any, status: int = 200) -> Any:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    async with (
        api_server(answer) as server,
        aiohttp.ClientSession(response_class=held_by(Flow(limit=1, patches=32))) as session,
        session.request(method, server.make_url(ONE)) as response,
    ):
        return await response.json()


async def test_the_answer_to_a_patch_is_read_by_nobody() -> None:
    assert await parsed("PATCH", OBJECT) == {}


@pytest.mark.parametrize("status", [400, 409, 422, 500])
async def test_a_refused_patch_keeps_its_reason(status: int) -> None:
    refusal = {"kind": "Status", "metadata": {}, "status": "Failure", "message": "too large"}
    assert await parsed("PATCH", refusal, status) == refusal


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_other_answers_stay_whole(method: str) -> None:
    assert await parsed(method, OBJECT) == OBJECT


# --- Whether searches are watched ---


@pytest.fixture
def activity() -> WatchActivity:
    return WatchActivity(Flow(limit=1, patches=32))


async def requested(
    activity: WatchActivity, method: str, path: str, status: int, **query: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({}, status=status)

    async with (
        api_server(answer) as server,
        aiohttp.ClientSession(trace_configs=[activity.trace_config()]) as session,
        session.request(method, server.make_url(path), params=query),
    ):
        pass


async def test_at_first_nothing_is_watched(activity: WatchActivity) -> None:
    assert activity.problem == "searches are not watched yet"


@pytest.mark.parametrize(
    ("method", "path", "status", "query", "problem"),
    [
        pytest.param("GET", SEARCHES, 200, {"watch": "true"}, None, id="a-watch-that-runs"),
        pytest.param("GET", SEARCHES, 200, {"limit": "500"}, None, id="a-list-that-works"),
        pytest.param(
            "GET", SEARCHES, 500, {"watch": "true"}, "answers 500 to the watch", id="an-error"
        ),
        pytest.param("GET", SEARCHES, 403, {}, "answers 403 to the watch", id="a-refused-list"),
        pytest.param("GET", SEARCHES, 410, {"watch": "1"}, "answers 410", id="an-expired-page"),
        pytest.param("GET", "/version", 500, {}, "before", id="another-address"),
        pytest.param("GET", "/api/v1/pods", 200, {"watch": "1"}, "before", id="another-watch"),
        pytest.param("GET", ONE, 500, {}, "before", id="one-object"),
        pytest.param("PATCH", ONE, 500, {}, "before", id="a-patch"),
    ],
)
@pytest.mark.parametrize("before", [None, "before"])
async def test_the_last_request_about_all_searches_tells_the_state(  # noqa: PLR0917
    activity: WatchActivity,
    method: str,
    path: str,
    status: int,
    query: dict[str, str],
    problem: str | None,
    before: str | None,
) -> None:
    activity.problem = before
    await requested(activity, method, path, status, **query)
    if problem == "before":
        assert activity.problem == before
    elif problem is None:
        assert activity.problem is None
    else:
        assert problem in str(activity.problem)


async def test_an_api_server_that_is_gone_is_a_problem(activity: WatchActivity) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.transport
        request.transport.close()
        return web.Response()

    activity.problem = None
    async with (
        api_server(answer) as server,
        aiohttp.ClientSession(trace_configs=[activity.trace_config()]) as session,
    ):
        for path in (ONE, "/version"):
            with pytest.raises(aiohttp.ClientError):
                await session.get(server.make_url(path))
            assert activity.problem is None
        with pytest.raises(aiohttp.ClientError):
            await session.get(server.make_url(SEARCHES), params={"watch": "true"})
    assert activity.problem == "the API server cannot be reached (ServerDisconnectedError)"


# --- Probes ---


async def get(port: int, path: str) -> tuple[int, str, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as response,
    ):
        return response.status, await response.text(), response.headers["Content-Type"]


LOCAL = HttpSettings(host="127.0.0.1", port=0)


def fixed(problem: str | None) -> Callable[[], Awaitable[str | None]]:
    async def check() -> str | None:
        return problem

    return check


@pytest.mark.parametrize(
    ("checks", "status", "text"),
    [
        pytest.param({}, 503, "\n", id="without-checks-it-is-not-ready"),
        pytest.param({"database": None}, 200, "database: ok\n", id="ready"),
        pytest.param(
            {"database": "no answer", "watch": None},
            503,
            "database: no answer\nwatch: ok\n",
            id="one-is-missing",
        ),
    ],
)
async def test_readiness_says_what_is_missing(
    checks: dict[str, str | None], status: int, text: str
) -> None:
    named = {name: fixed(problem) for name, problem in checks.items()}
    async with probe_server(LOCAL, named) as port:
        assert (await get(port, "/readyz"))[:2] == (status, text)


async def test_alive_does_not_depend_on_any_check() -> None:
    async with probe_server(LOCAL, {"database": fixed("no answer")}) as port:
        assert (await get(port, "/healthz"))[:2] == (200, "ok\n")


async def test_checks_may_change_while_it_runs() -> None:
    checks = {"start": fixed("waiting")}
    async with probe_server(LOCAL, checks) as port:
        assert (await get(port, "/readyz"))[0] == 503
        checks.clear()
        checks["database"] = fixed(None)
        assert (await get(port, "/readyz"))[:2] == (200, "database: ok\n")


async def test_metrics_are_served_as_prometheus_reads_them() -> None:
    async with probe_server(LOCAL, {}) as port:
        status, text, content_type = await get(port, "/metrics")
    assert (status, content_type) == (200, metrics.CONTENT_TYPE)
    assert "\nworkflow_audit_events_total{" in text


async def test_nothing_else_is_served() -> None:
    async with probe_server(LOCAL, {}) as port:
        assert (await get(port, "/"))[0] == 404


async def test_a_port_in_use_is_an_error_at_start() -> None:
    async with probe_server(LOCAL, {}) as port:
        with pytest.raises(OSError, match="address already in use"):
            async with probe_server(HttpSettings(host="127.0.0.1", port=port), {}):
                pass


async def test_the_port_is_free_afterwards() -> None:
    async with probe_server(LOCAL, {}) as port:
        pass
    with pytest.raises(OSError, match=r"Connect call failed|refused"):
        await asyncio.open_connection("127.0.0.1", port)
