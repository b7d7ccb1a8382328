"""Threads for what blocks, such as asking for a host's address, that hold up no end of a process.

asyncio's own would: the interpreter waits for them, perhaps for as long as a name server does not
answer. And it takes no new work then, so that nothing could be sent any more.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class DaemonThreads(ThreadPoolExecutor):
    """Runs each piece of work in a thread of its own; asyncio wants it to be of this class."""

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Begin at once."""
        future: Future[R] = Future()
        work: tuple[Any, ...] = (future, fn, args, kwargs)
        threading.Thread(target=_run, args=work, name="workflow-audit-lookup", daemon=True).start()
        return future


def _run(future: Future[R], fn: Callable[..., R], args: Any, kwargs: Any) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(fn(*args, **kwargs))
    except BaseException as error:  # noqa: BLE001 - it is for whoever waits
        future.set_exception(error)
