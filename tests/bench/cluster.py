"""A bare client of the API server: aiohttp, orjson, nothing between."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Self, TypeVar
from uuid import UUID

import aiohttp
import orjson

from bench.corpus import REQUESTER
from support.api import client_context
from workflow_audit.cli.prepare import OPERATOR, OPERATOR_GROUPS, kubectl
from workflow_audit.errors import ClusterError
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.models.kinds import GROUP, VERSION, WORKFLOW_SEARCH

T = TypeVar("T")
R = TypeVar("R")
Json = dict[str, Any]

PLURAL = WORKFLOW_SEARCH.plural
ALL_SEARCHES = f"/apis/{GROUP}/{VERSION}/{PLURAL}"
REQUESTER_GROUPS = ("system:serviceaccounts", "system:serviceaccounts:holmesgpt")
KEEP_ALIVE_SECONDS = 120.0
SHOWN_CHARACTERS = 500
REMOVAL_ATTEMPTS = 5


def allow_requester(environment: LocalEnvironment) -> None:
    """Let the searching program create searches, by the role that is shipped for it."""
    role = "--clusterrole=workflow-audit-searcher"
    kubectl(environment, "create", "clusterrolebinding", "bench", role, f"--user={REQUESTER}")


class Cluster:
    """The API server, as one user."""

    def __init__(
        self,
        environment: LocalEnvironment,
        user: str | None = None,
        groups: Sequence[str] = (),
        connections: int = 32,
    ) -> None:
        self._url = environment.control_plane.url
        self._context = client_context(environment, user, groups)
        self._connections = connections

    @classmethod
    def as_operator(cls, environment: LocalEnvironment, connections: int) -> Self:
        """The shipped service account, whose rights the operator has."""
        return cls(environment, OPERATOR, OPERATOR_GROUPS, connections)

    @classmethod
    def as_requester(cls, environment: LocalEnvironment, connections: int) -> Self:
        """A program that searches."""
        return cls(environment, REQUESTER, REQUESTER_GROUPS, connections)

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit=self._connections, ssl=self._context, keepalive_timeout=KEEP_ALIVE_SECONDS
        )
        self._session = aiohttp.ClientSession(
            self._url, connector=connector, timeout=aiohttp.ClientTimeout(total=None)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    def stream(self, path: str) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Open an answer that has no end."""
        return self._session.get(path)

    async def request(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/json"
    ) -> bytes:
        """Send a request and give the answer's body.

        Raises:
            ClusterError: the API server refuses.
        """
        headers = {"Content-Type": kind, "Accept": "application/json"}
        async with self._session.request(method, path, data=body, headers=headers) as answer:
            content = await answer.read()
            if not answer.ok:
                text = content.decode(errors="replace")[:SHOWN_CHARACTERS]
                raise ClusterError(f"{method} {path}: {answer.status} {text}")
            return content

    async def get(self, path: str) -> Json:
        """Read something that is there."""
        found: Json = orjson.loads(await self.request("GET", path))
        return found

    async def cluster_id(self) -> UUID:
        """Give the uid of kube-system."""
        return UUID((await self.get("/api/v1/namespaces/kube-system"))["metadata"]["uid"])

    async def make_namespace(self, name: str) -> None:
        """Make a namespace."""
        await self.request("POST", "/api/v1/namespaces", orjson.dumps({"metadata": {"name": name}}))

    async def remove_searches(self, namespace: str) -> None:
        """Delete all searches of a namespace, which must be recorded.

        The API server gives up after a minute, with some of them left.
        """
        for attempt in range(1, REMOVAL_ATTEMPTS + 1):
            try:
                await self.request("DELETE", searches(namespace))
            except ClusterError:
                if attempt == REMOVAL_ATTEMPTS:
                    raise
            else:
                return

    async def connect(self) -> None:
        """Open all connections, so that no measurement contains a handshake."""
        await asyncio.gather(*(self.request("GET", "/version") for _ in range(self._connections)))

    async def counters(self, resources: str = PLURAL) -> "Counters":
        """Read the API server's own metrics about some resources."""
        return Counters((await self.request("GET", "/metrics")).decode(), resources)


def searches(namespace: str, name: str = "", subresource: str = "") -> str:
    """Give the path of a namespace's searches, or of one of them."""
    parts = [f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLURAL}", name, subresource]
    return "/".join(part for part in parts if part)


class Counters:
    """The API server's metrics about some resources at one moment."""

    def __init__(self, text: str, resources: str) -> None:
        about = re.compile(rf'resource="({resources})"')
        self._lines = [line for line in text.splitlines() if about.search(line)]

    def total(self, name: str, labels: str = "") -> float:
        """Add up all series of a metric whose labels match a pattern; 0 when there is none."""
        found = (line for line in self._lines if line.startswith(f"{name}{{"))
        return sum(float(line.rpartition(" ")[2]) for line in found if re.search(labels, line))


async def in_parallel(
    jobs: Iterable[T],
    connections: int,
    do: Callable[[T], Awaitable[R]],
    done: Callable[[int], None] = lambda _: None,
) -> list[R]:
    """Do all jobs, as many at a time as there are connections; the results have their order."""
    waiting = iter(list(enumerate(jobs)))
    results: dict[int, R] = {}

    async def worker() -> None:
        for number, job in waiting:
            results[number] = await do(job)
            done(len(results))

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(worker())
    return [results[number] for number in sorted(results)]
