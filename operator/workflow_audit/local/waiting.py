"""The one place that waits for something by asking again."""

import time
from collections.abc import Callable

from workflow_audit.errors import LocalError

FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.1


def holds_within(condition: Callable[[], bool], within_seconds: float) -> bool:
    """Ask until the condition holds; false when the time is over."""
    end = time.monotonic() + within_seconds
    pause = FIRST_PAUSE_SECONDS
    while not condition():
        left = end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
    return True


def wait_until(condition: Callable[[], bool], within_seconds: float, expectation: str) -> None:
    """Ask until the condition holds.

    Args:
        condition: may raise; its errors end the wait.
        within_seconds: longest wait.
        expectation: what the message says did not come true.

    Raises:
        LocalError: the time is over.
    """
    if not holds_within(condition, within_seconds):
        raise LocalError(f"{expectation}: not so within {within_seconds:g} s")
