"""Writes the tables of a run into docs/explanation/performance.md, between two comments."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bench.figures import PERCENTS, Figure
from bench.machine import ROOT, machine_line
from bench.report import rounds

DOCUMENT = ROOT / "docs" / "explanation" / "performance.md"
MET = {True: "met", False: "**not met**", None: ""}


OWN_TABLES: Mapping[int, str] = {12: "reads", 13: "calls", 14: "ingest"}
"""Measurements that have tables of their own, between comments of this name, and may be run alone
for them."""

_PERCENTILE = re.compile(r", P\d+$")


def update_tables(figures: Sequence[Figure], facts: Mapping[str, Any]) -> None:
    """Replace the tables for which there are figures."""
    head = [machine_line(dict(facts)) + ".", ""]
    if others := [figure for figure in figures if figure.number not in OWN_TABLES]:
        replace_between("bench", "\n".join([*head, *_table(others)]))
    for number, marker in OWN_TABLES.items():
        if own := [figure for figure in figures if figure.number == number]:
            latencies = [figure for figure in own if _PERCENTILE.search(figure.name)]
            rest = [figure for figure in own if figure not in latencies]
            tables = [*_latency_table(latencies), "", *_table(rest)]
            replace_between(marker, "\n".join([*head, *tables]))


def update_soak(figures: Sequence[Figure], facts: Mapping[str, Any], minutes: float) -> None:
    """Replace the table of the soak."""
    head = [f"{minutes:g} minutes. {machine_line(dict(facts))}.", ""]
    replace_between("soak", "\n".join([*head, *_table(figures)]))


def _table(figures: Sequence[Figure]) -> list[str]:
    return [
        "| | Figure | Value | Unit | Limit | | Rounds | Sample |",
        "|---|---|---:|---|---|---|---|---|",
        *(_row(figure) for figure in figures),
    ]


def _latency_table(figures: Sequence[Figure]) -> list[str]:
    """Give a line for each latency, with all percentiles."""
    by_name: dict[str, dict[str, Figure]] = {}
    for figure in figures:
        name, _, percent = figure.name.rpartition(", P")
        by_name.setdefault(name, {})[percent] = figure
    return [
        "| Milliseconds | P50 | P95 | P99 | Limit of P95 | | Sample |",
        "|---|---:|---:|---:|---|---|---|",
        *(_latency_row(name, by_percent) for name, by_percent in by_name.items()),
    ]


def _latency_row(name: str, by_percent: Mapping[str, Figure]) -> str:
    p50, p95, p99 = (by_percent[str(percent)] for percent in PERCENTS)
    bound = p99 if p99.limit else p95
    limit = f"P99 {p99.limit}" if p99.limit else str(p95.limit or "")
    values = (p50.shown, p95.shown, p99.shown, limit, MET[bound.met], p95.sample)
    return f"| {name} | {' | '.join(values)} |"


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
