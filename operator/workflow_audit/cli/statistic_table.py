"""A statistic for people: what was counted, then its rows, with bars where shares are compared."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workflow_audit.cli.text import printable
from workflow_audit.models.statistics import Statistic

Json = dict[str, Any]

BAR_CELLS = 20
LONGEST_TEXT = 60
LOW, BAR = "red", "blue"


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    heading: str
    cell: Callable[[Json], Text]
    right: bool = False


def _text(name: str, style: str = "") -> Callable[[Json], Text]:
    def cell(row: Json) -> Text:
        return Text(_short(printable(str(row.get(name, "")))), style=style)

    return cell


def _fraction(name: str) -> Callable[[Json], Text]:
    def cell(row: Json) -> Text:
        value = row.get(name)
        return Text("" if value is None else f"{value:.3f}")

    return cell


def _percent(name: str) -> Callable[[Json], Text]:
    def cell(row: Json) -> Text:
        return Text(f"{row[name]:.1%}")

    return cell


def _bar(name: str) -> Callable[[Json], Text]:
    def cell(row: Json) -> Text:
        return Text("█" * round(row[name] * BAR_CELLS), style=BAR)

    return cell


def _pattern(row: Json) -> Text:
    if row["kind"] == "text":
        return Text(_short(printable(row["text"])))
    filters = ", ".join(f"{key}={value}" for key, value in row["filters"].items())
    return Text(printable(filters) or "(no filters)")


def _some(name: str, style: str) -> Callable[[Json], Text]:
    """Give a number that is coloured where it is not 0."""

    def cell(row: Json) -> Text:
        return Text(str(row[name]), style=style if row[name] else "")

    return cell


WORKFLOW = Column("WORKFLOW", _text("workflowId", "bold"))
WON = Column("WON", _text("won"), right=True)

COLUMNS: dict[Statistic, tuple[Column, ...]] = {
    Statistic.SELECTION_RATE: (
        WORKFLOW,
        Column("VERSION", _text("version")),
        Column("LISTED", _text("listed"), right=True),
        WON,
        Column("RATE", _percent("rate"), right=True),
        Column("", _bar("rate")),
    ),
    Statistic.LOW_CONFIDENCE: (
        Column("TIME", _text("eventTimestamp", "dim")),
        Column("NAMESPACE", _text("namespace")),
        Column("CORRELATION", _text("correlationId")),
        WORKFLOW,
        Column("CONFIDENCE", _fraction("confidence"), right=True),
        Column("EVENT", _text("eventId")),
        Column("QUERY", _text("text")),
    ),
    Statistic.PATTERNS: (
        Column("KIND", _text("kind")),
        Column("SEARCHES", _text("searches"), right=True),
        Column("EMPTY", _some("empty", LOW), right=True),
        Column("FAILED", _some("failed", LOW), right=True),
        Column("CONFIDENCE", _fraction("averageConfidence"), right=True),
        Column("PATTERN", _pattern),
    ),
    Statistic.MOST_SELECTED: (
        WORKFLOW,
        WON,
        Column("SHARE", _percent("share"), right=True),
        Column("", _bar("share")),
        Column("CONFIDENCE", _fraction("averageConfidence"), right=True),
        Column("LEAST", _fraction("leastConfidence"), right=True),
        Column("GREATEST", _fraction("greatestConfidence"), right=True),
        Column("FIRST", _text("firstWon", "dim")),
        Column("LAST", _text("lastWon", "dim")),
    ),
    Statistic.UNATTRIBUTED: (
        WORKFLOW,
        Column("SIDE", _text("side")),
        Column("SCORINGS", _text("scorings"), right=True),
        Column("SUM", _fraction("sum"), right=True),
        Column("LEAST", _fraction("least"), right=True),
        Column("GREATEST", _fraction("greatest"), right=True),
    ),
}
BUCKET = Column("BUCKET", _text("bucket", "dim"))
NAMESPACE = Column("NAMESPACE", _text("namespace"))


def statistic_view(found: Json) -> RenderableType:
    """Give what people see of a statistic."""
    heading = Text(_summary(found), style="dim")
    return Group(heading, *([_table(found)] if found["rows"] else []))


def _table(found: Json) -> Table:
    asked, statistic = found["parameters"], Statistic(found["metadata"]["name"])
    shown = [
        *([BUCKET] if asked.get("bucket", "none") != "none" else []),
        *([NAMESPACE] if asked.get("byNamespace") else []),
        *COLUMNS[statistic],
    ]
    table = Table(box=None, pad_edge=False)
    for column in shown:
        table.add_column(column.heading, justify="right" if column.right else "left")
    for row in found["rows"]:
        table.add_row(*(column.cell(row) for column in shown))
    return table


def _summary(found: Json) -> str:
    period, totals = found["period"], found.get("totals")
    between = f"{period['since'][:16]}Z to {period['until'][:16]}Z"
    if totals is None:
        return between
    return (
        f"{between}: {totals['searches']} searches, {totals['withWinner']} with a winner,"
        f" {totals['empty']} found nothing, {totals['failed']} failed"
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"
