"""The table for people and the JSON file for programs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures import Figure, shown
from bench.machine import ROOT, machine_line

RESULTS = ROOT / "bench-results"
WORDS = {True: "[green]met[/]", False: "[red]not met[/]", None: ""}


def show(console: Console, figures: Sequence[Figure], facts: Mapping[str, Any], title: str) -> None:
    """Print the table."""
    table = Table("", "figure", title=title, caption=machine_line(dict(facts)))
    table.add_column("value", justify="right")
    for heading in ("unit", "limit", "met", "rounds", "sample"):
        table.add_column(heading)
    for before, figure in zip([None, *figures], figures, strict=False):
        new = before is None or before.number != figure.number
        if new and before is not None:
            table.add_section()
        table.add_row(
            f"({figure.number})" if new else "",
            figure.name,
            figure.shown,
            figure.unit,
            str(figure.limit or ""),
            WORDS[figure.met],
            rounds(figure),
            figure.sample,
        )
    console.print(table)


def rounds(figure: Figure) -> str:
    """Give the value of each round, where there are several."""
    return ", ".join(map(shown, figure.rounds)) if len(figure.rounds) > 1 else ""


def write_json(
    figures: Sequence[Figure],
    facts: Mapping[str, Any],
    sizes: Mapping[str, Any],
    details: Mapping[str, Any],
    failures: Mapping[str, str],
    *,
    prefix: str = "",
) -> Path:
    """Write all that is known of the run, and give the file."""
    RESULTS.mkdir(exist_ok=True)
    stamp = str(facts["date"]).partition("+")[0].replace(":", "").replace("-", "")
    file = RESULTS / f"{prefix}{stamp}Z.json"
    content = {
        "machine": facts,
        "sizes": sizes,
        "figures": [_as_json(figure) for figure in figures],
        "details": details,
        "failures": failures,
    }
    file.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
    return file


def _as_json(figure: Figure) -> dict[str, Any]:
    return {**asdict(figure), "limit": str(figure.limit or ""), "met": figure.met}
