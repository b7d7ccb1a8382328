"""The library in a process: begun once, anew in a forked child, and closed at the end.

What holds, and what the tests check: recording never waits, and no error of ours reaches the
caller. They are counted and logged, at most once a minute each, without texts of searches.
"""

import atexit
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from workflow_audit.client.complaints import Complaints, place_of
from workflow_audit.client.counts import ClientStats, Counts, OnMetric
from workflow_audit.client.forking import at_end_of_worker, tell_of_forks
from workflow_audit.client.running import Running
from workflow_audit.client.settings import ClientSettings
from workflow_audit.client.snapshot import snapshot
from workflow_audit.client.ways import LibraryMissingError, transport_of

R = TypeVar("R")

EXIT_SECONDS = 1.0
"""How long the end of the interpreter may be held up."""

_OF_PARENTS: list[Running] = []
"""Kept for ever in a forked process: to close any of it would disturb the parent."""

NOTHING = ClientStats(0, 0, 0, 0, 0, 0, 0, {})


class Lifetime:
    """What is running in this process, and whether anything is to run."""

    def __init__(self, settings: ClientSettings, on_metric: OnMetric | None) -> None:
        """Begin at once, unless the audit is off."""
        self._settings, self._on_metric = settings, on_metric
        self._enabled = settings.enabled
        self._complaints = Complaints()
        self._lock = threading.RLock()
        self._held = self._closed = False
        self.running: Running | None = None
        """None before the first attempt to begin, in a fresh child, and where the audit is off."""

        if self._enabled:
            self._guarded(self._begun)
            tell_of_forks(
                before=self._before_fork,
                in_parent=self._after_fork_in_parent,
                in_child=self._after_fork_in_child,
            )
            atexit.register(self._close_at_end)

    def record(self, call: Mapping[str, Any]) -> None:
        """Put a call on its way; never waits, never raises.

        Every function on this way costs some microseconds when the caller comes back from a pause.
        """
        if not self._enabled:
            return
        try:
            running = self.running or self._begun()
            if self._closed:
                running.counts.drop_quietly("closed")
            elif not running.intake.put(snapshot(call, time.time())):
                running.counts.drop_quietly("queue_full")
        except Exception as error:  # noqa: BLE001 - that is the promise
            self._complain(error)

    def stats(self) -> ClientStats:
        """Give what became of the calls of this process."""
        running = self.running
        return running.stats() if running else NOTHING

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until everything is sent; False where the time is over before. Never raises."""
        running = self.running
        return bool(self._guarded(lambda: running.flush(timeout_seconds))) if running else True

    def close(self, timeout_seconds: float) -> None:
        """Send as much as there is time for; later calls are dropped. Never raises."""
        with self._lock:
            running, self._closed = (None if self._closed else self.running), True
        if running:
            atexit.unregister(self._close_at_end)
            self._guarded(lambda: running.close(timeout_seconds))

    def _close_at_end(self) -> None:
        self.close(EXIT_SECONDS)

    def _before_fork(self) -> None:
        """Let go of the spool's file."""
        running = self.running
        self._held = running is not None and running.keeping.before_fork()

    def _after_fork_in_parent(self) -> None:
        """Go on."""
        if self._held and self.running:
            self._held = False
            self.running.keeping.after_fork()

    def _after_fork_in_child(self) -> None:
        """Forget the parent's threads, queue and counts."""
        self._held = False
        self._lock = threading.RLock()
        self._complaints = Complaints()
        if self.running:
            _OF_PARENTS.append(self.running)
            self.running = None

    def _begun(self) -> Running:
        with self._lock:
            if self.running is None:
                transport = transport_of(self._settings)
                counts = Counts(_listeners(self._on_metric), self._complaints)
                self.running = Running(self._settings, transport, counts, self._complaints)
                at_end_of_worker(self._close_at_end)
            return self.running

    def _guarded(self, action: Callable[[], R]) -> R | None:
        """Do something of ours, whose errors are none of the caller's."""
        try:
            return action()
        except Exception as error:  # noqa: BLE001 - that is the promise
            self._complain(error)
            return None

    def _complain(self, error: Exception) -> None:
        if isinstance(error, LibraryMissingError):
            self._complaints.say("library", f"no search can be recorded: {error}")
        else:
            self._complaints.say("mistake", f"a search cannot be recorded: {place_of(error)}")


def _listeners(on_metric: OnMetric | None) -> tuple[OnMetric, ...]:
    try:
        from workflow_audit.client.prometheus import to_prometheus  # noqa: PLC0415 - perhaps
    except ImportError:
        return (on_metric,) if on_metric else ()
    return (to_prometheus, on_metric) if on_metric else (to_prometheus,)
