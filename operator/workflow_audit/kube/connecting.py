"""The API server: one client for all that is asked of it, and its errors as ours.

The Kubernetes client brings credentials, TLS and token renewal; its typed calls are not used: they
import some 900 models, 70 MiB beside the operator's own 95, and custom resources have none.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Self

import aiohttp
from kubernetes.aio import client, config
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.config.config_exception import ConfigException
from yaml import YAMLError

from workflow_audit.errors import ClusterError

Json = dict[str, Any]

ANSWER = aiohttp.ClientTimeout(total=30, sock_connect=5)
"""For a whole answer; a list in pages has it for each page."""

STREAM = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=90)
"""For an answer without end; the API server sends a bookmark about every minute."""

CONNECTIONS = 16
UNAUTHORIZED = 401
OK, REDIRECT = 200, 300
LONGEST_ANSWER_CHARACTERS = 512


@dataclass(frozen=True)
class _Request:
    doing: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    limits: aiohttp.ClientTimeout


class ApiServer:
    """Asks the API server, with the pod's service account or else with a kubeconfig.

    Credentials are read when something is asked for the first time, and anew whenever the API
    server does not accept them any more.
    """

    def __init__(self, kubeconfig: Path | None = None, context: str | None = None) -> None:
        """Know where the credentials are; nothing is read yet.

        Args:
            kubeconfig: None takes the pod's service account, or else that of KUBECONFIG. May be
                several files, as in KUBECONFIG.
            context: of the kubeconfig; None takes its current one.
        """
        self._kubeconfig = kubeconfig
        self._context = context
        self._client: client.ApiClient | None = None
        self._connecting = asyncio.Lock()
        self.told: datetime | None = None
        """The API server's own time, as its last answer told it: ages of its objects are measured
        by it, because ours may be wrong."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def ask(
        self,
        doing: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Json:
        """Give the answer's JSON.

        Args:
            doing: what it is for, as messages say it.
            method: of the request.
            path: with its parts quoted, without query.
            query: parameters behind the path.
            body: what is sent, as JSON.
            content_type: of the body.
            accept: of the answer.

        Raises:
            ClusterError: the API server refuses, or cannot be reached.
        """
        headers = {"Accept": accept} | ({"Content-Type": content_type} if body is not None else {})
        request = _Request(doing, method, path, query or {}, headers, body, ANSWER)
        async with self._answer(request) as answer:
            content: Json = json.loads(await answer.read())
            return content

    @asynccontextmanager
    async def stream(
        self, doing: str, path: str, query: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """Lend the body of an answer without end.

        Raises:
            ClusterError: as in `ask`; also when the stream breaks or is silent for too long.
        """
        headers = {"Accept": "application/json"}
        request = _Request(doing, "GET", path, query, headers, None, STREAM)
        async with self._answer(request) as answer:
            yield answer.content

    @asynccontextmanager
    async def _answer(self, request: _Request) -> AsyncIterator[aiohttp.ClientResponse]:
        doing = request.doing
        try:
            for last_try in (False, True):
                async with await self._sent(request) as answer:
                    if answer.status == UNAUTHORIZED and not last_try:
                        await self._close()  # a token has run out, or a certificate was replaced
                        continue
                    if not OK <= answer.status < REDIRECT:
                        raise _refusal(doing, answer, await answer.text())
                    if date := answer.headers.get("Date"):
                        self.told = parsedate_to_datetime(date)
                    yield answer
                    return
        except TimeoutError as error:
            raise ClusterError(f"{doing}: the API server does not answer in time") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            words = " ".join(str(error).split())
            raise ClusterError(f"{doing}: the API server cannot be reached: {words}") from error

    async def _sent(self, request: _Request) -> aiohttp.ClientResponse:
        api = await self._connected(request.doing)
        serialized = await api.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query.items()),
            header_params=dict(request.headers),
            body=request.body,
            auth_settings=["BearerToken"],
        )
        given = await api.call_api(*serialized, _request_timeout=request.limits)
        answer: aiohttp.ClientResponse = given.response
        return answer

    async def _connected(self, doing: str) -> client.ApiClient:
        async with self._connecting:  # many may ask at once, and one connects
            return self._client or await self._connect(doing)

    async def _connect(self, doing: str) -> client.ApiClient:
        configuration = client.Configuration()
        configuration.trace_configs = [_no_redirects()]
        configuration.retries = None  # who asks knows better when; False would be without end
        configuration.connection_pool_maxsize = CONNECTIONS
        try:
            await _load(configuration, self._kubeconfig, self._context)
        except (ConfigException, YAMLError, TypeError) as error:  # TypeError: an empty file
            raise ClusterError(
                f"{doing}: neither a service account nor a kubeconfig is there ({error}); "
                "set KUBECONFIG, or run in a cluster"
            ) from error
        except ApiException as error:
            raise ClusterError(f"{doing}: no credentials: {error.reason}") from error
        self._client = client.ApiClient(configuration)
        return self._client

    async def _close(self) -> None:
        if self._client is not None:
            closing, self._client = self._client, None
            await closing.close()  # type: ignore[no-untyped-call]


def _no_redirects() -> aiohttp.TraceConfig:
    """Have a redirect be an error: an API server gives none, and bodies are for nobody else."""

    async def refuse(*_: object) -> None:
        raise aiohttp.ClientError("it redirects to somewhere else")

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse)
    return trace


def _refusal(doing: str, answer: aiohttp.ClientResponse, text: str) -> ClusterError:
    """Give an error with the API server's own words, where it has some."""
    try:
        said_object = json.loads(text)
        words = str(said_object.get("message", ""))
        next_page = str(said_object.get("metadata", {}).get("continue", ""))
    except (ValueError, AttributeError):
        words, next_page = "", ""
    words = words[:LONGEST_ANSWER_CHARACTERS]
    said = f": {words}" if words else ""
    after = answer.headers.get("Retry-After", "")
    return ClusterError(
        f"{doing}: the API server answers {answer.status} {answer.reason}{said}",
        answer.status,
        words=words,
        next_page=next_page,
        retry_after_seconds=float(after) if after.isdecimal() else None,
    )


async def _load(
    configuration: client.Configuration, kubeconfig: Path | None, context: str | None
) -> None:
    if kubeconfig is None and in_cluster():
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        path = str(kubeconfig) if kubeconfig else None
        await config.load_kube_config(  # type: ignore[no-untyped-call]
            path, context=context, client_configuration=configuration
        )


def in_cluster() -> bool:
    """Tell whether this is a pod; kubelet sets the variable in each."""
    return "KUBERNETES_SERVICE_HOST" in os.environ
