"""Texts of others on our terminals."""

import sys

from rich.console import Console, RenderableType

NO_LIMIT = 100_000
"""Columns: a terminal breaks long lines by itself, and a pipe wants them whole."""


def printable(text: str) -> str:
    """Give a text that cannot steer a terminal: what cannot be printed is written as Python does.

    Events hold what agents were told by others; a colour or a moved cursor could hide a row.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def wide_console() -> Console:
    """Give a console on stdout that cuts no line; colours only for a terminal."""
    return Console(file=sys.stdout, width=NO_LIMIT, highlight=False, markup=False, emoji=False)


def show(shown: RenderableType) -> None:
    """Print something without the blanks that fill it up to its width."""
    console = wide_console()
    with console.capture() as captured:
        console.print(shown)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())
