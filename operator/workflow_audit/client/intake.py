"""The way out of the caller's thread: a bounded queue into which one can put without waiting.

`queue.SimpleQueue` is C code: putting wakes the reader without letting go of the interpreter, so
the caller is not held up by the threads that it has woken.
"""

import contextlib
import queue
import threading

MOST_BYTES = 64 * 1024 * 1024
"""Of all calls together that wait in memory."""

STOP = b""
"""Ends a `take` that waits; no call is empty."""


class Intake:
    """Calls on their way into the spool."""

    def __init__(self, most_events: int, most_bytes: int = MOST_BYTES) -> None:
        self._most_events, self._most_bytes = most_events, most_bytes
        self._calls: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        # Reentrant: a signal handler or a destructor may call in the middle of a call.
        self._lock = threading.RLock()
        self._events = self._bytes = 0

    def put(self, call: bytes) -> bool:
        """Put a call in, unless there is no room; never waits."""
        with self._lock:
            if self._events >= self._most_events or self._bytes + len(call) > self._most_bytes:
                return False
            self._events += 1
            self._bytes += len(call)
        self._calls.put(call)
        return True

    def take(self, at_most: int, within_seconds: float) -> list[bytes]:
        """Wait for a call, and give it with those behind it; nothing if none came in time.

        They count as waiting until `taken`.
        """
        calls: list[bytes] = []
        with contextlib.suppress(queue.Empty):
            calls.append(self._calls.get(timeout=within_seconds))
            while len(calls) < at_most:
                calls.append(self._calls.get_nowait())
        return [call for call in calls if call]

    def taken(self, calls: list[bytes]) -> None:
        """Make room: these are somewhere else by now."""
        with self._lock:
            self._events -= len(calls)
            self._bytes -= sum(map(len, calls))

    def waiting(self) -> int:
        """Give how many calls wait."""
        return self._events

    def wake(self) -> None:
        """End a `take` that waits."""
        self._calls.put(STOP)
