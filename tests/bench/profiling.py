"""`--profile`: where the operator's own time goes while it empties a backlog.

Of builtins, the time belongs to the Python function that called them, unless they are a known
package of their own. What uvloop does between callbacks is in no profile: the CPU time of the
process minus the profile's total shows it, together with the profiler's own cost.
"""

import pstats
import re
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.documentation import replace_between

TOP = 25
BUILTIN = "~"
COMPILED = {
    "orjson": "orjson",
    "pydantic_core": "pydantic",
    "psycopg_binary": "psycopg",
    "_ssl": "ssl",
    "re2": "re2",
    "uvloop": "uvloop",
    "_json": "json",
    "multidict": "multidict",
    "yarl": "yarl",
    "aiohttp": "aiohttp",
}
STANDARD = {"asyncio", "json", "copy", "logging", "ssl", "contextlib", "collections", "datetime"}
ALIASES = {"psycopg_pool": "psycopg", "psycopg_binary": "psycopg", "pydantic_core": "pydantic"}

Function = tuple[str, int, str]


class Profile:
    """A cProfile file, read."""

    def __init__(self, file: Path) -> None:
        self._stats: dict[Function, Any] = pstats.Stats(str(file)).stats  # type: ignore[attr-defined]

    @property
    def seconds(self) -> float:
        """All own time together."""
        return float(sum(stat[2] for stat in self._stats.values()))

    def top(self) -> list[tuple[str, int, float]]:
        """Give name, calls and own seconds of the functions with the most own time."""
        ordered = sorted(self._stats.items(), key=lambda item: -item[1][2])
        return [(_name(function), stat[1], stat[2]) for function, stat in ordered[:TOP]]

    def packages(self) -> list[tuple[str, float]]:
        """Give own seconds by package, the most first."""
        found: Counter[str] = Counter()
        for function, (_, _, own, _, callers) in self._stats.items():
            package = _package(function)
            if package:
                found[package] += own
                continue
            shared = 0.0
            for caller, (_, _, part, _) in callers.items():
                found[_package(caller) or "other builtins"] += part
                shared += part
            found["other builtins"] += own - shared
        return [(package, seconds) for package, seconds in found.most_common() if seconds > 0]


def show_profile(console: Console, file: Path, searches: int, cpu_seconds: float) -> str:
    """Print both tables, and give them as Markdown."""
    profile = Profile(file)
    total = profile.seconds
    per_search = 1000 / searches
    functions = [
        [name, f"{calls / searches:,.1f}", f"{own * per_search:.3f}", f"{own / total:.1%}"]
        for name, calls, own in profile.top()
    ]
    packages = [
        [name, f"{own * per_search:.3f}", f"{own / total:.1%}"]
        for name, own in profile.packages()
        if own / total >= 0.002
    ]
    summary = (
        f"{searches:,} searches; profiled {total * per_search:.2f} ms a search of "
        f"{cpu_seconds * per_search:.2f} ms CPU of the process, cProfile's own cost included "
        "(it weighs on small Python functions most)"
    )
    headings = ["function", "calls a search", "own ms a search", "share"]
    console.print(_table(headings, functions, f"top {TOP} by own time"))
    console.print(_table(["package", *headings[2:]], packages, "by package"))
    console.print(summary)
    packages_table = _markdown(["package", *headings[2:]], packages)
    return "\n\n".join([summary + ".", packages_table, _markdown(headings, functions)])


def update_document(text: str) -> None:
    """Put the profile into docs/performance.md."""
    replace_between("profile", text)


def _package(function: Function) -> str | None:
    """Give the package of a function; None for a builtin that belongs to its caller."""
    file, _, name = function
    if file == BUILTIN or file.startswith("<"):
        return next((package for part, package in COMPILED.items() if part in name), None)
    if found := re.search(r"site-packages/([A-Za-z0-9_]+)", file):
        return ALIASES.get(found[1], found[1])
    if found := re.search(r"/(workflow_audit|bench)/", file):
        return found[1]
    if found := re.search(r"/lib/python3\.\d+/([A-Za-z0-9_]+)", file):
        return found[1] if found[1] in STANDARD else "standard library, rest"
    return found[1] if (found := re.match(r"([a-z_]+)/", file)) else "rest"


def _name(function: Function) -> str:
    file, line, name = function
    if file == BUILTIN:
        return name
    short = re.sub(r"^.*/(site-packages|lib/python3\.\d+|operator)/", "", file)
    return f"{short}:{line} {name}"


def _table(headings: list[str], rows: list[list[str]], title: str) -> Table:
    table = Table(title=title)
    for heading in headings:
        table.add_column(heading, justify="left" if heading == headings[0] else "right")
    for row in rows:
        table.add_row(*(cell.replace("[", "\\[") for cell in row))
    return table


def _markdown(headings: list[str], rows: list[list[str]]) -> str:
    ruler = ["---"] + ["---:"] * (len(headings) - 1)
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in (headings, ruler, *rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in escaped)
