"""The one place where tests wait: by asking again, never by guessing a time."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.25


def eventually(
    read: Callable[[], T], *, until: Callable[[T], object] = bool, within_seconds: float = 60.0
) -> T:
    """Read until the value is as wanted, and give it.

    Args:
        read: gives the value; an AssertionError that it raises means "not yet".
        until: tells whether the value is as wanted.
        within_seconds: longest wait; the machine may be busy, so better too much.

    Raises:
        AssertionError: the time is over; with the last value seen.
    """
    end = time.monotonic() + within_seconds
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            last: object = read()
            if until(last):  # type: ignore[arg-type]
                return last  # type: ignore[return-value]
        except AssertionError as error:
            last = error
        left = end - time.monotonic()
        if left <= 0:
            raise AssertionError(f"not so within {within_seconds:g} s; last seen: {last!s:.2000}")
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


async def eventually_async(
    condition: Callable[[], object], *, within_seconds: float = 60.0
) -> None:
    """Wait until a condition holds, while the event loop goes on.

    Raises:
        AssertionError: the time is over; with the last value seen.
    """
    end = time.monotonic() + within_seconds
    while not (last := condition()):
        assert time.monotonic() < end, f"not so within {within_seconds:g} s; last seen: {last!s}"
        await asyncio.sleep(FIRST_PAUSE_SECONDS)
