"""How far a command is that may take minutes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflow_audit.local.progress import Reporter


@contextmanager
def shown_progress(title: str) -> Iterator["Reporter | None"]:
    """Show on a terminal how far it is; elsewhere nothing, as a log has no use for it."""
    if not sys.stderr.isatty():
        yield None
        return
    from workflow_audit.local.progress import reported  # noqa: PLC0415

    with reported(title) as reporter:
        yield reporter
