"""Keeps a copy of all objects of a resource up to date: a list, then a watch.

kopf tells nobody of objects that went away while its watch was down, and ends with all of its
watches when one of them is refused. What applies to a search, and what a policy has in place, must
not depend on either (docs/decisions/0009-policies-without-kopf.md).
"""

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

from workflow_audit.errors import ClusterError
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.models.resource import Resource

log = logging.getLogger(__name__)

Json = dict[str, Any]
Changed = Callable[[Json | None, Json | None], None]
"""Told an object as it was and as it is; None stands for one that is not there."""

PAGE = 500
WATCH_SECONDS = 290
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 15.0
GONE, NOT_FOUND = 410, 404


class Informer:
    """The objects of one resource, as the API server last told of them.

    What was known stays known while the API server cannot be reached.
    """

    def __init__(
        self,
        api: ApiServer,
        resource: Resource,
        changed: Changed,
        *,
        label_selector: str = "",
        field_selector: str = "",
        namespace: str | None = None,
        served_changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Know what to watch; nothing is asked yet.

        Args:
            api: whom to ask.
            resource: what to watch.
            changed: told of every change, in order; must not raise.
            label_selector: only objects that it selects.
            field_selector: likewise.
            namespace: None is all of them.
            served_changed: told when the API server begins or ceases to know the resource.
        """
        self._api = api
        self.resource = resource
        self._changed = changed
        self._served_changed = served_changed
        selectors = {"labelSelector": label_selector, "fieldSelector": field_selector}
        self._query = {name: selector for name, selector in selectors.items() if selector}
        self._path = resource.path(namespace)
        self._objects: dict[tuple[str, str], Json] = {}
        self._pause = FIRST_PAUSE_SECONDS
        """Grows until a watch tells something; an answered list does not mean that it will."""

        self.known = asyncio.Event()
        """Set once all objects are known."""

        self.problem: str | None = None
        """Why the objects are not known, or no longer up to date."""

        self.served = True
        """Whether the API server knows the resource at all."""

    def objects(self) -> list[Json]:
        """Give all objects."""
        return list(self._objects.values())

    def get(self, namespace: str | None, name: str) -> Json | None:
        """Give an object, if there is one of that name."""
        return self._objects.get((namespace or "", name))

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                await self._follow(await self._list())
            except ClusterError as error:
                self._note(error)
            await asyncio.sleep(self._pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    def _note(self, error: ClusterError) -> None:
        if self.problem is None:
            log.warning("%s", error)
        self.problem = str(error)
        if error.status == NOT_FOUND:
            self._replace({})  # the definition was removed, and all objects with it
            self.known.set()
            self._note_served(served=False)

    def _note_served(self, *, served: bool) -> None:
        if self.served != served:
            self.served = served
            self._served_changed()

    async def _list(self) -> str:
        """Take all objects from a list; gives the version to watch from."""
        found: dict[tuple[str, str], Json] = {}
        more = ""
        # Built-in objects say in a watch what they are, and not in a list.
        named = {"apiVersion": self.resource.api_version, "kind": self.resource.kind}
        while True:
            query = self._query | {"limit": str(PAGE)} | ({"continue": more} if more else {})
            page = await self._api.ask(self._doing, "GET", self._path, query=query)
            found |= {_key(item): named | item for item in page["items"] or ()}
            more = page["metadata"].get("continue", "")
            if not more:
                break
        self.problem = None
        self._replace(found)
        self.known.set()
        self._note_served(served=True)
        return str(page["metadata"]["resourceVersion"])

    def _replace(self, found: dict[tuple[str, str], Json]) -> None:
        before, self._objects = self._objects, found
        for key in before.keys() - found.keys():
            self._changed(before[key], None)
        for key, item in found.items():
            if before.get(key, {}).get("metadata", {}).get("resourceVersion") != _version(item):
                self._changed(before.get(key), item)

    async def _follow(self, version: str) -> None:
        """Take what changes, until the API server has forgotten where we are."""
        while True:
            try:
                async for event in self._events(version):
                    version = _version(event["object"])
                    self._take(event["type"], event["object"])
            except ClusterError as error:
                if error.status == GONE:
                    return
                if error.status is not None:
                    raise
                self._note(error)  # the connection broke: go on from here
                await asyncio.sleep(FIRST_PAUSE_SECONDS)

    async def _events(self, version: str) -> AsyncIterator[Json]:
        query = self._query | {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        async with self._api.stream(self._doing, self._path, query) as body:
            self.problem = None
            async for line in body:
                event: Json = json.loads(line)
                if event["type"] == "ERROR":
                    status = event["object"]
                    raise ClusterError(f"{self._doing}: {status['message']}", status["code"])
                yield event

    def _take(self, kind: str, item: Json) -> None:
        self._pause = FIRST_PAUSE_SECONDS
        if kind == "BOOKMARK":
            return
        before = self._objects.pop(_key(item), None)
        after = None if kind == "DELETED" else item
        if after is not None:
            self._objects[_key(item)] = after
        self._changed(before, after)

    @property
    def _doing(self) -> str:
        return f"watching {self.resource.plural}"


def _key(item: Json) -> tuple[str, str]:
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _version(item: Json) -> str:
    return str(item["metadata"]["resourceVersion"])
