"""Why a workflow won, for people: base similarity, boosts and penalties by label, as bars."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workflow_audit.cli.text import printable
from workflow_audit.domain.explaining import lead, notes
from workflow_audit.models.explanation import Candidate, Explanation, Part

BAR_CELLS = 24
GAIN, LOSS, BASE = "green", "red", "blue"


def explanation_view(explanation: Explanation) -> RenderableType:
    """Give the readable explanation of one search."""
    shown: list[RenderableType] = [_head(explanation)]
    if explanation.candidates:
        shown += [Text(), _table(explanation.candidates)]
    remarks = list(notes(explanation))
    if remarks:
        shown += [Text(), *(Text(printable(f"- {remark}")) for remark in remarks)]
    return Group(*shown)


def _head(explanation: Explanation) -> Table:
    head = Table.grid(padding=(0, 2))
    about = f"{explanation.namespace}/{explanation.search}"
    rows: list[tuple[str, Text]] = [
        ("search", Text(printable(f"{about}, {explanation.correlation_id}"))),
        ("event", Text(explanation.event_id or "none")),
        ("at", Text(printable(explanation.searched_at))),
    ]
    if explanation.query is not None:
        rows.append(("query", Text(printable(" ".join(explanation.query.split())))))
    if explanation.candidates:
        rows.append(("winner", _winner(explanation)))
    for name, text in rows:
        head.add_row(Text(name, style="dim"), text)
    return head


def _winner(explanation: Explanation) -> Text:
    winner = explanation.candidates[0]
    ahead = lead(explanation)
    return Text.assemble(
        (printable(winner.workflow_id), "bold"),
        f", confidence {winner.confidence:.3f}",
        (" (low)", LOSS) if explanation.low_confidence else "",
        printable(f", {ahead}") if ahead else "",
        f"; {explanation.total_found} found, {explanation.returned} listed",
    )


def _table(candidates: Sequence[Candidate]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("RANK", justify="right")
    for heading in ("WORKFLOW", "PART"):
        table.add_column(heading)
    table.add_column("VALUE", justify="right")
    table.add_column("")
    for candidate in candidates:
        _add_candidate(table, candidate)
    return table


def _add_candidate(table: Table, candidate: Candidate) -> None:
    place = (str(candidate.rank), printable(candidate.workflow_id))
    for part in candidate.parts:
        bar = Text(_bar(part.value), style=_colour(part))
        table.add_row(*map(Text, place), Text(printable(part.name)), f"{part.value:+.3f}", bar)
        place = ("", "")
    total = Text(f"{candidate.confidence:.3f}", style="bold")
    sum_row = (Text("= confidence", style="bold"), total, "")
    table.add_row(*map(Text, place), *sum_row, end_section=True)


def _colour(part: Part) -> str:
    if part.kind == "base":
        return BASE
    return GAIN if part.value > 0 else LOSS


def _bar(value: float) -> str:
    return "█" * max(round(abs(value) * BAR_CELLS), 1 if value else 0)
