"""Why a workflow won, for people: base similarity, boosts and penalties by label, as bars."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

BAR_CELLS = 24
GAIN, LOSS, BASE = "green", "red", "blue"


def explanation(search: dict[str, Any]) -> RenderableType:
    """Give the readable explanation of one recorded search.

    Args:
        search: the WorkflowSearch as the API server gives it.
    """
    summary = search["status"]["summary"]
    head = Text.assemble(
        ("query    ", "dim"), f"{summary['query']}\n",
        ("winner   ", "dim"), (f"{summary['topWorkflow']}", "bold"),
        f", confidence {summary['topConfidence']:.2f}",
        " (low)" if summary.get("lowConfidence") else "",
        f"; {summary['totalFound']} found, {summary['returned']} listed",
    )  # fmt: skip
    table = Table(box=None, pad_edge=False)
    for heading, justify in (("RANK", "right"), ("WORKFLOW", "left"), ("PART", "left")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    table.add_column("VALUE", justify="right")
    table.add_column("")
    for workflow in summary["workflows"]:
        _add_workflow(table, workflow)
    return Group(head, Text(), table)


def _add_workflow(table: Table, workflow: dict[str, Any]) -> None:
    scoring = workflow["scoring"]
    place = (str(workflow["rank"]), workflow["workflowId"])
    for part, value, colour in _parts(scoring):
        table.add_row(*place, part, f"{value:+.3f}", Text(_bar(value), style=colour))
        place = ("", "")
    total = Text(f"{scoring['confidence']:.3f}", style="bold")
    table.add_row("", "", Text("= confidence", style="bold"), total, "", end_section=True)


def _parts(scoring: dict[str, Any]) -> list[tuple[str, float, str]]:
    parts = [("base similarity", scoring.get("baseSimilarity") or 0.0, BASE)]
    parts += [(key, value, GAIN) for key, value in scoring["boostBreakdown"].items()]
    parts += [(key, -value, LOSS) for key, value in scoring["penaltyBreakdown"].items()]
    rest = scoring["unattributed"]
    if rest["boost"]:
        parts.append(("unattributed boost", rest["boost"], GAIN))
    if rest["penalty"]:
        parts.append(("unattributed penalty", -rest["penalty"], LOSS))
    return parts


def _bar(value: float) -> str:
    return "█" * max(round(abs(value) * BAR_CELLS), 1 if value else 0)
