"""Events as table rows, as `kubectl get auditevents` shows them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rich.text import Text

from workflow_audit.cli.text import printable
from workflow_audit.domain.ages import age

Json = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A column; `width` is for rows that are printed before the next ones are known."""

    heading: str
    cell: Callable[[Json, datetime], str]
    """Takes an event and the present moment."""

    width: int
    style: str = ""


def _field(name: str) -> Callable[[Json, datetime], str]:
    return lambda event, _: _plain(event.get(name))


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def _confidence(event: Json, _: datetime) -> str:
    value = event.get("topConfidence")
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")


def _age(event: Json, now: datetime) -> str:
    return age(now - datetime.fromisoformat(event["eventTimestamp"]))


NAMESPACE = Column("NAMESPACE", lambda event, _: event["metadata"]["namespace"], 16)
USUAL = (
    Column("NAME", _field("eventId"), 36),
    Column("CORRELATION", _field("correlationId"), 20),
    Column("WORKFLOW", _field("topWorkflowId"), 30, "bold"),
    Column("CONFIDENCE", _confidence, 10),
    Column("OUTCOME", _field("eventOutcome"), 7),
)
AGE = Column("AGE", _age, 6)
TIME = Column("TIME", _field("eventTimestamp"), 27, "dim")
WIDE = (
    Column("SEARCH", _field("resourceName"), 30),
    Column("SERVICE", _field("actorId"), 16),
    Column("TYPE", _field("eventType"), 34),
    Column("MILLISECONDS", _field("durationMs"), 12),
)
_OUTCOMES = {"success": "green", "failure": "red"}


def columns(*, everywhere: bool, wide: bool, last: Column = AGE) -> tuple[Column, ...]:
    """Give the columns of a table.

    Args:
        everywhere: of events of several namespaces.
        wide: all that there are.
        last: how time is shown.
    """
    return (
        *((NAMESPACE,) if everywhere else ()),
        *USUAL,
        last,
        *(WIDE if wide else ()),
    )


def fitted(shown: Sequence[Column], events: Sequence[Json], now: datetime) -> tuple[Column, ...]:
    """Give columns as wide as some events need; longer cells of others will stand out."""
    return tuple(replace(column, width=_width(column, events, now)) for column in shown)


def _width(column: Column, events: Sequence[Json], now: datetime) -> int:
    cells = (_text(column, event, now).cell_len for event in events)
    return max(len(column.heading), *cells)


def heading(shown: Sequence[Column]) -> Text:
    """Give the first line of a table whose rows are not known yet."""
    return _line((Text(column.heading, style="bold") for column in shown), shown)


def row(event: Json, shown: Sequence[Column], now: datetime) -> Text:
    """Give one row below such a heading."""
    return _line((_text(column, event, now) for column in shown), shown)


def _text(column: Column, event: Json, now: datetime) -> Text:
    content = printable(column.cell(event, now))
    style = _OUTCOMES.get(content, "") if column.heading == "OUTCOME" else column.style
    return Text(content, style=style)


def _line(cells: Iterable[Text], shown: Sequence[Column]) -> Text:
    line = Text()
    for cell, column in zip(cells, shown, strict=True):
        cell.pad_right(max(column.width - cell.cell_len, 0))
        line.append_text(cell).append("  ")
    line.rstrip()
    return line
