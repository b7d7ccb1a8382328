"""The same search gives byte-identical event_data, whichever way it comes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.submissions import submitted
from support.answers import answer_of, asked_of
from support.api import Api
from support.client import SECONDS, client_of
from support.kubernetes_versions import stamps
from support.operator_process import StartOperator
from support.reading import ReadingServer, a_service_account
from support.searches import Searches, bundled_specs
from support.submitting import Sender, let_send
from workflow_audit.client import AuditClient
from workflow_audit.domain.instants import rfc3339
from workflow_audit.local.ports import HOST
from workflow_audit.wiring.running import utc_now

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

LINES = {
    "plain": 1,
    "without-breakdown": next(
        number
        for number, spec in enumerate(bundled_specs(), 1)
        if spec.get("results", {}).get("workflows")
        and "boostBreakdown" not in spec["results"]["workflows"][0]["scoring"]
    ),
    "empty": 58,
    "personal-data": 231,
    "failed": 68,
    "secret-in-a-failure": 177,
    "long": 174,
    "twenty-workflows": next(
        number
        for number, spec in enumerate(bundled_specs(), 1)
        if spec.get("results", {}).get("returned") == 20
    ),
    "non-ascii": 129,
}
"""Of the bundled searches, counted from 1."""

WAYS = ("resource", "library-resource", "library-http", "single", "batch")
AT = utc_now().timestamp()
"""When all of them ran, by the searcher's clock."""


@pytest.fixture
def agent(searches: Searches, server: ReadingServer, api: Api) -> Sender:
    """May report searches in the namespace, in every way."""
    user, token = a_service_account(api, searches.namespace, "agent")
    let_send(api, searches.namespace, user)
    return Sender(server, user, token)


@pytest.fixture
def clients(
    agent: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, searches: Searches
) -> Iterator[dict[str, AuditClient]]:
    """The library with each of its transports; its clock stands still."""
    monkeypatch.setattr("workflow_audit.client.lifetime.time", SimpleNamespace(time=lambda: AT))
    plane = searches.environment.control_plane
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text(agent.token, encoding="utf-8")
    authority.write_text(plane.certificates.cluster.certificate, encoding="utf-8")
    common: dict[str, Any] = {"namespace": searches.namespace, "timeout_seconds": 5}
    url = f"https://{HOST}:{agent.server.port}"
    with (
        client_of(
            tmp_path / "resource", kubeconfig=plane.kubeconfig_for(agent.user), **common
        ) as resource,
        client_of(tmp_path / "http", url, token_file=token, ca_file=authority, **common) as http,
    ):
        yield {"library-resource": resource, "library-http": http}


def test_event_data_is_the_same(
    searches: Searches,
    agent: Sender,
    clients: dict[str, AuditClient],
    start_operator: StartOperator,
) -> None:
    start_operator().wait_ready()
    searched_at = rfc3339(datetime.fromtimestamp(AT, UTC))
    specs = [bundled_specs()[line - 1] | {"searchedAt": searched_at} for line in LINES.values()]
    searches.create(_of("resource", spec) for spec in specs)
    for way, client in clients.items():
        for spec in specs:
            _record(client, _of(way, spec))
        assert client.flush(SECONDS)
    for spec in specs:
        assert agent.post(_event(_of("single", spec), searches.namespace)).status == 201
    batch = [_event(_of("batch", spec), searches.namespace) for spec in specs]
    assert agent.post_batch(batch).status == 201
    searches.wait_resources_recorded(2 * len(specs))
    found = {
        row["correlation_id"]: row["data"]
        for row in searches.rows("correlation_id, event_data::text AS data")
    }
    assert len(found) == len(WAYS) * len(specs)
    different = {
        (name, way)
        for name, spec in zip(LINES, specs, strict=True)
        for way in WAYS
        if found[_of(way, spec)["correlationId"]] != found[_of("resource", spec)["correlationId"]]
    }
    assert not different


@stamps
def test_who_it_was(
    searches: Searches,
    agent: Sender,
    clients: dict[str, AuditClient],
    start_operator: StartOperator,
) -> None:
    """Whatever a body claims: the cluster's word counts."""
    start_operator().wait_ready()
    spec = bundled_specs()[0] | {"service": "somebody-else"}
    for way, client in clients.items():
        _record(client, _of(way, spec))
        assert client.flush(SECONDS)
    claims = {"actor_id": "system:admin", "requested_by": "system:admin"}
    event = _event(_of("single", spec), searches.namespace) | claims
    assert agent.post(event).status == 201
    searches.wait_resources_recorded(1)
    rows = searches.rows("event_metadata->>'requested_by' AS requester, actor_id, correlation_id")
    assert [row["requester"] for row in rows] == [agent.user] * 3
    by_http = {row["actor_id"] for row in rows if "resource" not in row["correlation_id"]}
    assert by_http == {agent.user}


def _of(way: str, spec: dict[str, Any]) -> dict[str, Any]:
    return spec | {"correlationId": f"{way}-{spec['correlationId']}"}


def _event(spec: dict[str, Any], namespace: str) -> dict[str, Any]:
    at = spec.get("searchedAt", rfc3339(utc_now()))
    return submitted(spec) | {"event_timestamp": at, "namespace": namespace}


def _record(client: AuditClient, spec: dict[str, Any]) -> None:
    asked = {"correlation_id": spec["correlationId"], **asked_of(spec)}
    if failure := spec.get("failure"):
        client.search_failed(**asked, code=failure["code"], message=failure.get("message", ""))
        return
    results = spec["results"]
    client.search_completed(
        **asked, response=answer_of(results), duration_ms=results.get("durationMs")
    )
