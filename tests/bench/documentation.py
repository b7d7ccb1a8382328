"""Writes the table of a full run into docs/performance.md, between two comments."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.figures import Figure
from bench.machine import ROOT, machine_line
from bench.report import rounds

DOCUMENT = ROOT / "docs" / "performance.md"
MET = {True: "met", False: "**not met**", None: ""}


def update_table(figures: Sequence[Figure], facts: Mapping[str, Any]) -> None:
    """Replace the table."""
    lines = [
        machine_line(dict(facts)) + ".",
        "",
        "| | Figure | Value | Unit | Limit | | Rounds | Sample |",
        "|---|---|---:|---|---|---|---|---|",
        *(_row(figure) for figure in figures),
    ]
    replace_between("bench", "\n".join(lines))


def replace_between(marker: str, text: str) -> None:
    """Replace what stands between `<!-- marker:begin -->` and `<!-- marker:end -->`.

    Raises:
        ValueError: the comments are not there, once each and in this order.
    """
    begin, end = f"<!-- {marker}:begin -->", f"<!-- {marker}:end -->"
    document = DOCUMENT.read_text(encoding="utf-8")
    if document.count(begin) != 1 or document.count(end) != 1:
        raise ValueError(f"{DOCUMENT} needs the lines {begin} and {end}, once each")
    head, _, rest = document.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise ValueError(f"{DOCUMENT}: {end} stands before {begin}")
    DOCUMENT.write_text(f"{head}{begin}\n{text}\n{end}{tail}", encoding="utf-8")


def _row(figure: Figure) -> str:
    cells = (
        f"({figure.number})",
        figure.name,
        figure.shown,
        figure.unit,
        str(figure.limit or ""),
        MET[figure.met],
        rounds(figure),
        figure.sample,
    )
    return f"| {' | '.join(cells)} |"
