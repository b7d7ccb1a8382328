"""What happened when: a log for people, and the answer to whether a moment was calm."""

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from soak.plan import CALM_AFTER_SECONDS

DISTURBANCE = "disturbance"


class Timeline:
    """Seconds since the beginning, and what happened; used by all threads."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(exist_ok=True)
        self.file = file
        self._lock = threading.Lock()
        self._output = file.open("w", encoding="utf-8")
        self._began = time.monotonic()
        self._disturbed: list[tuple[float, float]] = []
        self.entries: list[tuple[float, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error:
            self.say(f"ended by {type(error).__name__}: {error}")
        self._output.close()

    def begin(self) -> None:
        """Count from now on; what was said until now was preparation."""
        self._began = time.monotonic()

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def say(self, event: str) -> None:
        """Note something that happened now."""
        with self._lock:
            now = self.now
            self.entries.append((now, event))
            minutes, seconds = divmod(now, 60)
            self._output.write(f"{int(minutes):02}:{seconds:06.3f} {event}\n")
            self._output.flush()

    def disturbed(self, since: float) -> None:
        """Note that something was not as it should be from then until now."""
        with self._lock:
            self._disturbed.append((since, self.now))

    def is_calm(self, begin: float, end: float) -> bool:
        """Tell whether nothing was disturbed in a time, nor shortly before it."""
        with self._lock:
            return not any(
                begin < over + CALM_AFTER_SECONDS and end > since for since, over in self._disturbed
            )
