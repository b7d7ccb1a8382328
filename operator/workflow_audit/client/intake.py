"""The way out of the caller's thread: a bounded queue into which one can put without waiting.

What holds, and what the tests check:
- Putting a call takes no lock, unless the call is a large one. After a pause of the caller, when
  nothing is in the processor's caches, a lock that nobody holds is a sixth of a whole call.
- A call counts as waiting until it is somewhere else: it stays in the queue while it is moved.
"""

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Sequence

MOST_BYTES = 32 * 1024 * 1024
"""Of all small calls together that wait in memory, and as much of all large ones."""


class Intake:
    """Calls on their way into the spool: any number of threads put, one takes."""

    def __init__(self, most_events: int, most_bytes: int = MOST_BYTES) -> None:
        """Begin empty.

        Args:
            most_events: that wait; threads that put at the very same moment may put one more each.
            most_bytes: of small calls, which have at most their share of it, so that counting
                them is enough; and of large ones, whose bytes are counted.
        """
        self._most_events, self._most_bytes = most_events, most_bytes
        self._small_bytes = most_bytes // most_events
        self._calls: deque[bytes] = deque()
        self._large_bytes = 0
        # Reentrant: a signal handler or a destructor may call in the middle of a call.
        self._lock = threading.RLock()
        self._idle = False
        # C code: waking the reader does not let go of the interpreter, so it holds up nobody.
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()

    def put(self, call: bytes) -> bool:
        """Put a call in, unless there is no room; never waits."""
        if len(self._calls) >= self._most_events:
            return False
        if len(call) > self._small_bytes and not self._has_room(len(call)):
            return False
        self._calls.append(call)
        if self._idle:
            self.wake()
        return True

    def oldest(self, at_most: int) -> list[bytes]:
        """Give the first calls; they stay where they are until they are `done`."""
        # Not by iterating, which fails when somebody puts a call in meanwhile.
        return [self._calls[number] for number in range(min(len(self._calls), at_most))]

    def done(self, calls: Sequence[bytes]) -> None:
        """Make room: these, the oldest, are somewhere else by now."""
        for call in calls:
            self._calls.popleft()
            if len(call) > self._small_bytes:
                with self._lock:
                    self._large_bytes -= len(call)

    def waiting(self) -> int:
        """Give how many calls wait."""
        return len(self._calls)

    def pause(self, seconds: float) -> None:
        """Let time pass, unless somebody calls `wake`."""
        with contextlib.suppress(queue.Empty):
            self._bell.get(timeout=seconds)

    def wait(self, seconds: float) -> None:
        """Wait for a call, or until somebody calls `wake`."""
        # Whoever puts a call in after the look at them finds the reader idle, and wakes it.
        self._idle = True
        if not self._calls:
            self.pause(seconds)
        self._idle = False

    def wake(self) -> None:
        """End a pause, or else the next one."""
        self._bell.put(None)

    def _has_room(self, large: int) -> bool:
        with self._lock:
            if self._large_bytes + large > self._most_bytes:
                return False
            self._large_bytes += large
            return True
