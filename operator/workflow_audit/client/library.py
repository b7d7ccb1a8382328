"""What an agent's search tool calls. A call never waits, and nothing of it reaches the caller.

What holds, and what the tests check: a call takes one JSON text of its arguments and puts it into a
queue; everything else happens in two threads (`receiving`, `sending`).
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from workflow_audit.client.auditing import AuditedSearch, audited
from workflow_audit.client.counts import ClientStats, OnMetric
from workflow_audit.client.failures import told_failure
from workflow_audit.client.lifetime import Lifetime
from workflow_audit.client.settings import ClientSettings, settings_from_env

P = ParamSpec("P")
R = TypeVar("R")


class AuditClient:
    """Records searches of the workflow catalogue; safe for threads, event loops and forks.

    One for the whole process is enough. It sends what an earlier process has left in the spool as
    soon as it is made.
    """

    def __init__(self, settings: ClientSettings, *, on_metric: OnMetric | None = None) -> None:
        """Start at once.

        Args:
            settings: how searches reach the audit.
            on_metric: gets every count, in the library's threads.
        """
        self._lifetime = Lifetime(settings, on_metric)
        self._record = self._lifetime.record

    @classmethod
    def from_env(
        cls, environment: Mapping[str, str] | None = None, *, on_metric: OnMetric | None = None
    ) -> Self:
        """Start with the settings of the environment; a bad one is logged, and never raises.

        Args:
            environment: None takes the process's own.
            on_metric: as for the class.
        """
        return cls(
            settings_from_env(os.environ if environment is None else environment),
            on_metric=on_metric,
        )

    def search_completed(
        self,
        *,
        correlation_id: str,
        query: str,
        response: Any,
        filters: Mapping[str, Any] | None = None,
        top_k: int = 10,
        min_similarity: float | None = None,
        duration_ms: float | None = None,
        search_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        namespace: str | None = None,
    ) -> None:
        """Record a search that the catalogue has answered; returns at once, never raises.

        Args:
            correlation_id: name of the remediation request that the search serves.
            query: what was looked for.
            response: the catalogue's answer as it is, in either of its shapes. What is no such
                answer is recorded as the failure `MalformedResponse`.
            filters: labels that were asked for.
            top_k: most workflows that were asked for.
            min_similarity: least base similarity that was asked for.
            duration_ms: how long the catalogue took.
            search_id: the same for calls about the same search, which is recorded once. Left out,
                each call is a search of its own.
            labels: by which policies select searches.
            namespace: of the search, where it is not that of the settings.
        """
        self._record(
            {
                "correlation_id": correlation_id,
                "query": query,
                "response": response,
                "filters": filters,
                "top_k": top_k,
                "min_similarity": min_similarity,
                "duration_ms": duration_ms,
                "search_id": search_id,
                "labels": labels,
                "namespace": namespace,
            }
        )

    def search_failed(
        self,
        *,
        correlation_id: str,
        query: str,
        error: BaseException | None = None,
        code: str | None = None,
        message: str = "",
        filters: Mapping[str, Any] | None = None,
        top_k: int = 10,
        min_similarity: float | None = None,
        duration_ms: float | None = None,
        search_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        namespace: str | None = None,
    ) -> None:
        """Record a search that the catalogue has not answered; returns at once, never raises.

        Args:
            correlation_id: as in `search_completed`, like all others that are not named here.
            query: what was looked for.
            error: the exception; its kind gives the code (`CatalogueTimeout`, `TLSError`, ...).
            code: the reason in one word, where there is no exception.
            message: what happened, for people.
            filters: labels that were asked for.
            top_k: most workflows that were asked for.
            min_similarity: least base similarity that was asked for.
            duration_ms: how long it took.
            search_id: the same for calls about the same search.
            labels: by which policies select searches.
            namespace: of the search.
        """
        self._record(
            {
                "correlation_id": correlation_id,
                "query": query,
                "failure": told_failure(error, code, message),
                "filters": filters,
                "top_k": top_k,
                "min_similarity": min_similarity,
                "duration_ms": duration_ms,
                "search_id": search_id,
                "labels": labels,
                "namespace": namespace,
            }
        )

    def search(
        self,
        *,
        correlation_id: str,
        query: str,
        filters: Mapping[str, Any] | None = None,
        top_k: int = 10,
        min_similarity: float | None = None,
        search_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        namespace: str | None = None,
    ) -> AuditedSearch:
        """Record the search that a `with` or `async with` block makes.

        Set `response` in it; duration and failure come by themselves, and an exception goes on
        unchanged. Arguments as in `search_completed`.
        """
        asked = {
            "correlation_id": correlation_id,
            "query": query,
            "filters": filters,
            "top_k": top_k,
            "min_similarity": min_similarity,
            "search_id": search_id,
            "labels": labels,
            "namespace": namespace,
        }
        return AuditedSearch(self._record, asked)

    def audited(
        self,
        *,
        correlation_id: str | Callable[[], str] | None = None,
        labels: Mapping[str, str] | None = None,
        namespace: str | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Decorate a search function, plain or async, that returns the catalogue's answer.

        What was asked comes from its parameters of the names `correlation_id`, `query` (which it
        must have), `filters`, `top_k` and `min_similarity`.

        Args:
            correlation_id: where the function has no such parameter; a function is called at each
                search.
            labels: by which policies select searches.
            namespace: of the searches.

        Raises:
            TypeError: when decorating, where there is no parameter `query`.
        """
        besides = {"correlation_id": correlation_id, "labels": labels, "namespace": namespace}
        return audited(self._record, besides)

    def stats(self) -> ClientStats:
        """Give what became of the calls of this process."""
        return self._lifetime.stats()

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Wait until everything is sent; False where the time is over before. Never raises."""
        return self._lifetime.flush(timeout_seconds)

    def close(self, timeout_seconds: float = 5.0) -> None:
        """Send as much as there is time for; the rest stays in the spool. Later calls are dropped.

        The end of the interpreter does it by itself, within about a second.
        """
        self._lifetime.close(timeout_seconds)

    async def aflush(self, timeout_seconds: float = 5.0) -> bool:
        """Wait as `flush` does, while the event loop goes on."""
        return await asyncio.to_thread(self.flush, timeout_seconds)

    async def aclose(self, timeout_seconds: float = 5.0) -> None:
        """Close as `close` does, while the event loop goes on."""
        await asyncio.to_thread(self.close, timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
