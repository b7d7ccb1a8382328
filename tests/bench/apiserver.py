"""The server of readers on a database of its own, and who may do what there."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import aiohttp

from bench.cluster import KEEP_ALIVE_SECONDS
from bench.databases import FreshDatabase
from support.api import Api
from support.reading import a_service_account, let_read_everywhere
from workflow_audit.cli.local_apiserver import NAME, running_apiserver
from workflow_audit.cli.prepare import kubectl
from workflow_audit.errors import ClusterError
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.ports import HOST

NAMESPACE = "bench-readers"
SHOWN_CHARACTERS = 300
UNLIMITED = {
    # One user asks for everything here.
    "AUDIT_APISERVER_REQUESTS_PER_SECOND": "0",
    "AUDIT_APISERVER_REQUESTS_AT_ONCE": "0",
}


@dataclass(frozen=True)
class Server:
    """The server of readers, and who may ask it."""

    environment: LocalEnvironment
    port: int
    api: Api

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.environment.components[NAME].id.pid

    def make_namespace(self, name: str) -> None:
        """Make a namespace, unless it is there."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.api.apply(f"/api/v1/namespaces/{name}", body)

    def reader(self, name: str) -> str:
        """Make a service account that may read everything; gives its token."""
        user, token = a_service_account(self.api, NAMESPACE, name)
        let_read_everywhere(self.api, user)
        return token

    def searcher(self, name: str) -> str:
        """Make a service account that may report searches everywhere; gives its token."""
        user, token = a_service_account(self.api, NAMESPACE, name)
        role = "--clusterrole=workflow-audit-searcher"
        kubectl(self.environment, "create", "clusterrolebinding", name, role, f"--user={user}")
        return token

    def trusted(self) -> ssl.SSLContext:
        """Give what its certificate is verified by."""
        authority = self.environment.control_plane.certificates.cluster.certificate
        return ssl.create_default_context(cadata=authority)


@contextmanager
def served(
    environment: LocalEnvironment, fresh: FreshDatabase, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run it for as long as the block takes."""
    own = {"AUDIT_APISERVER_DATABASE_URL": fresh.reader, **UNLIMITED, **(settings or {})}
    with running_apiserver(environment, own) as port, Api(environment) as api:
        server = Server(environment, port, api)
        server.make_namespace(NAMESPACE)
        yield server


class Submitting:
    """Sends bodies as one user."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def post(self, path: str, body: bytes, key: str | None = None) -> bytes:
        """Send a body and give the answer's.

        Raises:
            ClusterError: it was refused, in whole or in part.
        """
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        async with self._session.post(path, data=body, headers=headers) as answer:
            content = await answer.read()
        if answer.status not in {200, 201}:
            text = content.decode(errors="replace")[:SHOWN_CHARACTERS]
            raise ClusterError(f"POST {path}: {answer.status} {text}")
        return content

    async def get(self, path: str) -> bytes:
        """Read something.

        Raises:
            ClusterError: it was refused.
        """
        async with self._session.get(path) as answer:
            content = await answer.read()
        if not answer.ok:
            text = content.decode(errors="replace")[:SHOWN_CHARACTERS]
            raise ClusterError(f"GET {path}: {answer.status} {text}")
        return content


@asynccontextmanager
async def talking(server: Server, token: str, connections: int) -> AsyncIterator[Submitting]:
    """Talk to it over connections that are open when the block begins and stay so."""
    connector = aiohttp.TCPConnector(
        limit=connections, ssl=server.trusted(), keepalive_timeout=KEEP_ALIVE_SECONDS
    )
    async with aiohttp.ClientSession(
        f"https://{HOST}:{server.port}",
        connector=connector,
        headers={"Authorization": f"Bearer {token}"},
        timeout=aiohttp.ClientTimeout(total=None),
    ) as session:
        client = Submitting(session)
        await asyncio.gather(*(client.get("/openapi.json") for _ in range(connections)))
        yield client
