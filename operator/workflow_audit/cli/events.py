"""`workflow-audit events`: list, get, export and watch what was recorded."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from workflow_audit.cli.event_formats import json_text, yaml_text
from workflow_audit.cli.event_reads import event_of, pages_of
from workflow_audit.cli.exporting import ExportFormat, export_events
from workflow_audit.cli.options import grouped
from workflow_audit.cli.reading import Place, read
from workflow_audit.cli.selecting import DateOption, Filters, Period, selection
from workflow_audit.cli.showing import ListFormat, WatchFormat, follow, print_list
from workflow_audit.domain.selection import parameters

Json = dict[str, Any]

LIST_EPILOG = """
Examples:

  workflow-audit events list --since 24h

  workflow-audit events list -n payments --correlation-id rr-2026-001 -o wide

  workflow-audit events list -A --outcome failure --since 7d --limit 0 -o csv

Exit codes: 0 done, 1 an error that stderr explains, 2 a wrong command line.
"""
GET_EPILOG = """
Examples:

  workflow-audit events get 590b17c1-ce6f-5cbf-a6dc-62b512248834

  workflow-audit events get -A -o json 590b17c1-ce6f-5cbf-a6dc-62b512248834

Exit codes: 0 done, 1 an error that stderr explains, 2 a wrong command line, 3 no such event.
"""
EXPORT_EPILOG = """
Examples:

  workflow-audit events export -A --since 2026-11-01 --until 2026-12-01 --output-file nov.jsonl

  workflow-audit events export -n payments -o csv > payments.csv

Shows what was recorded when it began, however long it takes, and each event once.

Exit codes: 0 done, 1 an error that stderr explains (--output-file is as it was before), 2 a wrong
command line.
"""
WATCH_EPILOG = """
Examples:

  workflow-audit events watch

  workflow-audit events watch -A --outcome failure -o json

Goes on where it was when the connection breaks.

Exit codes: 130 ended by Ctrl-C, 1 an error that stderr explains, 2 a wrong command line.
"""


class GetFormat(StrEnum):
    """How one event is printed."""

    YAML = "yaml"
    JSON = "json"


app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    no_args_is_help=True,
    help="Read audit events through the API server, as far as the cluster's RBAC lets you.",
)


@app.command("list", epilog=LIST_EPILOG)
@grouped
def list_(
    *,
    filters: Filters,
    date: DateOption = None,
    period: Period,
    limit: Annotated[int, typer.Option(min=0, help="Events at the most; 0 is all.")] = 50,
    output: Annotated[
        ListFormat, typer.Option("--output", "-o", help="table and wide are for people.")
    ] = ListFormat.TABLE,
    place: Place,
) -> None:
    """List events, the newest first."""
    wanted = selection(filters, period, date)
    count = read(
        place,
        lambda reader: print_list(
            pages_of(reader, parameters(wanted), limit), output, everywhere=place.everywhere
        ),
    )
    if limit and count == limit and sys.stderr.isatty():
        print(f"{limit} events; there may be more: --limit 0 shows all", file=sys.stderr)


@app.command(epilog=GET_EPILOG)
@grouped
def get(
    event_id: Annotated[UUID, typer.Argument(help="As `list` shows it.", metavar="EVENT_ID")],
    *,
    output: Annotated[GetFormat, typer.Option("--output", "-o")] = GetFormat.YAML,
    place: Place,
) -> None:
    """Print one event whole."""
    event = read(place, lambda reader: event_of(reader, event_id))
    sys.stdout.write(json_text(event) if output is GetFormat.JSON else yaml_text(event))


@app.command(epilog=EXPORT_EPILOG)
@grouped
def export(
    *,
    filters: Filters,
    date: DateOption = None,
    period: Period,
    output: Annotated[
        ExportFormat, typer.Option("--output", "-o", help="JSON lines, or csv.")
    ] = ExportFormat.JSON,
    output_file: Annotated[
        Path | None, typer.Option(help="File with mode 0600; else stdout.")
    ] = None,
    place: Place,
) -> None:
    """Write all events that are selected, the newest first, one a line."""
    wanted = selection(filters, period, date)
    export_events(place, parameters(wanted), output, output_file)


@app.command(epilog=WATCH_EPILOG)
@grouped
def watch(
    *,
    filters: Filters,
    output: Annotated[
        WatchFormat, typer.Option("--output", "-o", help="json is one event a line.")
    ] = WatchFormat.TABLE,
    place: Place,
) -> None:
    """Print events as they are recorded, until Ctrl-C."""
    wanted = selection(filters)
    read(place, lambda reader: follow(reader, parameters(wanted), output))
