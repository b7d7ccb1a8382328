"""An independent witness: every change of a namespace's searches, with the time it was seen."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

import aiohttp
import orjson

from bench.cluster import Cluster, searches
from workflow_audit.errors import ClusterError

STALLED_SECONDS = 180.0
"""Longest time without another recorded search."""

LOOK_SECONDS = 0.25


class SearchWatch:
    """Watches without any selector; times are `time.monotonic()` at the arrival of the bytes."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._path = searches(namespace)
        self._version = ""
        self._expected = 0
        self._complete = asyncio.Event()
        self.recorded: dict[str, float] = {}
        """When each search was first seen Recorded, by name."""
        self.versions: dict[str, set[str]] = {}
        """Every resourceVersion of each search after its creation, by name."""

    async def __aenter__(self) -> Self:
        listed = await self._cluster.get(f"{self._path}?limit=1")
        self._version = listed["metadata"]["resourceVersion"]
        self._task = asyncio.create_task(self._run(), name="witness")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def wait_recorded(self, count: int, progress: Callable[[int], None]) -> None:
        """Return as soon as so many searches were seen Recorded.

        Raises:
            ClusterError: the watch failed, or nothing happens any more.
        """
        self._expected = count
        seen, since = -1, time.monotonic()
        while len(self.recorded) < count:
            self._complete.clear()
            try:
                await asyncio.wait_for(self._complete.wait(), LOOK_SECONDS)
            except TimeoutError:
                progress(len(self.recorded))
            if self._task.done():
                self._task.result()
            if len(self.recorded) > seen:
                seen, since = len(self.recorded), time.monotonic()
            elif time.monotonic() - since > STALLED_SECONDS:
                raise ClusterError(f"only {seen} of {count} searches are recorded, and no more")

    @property
    def writes(self) -> list[int]:
        """How often each search was written after its creation."""
        return [len(versions) for versions in self.versions.values()]

    async def _run(self) -> None:
        # The API server ends a watch from time to time; the next one goes on from there.
        while True:
            query = f"watch=1&allowWatchBookmarks=true&resourceVersion={self._version}"
            with suppress(aiohttp.ClientPayloadError):
                async with self._cluster.stream(f"{self._path}?{query}") as answer:
                    answer.raise_for_status()
                    await self._follow(answer)

    async def _follow(self, answer: aiohttp.ClientResponse) -> None:
        rest = b""
        async for chunk in answer.content.iter_any():
            now = time.monotonic()
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._take(orjson.loads(line), now)
            if 0 < self._expected <= len(self.recorded):
                self._complete.set()

    def _take(self, event: dict[str, Any], now: float) -> None:
        kind, item = event["type"], event["object"]
        if kind == "ERROR":
            raise ClusterError(f"the watch failed: {item}")
        metadata = item["metadata"]
        self._version = metadata["resourceVersion"]
        if kind not in {"ADDED", "MODIFIED"}:
            return
        versions = self.versions.setdefault(metadata["name"], set())
        if kind == "MODIFIED":
            versions.add(metadata["resourceVersion"])
        if item.get("status", {}).get("phase") == "Recorded":
            self.recorded.setdefault(metadata["name"], now)
