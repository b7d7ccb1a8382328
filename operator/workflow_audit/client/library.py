"""What an agent's search tool calls. A call never waits, and nothing of it reaches the caller.

What holds, and what the tests check:
- A call takes one JSON text of its arguments and puts it into a queue; everything else happens in
  two threads (`receiving`, `sending`).
- Errors are counted and logged, at most once a minute each, without texts of searches.
"""

import asyncio
import atexit
import os
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from workflow_audit.client.auditing import AuditedSearch, audited
from workflow_audit.client.complaints import Complaints, place_of
from workflow_audit.client.counts import ClientStats, Counts, OnMetric
from workflow_audit.client.failures import SEARCH_FAILED, FailureFacts, failure_of
from workflow_audit.client.forking import at_end_of_worker, tell_of_forks
from workflow_audit.client.running import Running
from workflow_audit.client.settings import ClientSettings, settings_from_env
from workflow_audit.client.snapshot import snapshot
from workflow_audit.client.ways import LibraryMissingError, transport_of

P = ParamSpec("P")
R = TypeVar("R")

EXIT_SECONDS = 1.0
"""How long the end of the interpreter may be held up."""

_OF_PARENTS: list[Running] = []
"""Kept for ever in a forked process: to close any of it would disturb the parent."""

NOTHING = ClientStats(0, 0, 0, 0, 0, 0, 0, {})


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
        self._settings, self._on_metric = settings, on_metric
        self._complaints = Complaints()
        self._lock = threading.RLock()
        self._running: Running | None = None
        self._held = self._closed = False
        if settings.enabled:
            self._guarded(self._started)
            tell_of_forks(
                before=self._before_fork,
                in_parent=self._after_fork_in_parent,
                in_child=self._after_fork_in_child,
            )
            atexit.register(self._close_at_end)

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
        self._record(asked, {"response": response, "duration_ms": duration_ms})

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
        found = failure_of(error) if error is not None else FailureFacts(SEARCH_FAILED, "")
        failure = FailureFacts(code or found.code, message or found.message)
        self._record(asked, {"failure": failure, "duration_ms": duration_ms})

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
        running = self._running
        return running.stats() if running else NOTHING

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Wait until everything is sent; False where the time is over before. Never raises."""
        running = self._running
        return bool(self._guarded(lambda: running.flush(timeout_seconds))) if running else True

    def close(self, timeout_seconds: float = 5.0) -> None:
        """Send as much as there is time for; the rest stays in the spool. Later calls are dropped.

        The end of the interpreter does it by itself, within about a second.
        """
        with self._lock:
            running, self._closed = (None if self._closed else self._running), True
        if running:
            atexit.unregister(self._close_at_end)
            self._guarded(lambda: running.close(timeout_seconds))

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

    def _close_at_end(self) -> None:
        self.close(EXIT_SECONDS)

    def _before_fork(self) -> None:
        """Let go of the spool's file."""
        running = self._running
        self._held = running is not None and running.keeping.before_fork()

    def _after_fork_in_parent(self) -> None:
        """Go on."""
        if self._held and self._running:
            self._held = False
            self._running.keeping.after_fork()

    def _after_fork_in_child(self) -> None:
        """Forget the parent's threads, queue and counts."""
        self._held = False
        self._lock = threading.RLock()
        self._complaints = Complaints()
        if self._running:
            _OF_PARENTS.append(self._running)
            self._running = None

    def _record(self, asked: Mapping[str, Any], came: Mapping[str, Any]) -> None:
        if not self._settings.enabled:
            return
        self._guarded(lambda: self._put(asked, came))

    def _put(self, asked: Mapping[str, Any], came: Mapping[str, Any]) -> None:
        running = self._running or self._started()
        # A random id would ask the system, and let other threads have the interpreter meanwhile.
        call = {**asked, **came, "at": time.time(), "number": next(running.numbers)}
        if self._closed:
            running.counts.drop_quietly("closed")
        elif not running.intake.put(snapshot(call)):
            running.counts.drop_quietly("queue_full")

    def _started(self) -> Running:
        with self._lock:
            if self._running is None:
                transport = transport_of(self._settings)
                counts = Counts(self._listeners(), self._complaints)
                self._running = Running(self._settings, transport, counts, self._complaints)
                at_end_of_worker(self._close_at_end)
            return self._running

    def _listeners(self) -> tuple[OnMetric, ...]:
        try:
            from workflow_audit.client.prometheus import to_prometheus  # noqa: PLC0415 - perhaps
        except ImportError:
            return (self._on_metric,) if self._on_metric else ()
        return (to_prometheus, self._on_metric) if self._on_metric else (to_prometheus,)

    def _guarded(self, action: Callable[[], R]) -> R | None:
        """Do something of ours, whose errors are none of the caller's."""
        try:
            return action()
        except LibraryMissingError as error:
            self._complaints.say("library", f"no search can be recorded: {error}")
            return None
        except Exception as error:  # noqa: BLE001 - that is the promise
            self._complaints.say("mistake", f"a search cannot be recorded: {place_of(error)}")
            return None
