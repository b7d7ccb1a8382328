"""`--profile`: where the operator's CPU goes while it empties a backlog.

Two backlogs: one with samples, which show the shares as they are; one with cProfile, which counts
calls but makes small Python functions look several times as expensive as they are.
"""

import json
import pstats
import re
from collections import Counter
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from bench.accounting import OPERATOR
from bench.context import Bench
from bench.documentation import replace_between
from bench.draining import measured_drain
from bench.figures import MILLISECONDS

TOP = 25
LEAST_SHARE = 0.002
STANDARD = {"asyncio", "json", "copy", "logging", "ssl", "contextlib", "collections", "datetime"}
ALIASES = {"psycopg_pool": "psycopg", "psycopg_binary": "psycopg", "pydantic_core": "pydantic"}
PRODUCT = "workflow_audit"

Function = tuple[str, int, str]


def profile(bench: Bench, console: Console, *, update_docs: bool) -> None:
    """Empty a backlog under each profiler, and show what they say."""
    count = bench.sizes.drain
    title = f"draining {count} searches with a profiler"
    texts = []
    for kind, show in ((".samples", _show_samples), (".calls", _show_calls)):
        file = (bench.scratch / "operator").with_suffix(kind)
        drain = uvloop.run(measured_drain(bench, f"profile-{kind[1:]}", title, 0.0, file))
        texts.append(show(console, file, count, drain.cpu_ms[OPERATOR]))
    if update_docs:
        replace_between("profile", "\n\n".join(texts))


def _show_samples(console: Console, file: Path, searches: int, cpu_ms: float) -> str:
    counts: Counter[Function] = Counter()
    for source, line, name, count in json.loads(file.read_text(encoding="utf-8")):
        counts[source, line, name] = count
    packages: Counter[str] = Counter()
    for function, count in counts.items():
        packages[_package(function)] += count
    total = counts.total()
    words = (
        f"{total:,} samples over {searches:,} searches; the process used {cpu_ms:.2f} ms CPU a "
        "search, its start included"
    )
    shares = [
        [name, f"{count / total:.1%}"]
        for name, count in packages.most_common()
        if count / total >= LEAST_SHARE
    ]
    top = [[_name(f), f"{count / total:.1%}"] for f, count in counts.most_common(TOP)]
    return _both(console, words, (["package", "CPU"], shares), (["function", "CPU"], top))


def _show_calls(console: Console, file: Path, searches: int, cpu_ms: float) -> str:
    stats = pstats.Stats(str(file)).stats  # type: ignore[attr-defined]
    total = sum(stat[2] for stat in stats.values())
    ordered = sorted(stats.items(), key=lambda item: -item[1][2])[:TOP]
    rows = [
        [_name(f), f"{stat[1] / searches:,.1f}", f"{MILLISECONDS * stat[2] / searches:.3f}"]
        for f, stat in ordered
    ]
    words = (
        f"cProfile: {MILLISECONDS * total / searches:.2f} ms a search by the clock, its own cost "
        f"included; the process used {cpu_ms:.2f} ms CPU a search"
    )
    return _both(console, words, (["function", "calls a search", "own ms a search"], rows))


def _both(console: Console, words: str, *tables: tuple[list[str], list[list[str]]]) -> str:
    """Print tables, and give them as Markdown."""
    console.print(words)
    for headings, rows in tables:
        table = Table(headings[0])
        for heading in headings[1:]:
            table.add_column(heading, justify="right")
        for row in rows:
            table.add_row(*(cell.replace("[", "\\[") for cell in row))
        console.print(table)
    return "\n\n".join([f"{words}.", *(_markdown(*table) for table in tables)])


def _package(function: Function) -> str:
    file = function[0]
    if file.endswith("asyncio/runners.py"):
        return "uvloop"  # the innermost Python function while the loop itself works
    if found := re.search(r"site-packages/([A-Za-z0-9_]+)", file):
        return ALIASES.get(found[1], found[1])
    if found := re.search(rf"/{PRODUCT}/([a-z]+)", file):
        return f"{PRODUCT}.{found[1]}"
    if found := re.search(r"/lib/python3\.\d+/([A-Za-z0-9_]+)", file):
        return found[1] if found[1] in STANDARD else "standard library, rest"
    return file.split("/", maxsplit=1)[0]


def _name(function: Function) -> str:
    file, line, name = function
    if file == "~":
        return name
    short = re.sub(r"^.*/(site-packages|lib/python3\.\d+|operator)/", "", file)
    return f"{short}:{line} {name}"


def _markdown(headings: list[str], rows: list[list[str]]) -> str:
    ruler = ["---"] + ["---:"] * (len(headings) - 1)
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in (headings, ruler, *rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in escaped)
