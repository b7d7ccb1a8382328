"""What a fork must not share: threads do not survive it, and SQLite's connections must not.

Before a fork the spool's file is closed, and kept closed until the fork is done. The parent opens
it again and goes on; the child begins anew, with its own queue and threads, when it first records
something. The parent's connections to the audit stay open in the child, where nobody uses them.
"""

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """Something that lives in one process."""

    def before_fork(self) -> None:
        """Let go of what must not be shared."""
        ...

    def after_fork_in_parent(self) -> None:
        """Go on."""
        ...

    def after_fork_in_child(self) -> None:
        """Forget what belongs to the parent."""
        ...


_known: "weakref.WeakSet[Forkable]" = weakref.WeakSet()


def tell_of_forks(one: Forkable) -> None:
    """Tell it of forks, as long as it lives."""
    _known.add(one)


def _before() -> None:
    for one in list(_known):
        one.before_fork()


def _in_parent() -> None:
    for one in list(_known):
        one.after_fork_in_parent()


def _in_child() -> None:
    for one in list(_known):
        one.after_fork_in_child()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
