"""The event loop of commands that serve: uvloop, where it exists."""

import sys
from collections.abc import Coroutine
from typing import Any


def run(work: Coroutine[Any, Any, None]) -> None:
    """Work until it is done."""
    # Takes a while to import, which other commands need not wait for.
    if sys.platform == "win32":
        import asyncio as loops  # noqa: PLC0415
    else:
        import uvloop as loops  # noqa: PLC0415
    loops.run(work)
