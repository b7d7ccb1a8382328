"""The pages of the documentation, and what of them a reader may type.

In a page, commands stand in blocks of two kinds. ```sh is a script, of which no command may fail.
```console has commands after `$ `, lines that continue one after `> `, and what they print below
them. Others are not run, and say so in a comment before the block: `<!-- not run: why -->`.
A block after `<!-- file: NAME -->` is written to that file, as the text around it tells.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]

COMMANDS = {"sh", "console"}
OTHERS = {"json", "lua", "mermaid", "promql", "python", "sql", "text", "yaml"}
"""Not typed into a shell; a language that is not known here could hide commands from the test."""

_BLOCK = re.compile(
    r"^(?:(?P<quote> *)<!-- (?P<remark>[^>]*?) -->\n+)?"
    r"(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
_SPACE = r"[^\S\n]"
_NOT_RUN = "not run: "
_FILE = "file: "


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    remark: str
    """The comment right before it."""

    @property
    def not_run(self) -> str | None:
        """Why its commands are not run here; None where they are."""
        said = self.remark.startswith(_NOT_RUN)
        return self.remark.removeprefix(_NOT_RUN) if said else None

    @property
    def file(self) -> str | None:
        """The file that it is the content of."""
        said = self.remark.startswith(_FILE)
        return self.remark.removeprefix(_FILE) if said else None


@dataclass(frozen=True)
class Command:
    """A command as a page shows it."""

    text: str
    shown: tuple[str, ...]
    """What it prints, as the page shows it; nothing shown says nothing."""

    @property
    def fails(self) -> bool:
        """Whether what is shown is an error, or the `no` of `kubectl auth can-i`."""
        return any(line == "no" or line.lower().startswith("error") for line in self.shown)


def page_name(page: Path) -> str:
    """Give the path of a page in the repository."""
    return str(page.relative_to(ROOT))


def blocks(text: str) -> Iterator[Block]:
    """Give the fenced blocks of a page, in order."""
    for found in _BLOCK.finditer(text):
        yield Block(found["language"], dedent(found["text"]), found["remark"] or "")


def console_commands(text: str) -> Iterator[Command]:
    """Give the commands of a ```console block.

    Raises:
        ValueError: it begins with something else than a command.
    """
    command: list[str] = []
    shown: list[str] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield Command("\n".join(command), tuple(shown))
            command, shown = [line.removeprefix("$ ")], []
        elif not command:
            raise ValueError(f"{line!r} is no command; begin it with '$ '")
        elif line.startswith("> ") and not shown:
            command.append(line.removeprefix("> "))
        else:
            shown.append(line)
    yield Command("\n".join(command), tuple(shown))


def has_shape(printed: str, shown: tuple[str, ...]) -> bool:
    """Say whether a command printed what a page shows of it.

    Lines and words have to be the same, but a word with a digit stands for any other word (names
    that the API server makes up, ages, times, numbers), and a line `...` for any lines.
    """
    lines = "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").splitlines())
    return re.fullmatch("".join(_pattern(line) for line in shown), lines) is not None


def _pattern(line: str) -> str:
    if line.strip() == "...":
        return r"(?:.*\n)*?"
    words = (r"\S+" if re.search(r"\d", word) else re.escape(word) for word in line.split())
    return f"{_SPACE}*{f'{_SPACE}+'.join(words)}\n"
