"""Audit events to read, readers of all kinds, and the server that they ask."""

import asyncio
import itertools
import json
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import urllib3

from support.api import Api
from support.environment import account_kubeconfig
from workflow_audit.certificates import KeyPair
from workflow_audit.cli.local_apiserver import NAME, running_apiserver
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.pki import FRONT_PROXY_CLIENT
from workflow_audit.local.ports import HOST
from workflow_audit.models.auditlog import SERVICE
from workflow_audit.models.event import AuditEvent
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.pool import Database
from workflow_audit.store.writer import EventWriter
from workflow_audit.wiring.running import utc_now

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ROOT = "/apis/auditlog.kubernaut.ai/v1alpha1"
TYPE = "workflow.catalog.search_completed"

Json = dict[str, Any]

_numbers = itertools.count(1)


def an_event(namespace: str, number: int = 0, **changes: Any) -> AuditEvent:
    """An event as the operator writes it, one second after the one before it."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1, seconds=-number)  # noqa: TID251
    event = AuditEvent(
        event_id=uuid4(),
        event_timestamp=at,
        event_date=at.date(),
        event_outcome="success",
        actor_id="holmesgpt-api",
        resource_id=str(uuid4()),
        resource_name=f"search-{number}",
        correlation_id=f"rr-2026-{number:06d}",
        namespace=namespace,
        cluster_id=str(uuid4()),
        event_data={"query": {"text": "OOMKilled critical"}, "results": {"total_found": 1}},
        event_metadata={"policy": "ClusterAuditPolicy/default"},
        retention_days=2555,
        duration_ms=45,
        top_workflow_id="pod-oom-gitops",
        top_confidence=0.6597,
    )
    return replace(event, **changes)


def correlation_ids(*numbers: int) -> list[str]:
    """Give the correlation ids of such events."""
    return [f"rr-2026-{number:06d}" for number in numbers]


def write(environment: LocalEnvironment, events: Sequence[AuditEvent]) -> None:
    """Record events as the operator does."""

    async def written() -> None:
        address = DatabaseAddress(url=environment.database_url())
        async with Database(address) as database, EventWriter(database) as writer:
            await asyncio.gather(*(writer.write(event, timeout_seconds=30) for event in events))

    asyncio.run(written())


@dataclass(frozen=True)
class Answered:
    """What the server said."""

    status: int
    headers: urllib3.HTTPHeaderDict
    content: bytes

    @property
    def body(self) -> Any:
        """What it said, read as JSON."""
        return json.loads(self.content)


Headers = Sequence[tuple[str, str]]


class Ask(Protocol):
    """Asks over one connection."""

    def __call__(
        self, path: str, headers: Headers = (), method: str = "GET", body: bytes | None = None
    ) -> Answered:
        """Give what it says."""
        ...


@dataclass(frozen=True)
class ReadingServer:
    """The server itself, past the API server."""

    environment: LocalEnvironment
    port: int

    def get(
        self, path: str, headers: Headers = (), pair: KeyPair | None = None, method: str = "GET"
    ) -> Answered:
        """Ask it, with a client certificate or without.

        Raises:
            urllib3.exceptions.HTTPError: it does not even talk to us.
        """
        with self.connected(pair) as ask:
            return ask(path, headers, method)

    @contextmanager
    def connected(self, pair: KeyPair | None = None) -> Iterator[Ask]:
        """Lend a connection that is used again and again."""
        with _pool(self.environment, pair) as pool:

            def ask(
                path: str, headers: Headers = (), method: str = "GET", body: bytes | None = None
            ) -> Answered:
                found = urllib3.HTTPHeaderDict()
                for name, value in headers:
                    found.add(name, value)
                url = f"https://{HOST}:{self.port}{path}"
                answer = pool.request(method, url, headers=found, body=body)
                return Answered(answer.status, answer.headers, answer.data)

            yield ask

    @property
    def log(self) -> str:
        """All that it printed."""
        return (self.environment.folder / NAME / "log").read_text(encoding="utf-8")

    def log_lines(self) -> list[Json]:
        """The same, read as JSON."""
        return [json.loads(line) for line in self.log.splitlines()]


@contextmanager
def _pool(environment: LocalEnvironment, pair: KeyPair | None) -> Iterator[urllib3.PoolManager]:
    context = _client_context(environment, pair)
    with urllib3.PoolManager(ssl_context=context, retries=False, timeout=30) as pool:
        yield pool


def _client_context(environment: LocalEnvironment, pair: KeyPair | None) -> ssl.SSLContext:
    authority = environment.control_plane.certificates.cluster.certificate
    context = ssl.create_default_context(cadata=authority)
    if pair:
        home = Path(environment.folder) / f"client-{uuid4()}"
        home.mkdir(mode=0o700)
        (home / "crt").write_text(pair.certificate)
        (home / "key").write_text(pair.key)
        context.load_cert_chain(home / "crt", home / "key")
    return context


@contextmanager
def reading_server(environment: LocalEnvironment, **settings: str) -> Iterator[ReadingServer]:
    """Run the server for as long as the block takes."""
    account = {"KUBECONFIG": str(account_kubeconfig(environment, SERVICE))}
    with running_apiserver(environment, account | settings) as port:
        yield ReadingServer(environment, port)


def forged(user: str) -> Headers:
    """Give headers that name a user who may do everything, as the API server would write them."""
    return [("X-Remote-User", user), ("X-Remote-Group", "system:masters")]


def client_ssl(server: ReadingServer, pair: KeyPair | None = None) -> ssl.SSLContext:
    """Give TLS that trusts the server, and shows it a certificate."""
    return _client_context(server.environment, pair)


def trusted_pair(server: ReadingServer) -> KeyPair:
    """Give a certificate as the API server has it, whose word counts."""
    front_proxy = server.environment.control_plane.certificates.front_proxy
    return front_proxy.client(FRONT_PROXY_CLIENT, (), utc_now())


def a_namespace(api: Api) -> str:
    """Make a namespace without events; gives its name."""
    name = f"reading-{next(_numbers)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    api.apply(f"/api/v1/namespaces/{name}", body)
    return name


def let_read_everywhere(api: Api, user: str) -> None:
    """Bind a user to the role for readers that we ship."""
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": _binding(user)},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "workflow-audit-reader",
        },
        "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
    }
    api.apply(f"{RBAC}/clusterrolebindings/{_binding(user)}", body)


def stop_reading_everywhere(api: Api, user: str) -> None:
    """Take that back."""
    assert api.delete(f"{RBAC}/clusterrolebindings/{_binding(user)}").ok


def _binding(user: str) -> str:
    return "read-" + user.replace(":", "-")


def a_service_account(api: Api, namespace: str, name: str) -> tuple[str, str]:
    """Make a service account; gives its user name and a token."""
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    api.create(accounts, {"metadata": {"name": name}})
    token = api.create(f"{accounts}/{name}/token", {"spec": {}})["status"]["token"]
    return f"system:serviceaccount:{namespace}:{name}", token


def let_count(api: Api, namespace: str, user: str) -> None:
    """Give a user a Role of his own for statistics, which show nothing without the events."""
    rule = {
        "apiGroups": ["auditlog.kubernaut.ai"],
        "resources": ["auditstatistics"],
        "verbs": ["get", "list"],
    }
    _give(api, namespace, user, f"count-{user}", rule)


def let_read(api: Api, namespace: str, user: str, *, types: Sequence[str] = ()) -> None:
    """Give a user a Role of his own to read events of a namespace, perhaps of some types only."""
    name = f"read-{user}"
    rule: Json = {
        "apiGroups": ["auditlog.kubernaut.ai"],
        "resources": ["auditevents"],
        "verbs": ["get", "list", "watch"],
    } | ({"resourceNames": list(types)} if types else {})
    _give(api, namespace, user, name, rule)


def _give(api: Api, namespace: str, user: str, name: str, rule: Json) -> None:
    role = f"{RBAC}/namespaces/{namespace}/roles"
    api.apply(
        f"{role}/{name}",
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": name},
            "rules": [rule],
        },
    )
    api.apply(
        f"{RBAC}/namespaces/{namespace}/rolebindings/{name}",
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [
                {"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}
            ],
        },
    )  # fmt: skip
