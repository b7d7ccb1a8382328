"""Shows work that takes minutes: a moving line on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

LINE_EVERY_SECONDS = 15.0
"""Without a terminal: longest silence, so that nobody takes a build log for a hung one."""

_console = Console(stderr=True)


def say(message: str) -> None:
    """Show one line on standard error, which leaves standard output to results."""
    _console.print(message, markup=False, highlight=False, soft_wrap=True)


class Reporter:
    """Takes the state of one piece of work, as often as its doer likes."""

    def __init__(self, title: str, console: Console, progress: Progress | None) -> None:
        self._title = title
        self._console = console
        self._progress = progress
        self._task = progress.add_task(title, total=None) if progress else TaskID(0)
        self._began = time.monotonic()
        self._said = self._began

    def update(self, state: str, done: float | None = None, total: float | None = None) -> None:
        """Show the state now or at the next occasion."""
        if self._progress:
            self._progress.update(
                self._task, description=f"{self._title}: {state}", completed=done, total=total
            )
            return
        now = time.monotonic()
        if now - self._said >= LINE_EVERY_SECONDS:
            self._said = now
            self._print(f"{self._title}: {state}, {now - self._began:.0f} s")

    def finish(self, state: str) -> None:
        """Leave a last line that stays."""
        self._print(f"{self._title}: {state} after {time.monotonic() - self._began:.0f} s")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def reported(title: str, console: Console | None = None) -> Iterator[Reporter]:
    """Report one piece of work for as long as the block takes."""
    console = console or _console
    if not console.is_terminal:
        console.print(f"{title} ...", markup=False, highlight=False, soft_wrap=True)
        yield Reporter(title, console, progress=None)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield Reporter(title, console, progress)
