"""Audit events as the cluster's aggregated API gives them to whoever asks."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import aiohttp

from workflow_audit.errors import ClusterError
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.models.auditlog import AUDIT_EVENT
from workflow_audit.models.listing import EventPage, Told

Json = dict[str, Any]

WATCH_SECONDS = 600
DOING = "reading audit events"


class AuditEvents:
    """The events of one namespace, or of all."""

    def __init__(self, api: ApiServer, namespace: str | None) -> None:
        """Know where they are; nothing is asked yet."""
        self._api = api
        self._namespace = namespace

    async def page(
        self, parameters: Mapping[str, str], most: int, *, cursor: str = "", position: str = ""
    ) -> EventPage:
        """Give a page of events.

        Args:
            parameters: selectors.
            most: how many at the most; the server has a bound of its own.
            cursor: of the page before; empty for the first.
            position: nothing that was recorded behind it, for a first page; empty is the newest.

        Raises:
            ClusterError: the API server refuses, or cannot be reached.
        """
        query = {**parameters, "limit": str(most)}
        if cursor:
            query["continue"] = cursor
        elif position:
            query |= {"resourceVersion": position, "resourceVersionMatch": "Exact"}
        answer = await self._api.ask(DOING, "GET", AUDIT_EVENT.path(self._namespace), query=query)
        about = answer["metadata"]
        return EventPage(answer["items"], about.get("continue", ""), about["resourceVersion"])

    async def event(self, name: str) -> Json:
        """Give the event of a name.

        Raises:
            ClusterError: there is none, the API server refuses, or cannot be reached.
        """
        return await self._api.ask(DOING, "GET", AUDIT_EVENT.path(self._namespace, name))

    async def watch(
        self, parameters: Mapping[str, str], position: str
    ) -> AsyncGenerator[Told, None]:
        """Tell what is recorded behind a position, until the server ends it.

        Raises:
            ClusterError: the API server refuses, cannot be reached, or says in the midst that it
                cannot go on.
        """
        query = {
            **parameters,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": position,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        doing = "watching audit events"
        async with self._api.stream(doing, AUDIT_EVENT.path(self._namespace), query) as body:
            async for line in _lines(body):
                told = json.loads(line)
                if told["type"] == "ERROR":
                    status = told["object"]
                    words = status["message"]
                    raise ClusterError(f"{doing}: {words}", status["code"], words=words)
                yield Told(told["type"], told["object"])


async def _lines(body: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Give whole lines; aiohttp's refuse one above 128 KiB, and an event may be 1 MiB."""
    parts: list[bytes] = []
    async for chunk in body.iter_any():
        first, *others = chunk.split(b"\n")
        parts.append(first)
        for part in others:
            yield b"".join(parts)
            parts = [part]
