"""What the library says in the log: each kind of trouble once a minute, never what was searched."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

LOGGER = logging.getLogger("workflow_audit.client")
PERIOD_SECONDS = 60.0


class Complaints:
    """Says what goes wrong, and not again within a minute."""

    def __init__(
        self, log: logging.Logger = LOGGER, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log, self._clock = log, clock
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}
        self._unsaid: Counter[str] = Counter()

    def say(self, kind: str, message: str, *, level: int = logging.ERROR) -> None:
        """Log a message, unless one of its kind was logged within the last minute.

        Args:
            kind: of trouble, in a word or two.
            message: for people; without texts of searches.
            level: of the log.
        """
        now = self._clock()
        with self._lock:
            if now < self._next.get(kind, now):
                self._unsaid[kind] += 1
                return
            self._next[kind] = now + PERIOD_SECONDS
            unsaid = self._unsaid.pop(kind, 0)
        more = f" ({unsaid} more like this since the last message)" if unsaid else ""
        self._log.log(level, "%s%s", message, more)


def place_of(error: BaseException) -> str:
    """Give the kind of an error and where it was raised; its text may repeat what was searched."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" in {trace.tb_frame.f_code.co_qualname}, line {trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}"
