"""What a fork must not share: threads do not survive it, and SQLite's connections must not.

Before a fork the spool's file is closed, and kept closed until the fork is done. The parent opens
it again and goes on; the child begins anew, with its own queue and threads, when it first records
something. The parent's connections to the audit stay open in the child, where nobody uses them.
"""

import os
import sys
import weakref
from collections.abc import Callable
from typing import NamedTuple

Method = Callable[[], None]


class _Hooks(NamedTuple):
    before: "weakref.WeakMethod[Method]"
    in_parent: "weakref.WeakMethod[Method]"
    in_child: "weakref.WeakMethod[Method]"


_known: list[_Hooks] = []


def tell_of_forks(*, before: Method, in_parent: Method, in_child: Method) -> None:
    """Have methods of an object called around forks, as long as the object lives."""
    _known[:] = [hooks for hooks in _known if hooks.before()]
    _known.append(_Hooks(*map(weakref.WeakMethod, (before, in_parent, in_child))))


def at_end_of_worker(close: Callable[[], None]) -> None:
    """Have it called when a child of multiprocessing ends, which skips the end of interpreters."""
    loaded = sys.modules.get("multiprocessing.util")
    if loaded is not None:
        loaded.Finalize(None, close, exitpriority=0)


def _call(which: str) -> None:
    for hooks in _known:
        if method := getattr(hooks, which)():
            method()


os.register_at_fork(
    before=lambda: _call("before"),
    after_in_parent=lambda: _call("in_parent"),
    after_in_child=lambda: _call("in_child"),
)
