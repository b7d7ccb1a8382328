"""Searches as programs send them, and what comes of them."""

import copy
import itertools
import json
import socket
import ssl
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from support.api import Api
from support.reading import (
    RBAC,
    Answered,
    ReadingServer,
    a_namespace,
    a_service_account,
    client_ssl,
)
from support.rest import EVENTS
from workflow_audit.domain.instants import rfc3339
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.ports import HOST
from workflow_audit.wiring.running import utc_now

BATCH = f"{EVENTS}/batch"

Json = dict[str, Any]

_numbers = itertools.count(1)

WORKFLOWS: list[Json] = [
    {
        "workflow_id": "pod-oom-gitops",
        "version": "v1.0.0",
        "title": "Raise the memory limit through Git",
        "rank": 1,
        "labels": {"signal-type": "OOMKilled", "resource-management": "gitops"},
        "scoring": {
            "confidence": 0.98,
            "base_similarity": 0.88,
            "label_boost": 0.1,
            "label_penalty": 0.0,
            "boost_breakdown": {"resource-management": 0.1},
            "penalty_breakdown": {},
        },
    },
    {
        "workflow_id": "pod-oom-manual",
        "rank": 2,
        "scoring": {"confidence": 0.41, "base_similarity": 0.41},
    },
]


def a_submission(at: datetime | None = None, **changes: Any) -> Json:
    """A search that keeps all rules, another one at each call; None takes a field away."""
    number = next(_numbers)
    event: Json = {
        "version": "1.0",
        "event_type": "workflow.catalog.search_completed",
        "event_timestamp": rfc3339(at or utc_now()),
        "event_category": "workflow",
        "event_action": "search_completed",
        "event_outcome": "success",
        "correlation_id": f"rr-http-{number:06d}",
        "service": "holmesgpt-api",
        "event_data": {
            "query": {
                "text": "OOMKilled critical",
                "filters": {"signal-type": "OOMKilled", "resource-management": "gitops"},
                "top_k": 3,
                "min_similarity": 0.3,
            },
            "results": {"total_found": 5, "returned": 2, "workflows": copy.deepcopy(WORKFLOWS)},
            "search_metadata": {"duration_ms": 45},
        },
    } | changes
    return {name: value for name, value in event.items() if value is not None}


def a_failure(**changes: Any) -> Json:
    """A search whose catalogue did not answer."""
    data = {
        "query": {"text": "OOMKilled critical"},
        "failure": {"code": "CatalogueTimeout", "message": "no answer within 5 s"},
    }
    return a_submission(event_outcome="failure", event_data=data, **changes)


def let_send(api: Api, namespace: str, user: str) -> None:
    """Bind a user to the role for searchers that we ship, in a namespace."""
    name = "send-" + user.replace(":", "-")
    group = "rbac.authorization.k8s.io"
    body = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "workflow-audit-searcher"},
        "subjects": [{"kind": "User", "name": user, "apiGroup": group}],
    }
    api.apply(f"{RBAC}/namespaces/{namespace}/rolebindings/{name}", body)


@dataclass(frozen=True)
class Sender:
    """A service account that sends with its token."""

    server: ReadingServer
    user: str
    token: str = field(repr=False)

    def post(
        self,
        body: Any,
        *headers: tuple[str, str],
        path: str = EVENTS,
        kind: str = "application/json",
    ) -> Answered:
        """Send something; text and bytes as they are, everything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        bearer = ("Authorization", f"Bearer {self.token}")
        sent = [bearer, ("Content-Type", kind), *headers]
        with self.server.connected() as ask:
            answer = ask(path, sent, "POST", content)
        assert answer.headers["Cache-Control"] == "no-store"
        return answer

    def post_batch(self, events: Any, *headers: tuple[str, str]) -> Answered:
        """Send a batch."""
        return self.post(events, *headers, path=BATCH)

    def head(self, path: str = EVENTS, **headers: str) -> bytes:
        """Give the head of a request, for those that send it by hand."""
        lines = [
            f"POST {path} HTTP/1.1",
            f"Host: {HOST}",
            f"Authorization: Bearer {self.token}",
            "Content-Type: application/json",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def connected(self) -> ssl.SSLSocket:
        """Connect to the server, to send by hand."""
        plain = socket.create_connection((HOST, self.server.port), timeout=30)
        return client_ssl(self.server).wrap_socket(plain, server_hostname=HOST)


def a_sender(server: ReadingServer, api: Api) -> Sender:
    """Make a service account that may record searches in a namespace of its own."""
    namespace = a_namespace(api)
    user, token = a_service_account(api, namespace, "searcher")
    let_send(api, namespace, user)
    return Sender(server, user, token)


def read_answer(connection: ssl.SSLSocket) -> bytes:
    """Read until the server closes the connection."""
    received = b""
    with closing(connection):
        while True:
            try:
                part = connection.recv(65536)
            except (ssl.SSLEOFError, ConnectionResetError):
                return received
            if not part:
                return received
            received += part


def stored(environment: LocalEnvironment, *correlation_ids: str) -> list[Json]:
    """Give the rows of some remediations, as the database has them."""
    statement = "SELECT * FROM audit_events WHERE correlation_id = ANY (%s) ORDER BY position"
    url = environment.postgres.superuser_url
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(statement, [list(correlation_ids)]).fetchall()
