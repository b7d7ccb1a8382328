"""`workflow-audit stats`: what the recorded searches say about the catalogue."""

import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer
from pydantic.alias_generators import to_camel

from workflow_audit.cli.event_formats import csv_text, json_text, yaml_text
from workflow_audit.cli.options import grouped
from workflow_audit.cli.reading import Place, Reader, read
from workflow_audit.cli.selecting import WHICH, Period
from workflow_audit.cli.text import show
from workflow_audit.models.statistics import (
    MOST_ROWS,
    ROWS,
    USUAL_ROWS,
    USUAL_THRESHOLD,
    Bucket,
    Statistic,
)

Json = dict[str, Any]

HOW = "How they are counted"

EPILOG = """
Examples:

  workflow-audit stats {name} -n payments --since 7d

  workflow-audit stats {name} -A {more}

Without --since: the last 30 days. docs/how-to/analytics.md says what the numbers mean.

Exit codes: 0 done, 1 an error that stderr explains, 2 a wrong command line.
"""


class Format(StrEnum):
    """How a statistic is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"


WorkflowOption = Annotated[
    str | None, typer.Option("--workflow", help="Only rows about it.", rich_help_panel=WHICH)
]


@dataclass(frozen=True)
class Counting:
    """What is counted by itself."""

    bucket: Annotated[
        Bucket,
        typer.Option(
            "--bucket", help="Divide time, in UTC; weeks from Monday.", rich_help_panel=HOW
        ),
    ] = Bucket.NONE
    by_namespace: Annotated[
        bool,
        typer.Option("--by-namespace", help="Count each namespace by itself.", rich_help_panel=HOW),
    ] = False

    def parameters(self) -> Json:
        """Give what the API takes."""
        return {"bucket": self.bucket.value, "byNamespace": self.by_namespace}


@dataclass(frozen=True)
class Printing:
    """How much is printed, and how."""

    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MOST_ROWS, help="Rows at the most.")
    ] = USUAL_ROWS
    output: Annotated[
        Format,
        typer.Option("--output", "-o", help="table is for people; csv has the rows only."),
    ] = Format.TABLE


app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    no_args_is_help=True,
    help="Statistics of searches, as far as the cluster's RBAC lets you.",
)


def _epilog(statistic: Statistic, more: str) -> str:
    return EPILOG.format(name=statistic.value, more=more)


@app.command(epilog=_epilog(Statistic.SELECTION_RATE, "--bucket week --workflow pod-oom-gitops"))
@grouped
def selection_rate(
    *,
    period: Period,
    workflow: WorkflowOption = None,
    counting: Counting,
    printing: Printing,
    place: Place,
) -> None:
    """Tell how often each version of a workflow is listed, and how often it wins."""
    given = {"workflowId": workflow} | counting.parameters()
    _print(Statistic.SELECTION_RATE, place, period, printing, given)


@app.command(epilog=_epilog(Statistic.LOW_CONFIDENCE, "--threshold 0.4 -o csv"))
@grouped
def low_confidence(
    *,
    period: Period,
    workflow: WorkflowOption = None,
    threshold: Annotated[
        float,
        typer.Option(
            "--threshold", min=0, max=1, help="Confidences below it are low.", rich_help_panel=WHICH
        ),
    ] = USUAL_THRESHOLD,
    totals: Annotated[
        bool,
        typer.Option("--totals", help="Count all searches of the period too.", rich_help_panel=HOW),
    ] = False,
    printing: Printing,
    place: Place,
) -> None:
    """List searches whose winner has a low confidence, the newest first."""
    given = {"workflowId": workflow, "threshold": threshold, "totals": totals}
    _print(Statistic.LOW_CONFIDENCE, place, period, printing, given)


@app.command(epilog=_epilog(Statistic.PATTERNS, "--by-namespace --limit 10"))
@grouped
def patterns(
    *,
    period: Period,
    counting: Counting,
    printing: Printing,
    place: Place,
) -> None:
    """Tell which filters and which texts are frequent, and what came of them."""
    _print(Statistic.PATTERNS, place, period, printing, counting.parameters())


@app.command(epilog=_epilog(Statistic.MOST_SELECTED, "--bucket day -o csv"))
@grouped
def most_selected(
    *,
    period: Period,
    workflow: WorkflowOption = None,
    counting: Counting,
    printing: Printing,
    place: Place,
) -> None:
    """Tell which workflows win most searches, and with what confidence."""
    given = {"workflowId": workflow} | counting.parameters()
    _print(Statistic.MOST_SELECTED, place, period, printing, given)


@app.command(epilog=_epilog(Statistic.UNATTRIBUTED, "--workflow pod-oom-gitops -o json"))
@grouped
def unattributed(
    *,
    period: Period,
    workflow: WorkflowOption = None,
    counting: Counting,
    printing: Printing,
    place: Place,
) -> None:
    """Tell for which workflows breakdowns leave a boost or a penalty unexplained."""
    given = {"workflowId": workflow} | counting.parameters()
    _print(Statistic.UNATTRIBUTED, place, period, printing, given)


def asked_for(period: Period, printing: Printing, given: Json) -> dict[str, str]:
    """Give the parameters of the API.

    Times go as they were written: the server has a span of days begin with its day.

    Raises:
        typer.BadParameter: a moment is none.
    """
    period.instants()
    values = {"since": period.since, "until": period.until, "limit": printing.limit} | given
    return {name: _written(value) for name, value in values.items() if value is not None}


def _print(
    statistic: Statistic, place: Place, period: Period, printing: Printing, given: Json
) -> None:
    wanted = asked_for(period, printing, given)

    async def asked(reader: Reader) -> Json:
        from workflow_audit.kube.audit_statistics import AuditStatistics  # noqa: PLC0415

        statistics = AuditStatistics(reader.api, reader.namespace)
        return await statistics.statistic(statistic.value, wanted)

    _write(read(place, asked), statistic, printing.output)


def _write(found: Json, statistic: Statistic, output: Format) -> None:
    match output:
        case Format.JSON:
            sys.stdout.write(json_text(found))
        case Format.YAML:
            sys.stdout.write(yaml_text(found))
        case Format.CSV:
            columns = [to_camel(name) for name in ROWS[statistic].model_fields]
            sys.stdout.write(csv_text(columns, found["rows"]))
        case Format.TABLE:
            from workflow_audit.cli.statistic_table import statistic_view  # noqa: PLC0415

            show(statistic_view(found))
    if not found["rows"] and output is Format.TABLE:
        print("no searches found for this", file=sys.stderr)
    if found["hasMore"] and sys.stderr.isatty():
        print("there are more rows: --limit shows up to 1000", file=sys.stderr)


def _written(value: str | float | bool) -> str:  # noqa: FBT001 - a value of any kind
    return str(value).lower() if isinstance(value, bool) else str(value)
