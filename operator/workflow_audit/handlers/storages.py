"""kopf's storages, for handlers that keep nothing in the object.

kopf asks both storages at every event, also where no handler needs them; its own ones copy the
whole object and write annotations.
"""

from collections.abc import Iterable
from typing import Any

import kopf
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory


class NoDiffBase(kopf.DiffBaseStorage):
    """Remembers nothing: whether a search is done stands in its status."""

    def build(self, *, body: kopf.Body, extra_fields: Iterable[Any] | None = None) -> Any:
        """Give nothing to compare."""
        return {}

    def fetch(self, *, body: kopf.Body) -> Any:
        """Give nothing that was remembered."""
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: Any) -> None:
        """Remember nothing."""


class NoProgress(kopf.ProgressStorage):
    """Remembers nothing: low-level handlers have no progress."""

    def fetch(self, *, key: Any, body: kopf.Body) -> Any:
        """Give nothing that was remembered."""
        return None

    def store(self, *, key: Any, record: Any, body: kopf.Body, patch: kopf.Patch) -> None:
        """Remember nothing."""

    def purge(self, *, key: Any, body: kopf.Body, patch: kopf.Patch) -> None:
        """Forget nothing."""

    def touch(self, *, body: kopf.Body, patch: kopf.Patch, value: str | None) -> None:
        """Touch nothing: an idle object must not be written."""

    def clear(self, *, essence: Any) -> Any:
        """Give the essence as it is."""
        return essence


class NoMemories(ResourceMemories):
    """Keeps nothing of an object after its event: only daemons and indices would need it.

    kopf keeps some kilobytes of each object until it is told that the object is gone, which it is
    not before the first list has come to its end.
    """

    async def recall(self, raw_body: Any, **known: Any) -> ResourceMemory:
        """Give what is needed for one event."""
        return await super().recall(raw_body, **(known | {"ephemeral": True}))
