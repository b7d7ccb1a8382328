"""Events on stdout: lists of them, and one by one as they come."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from enum import StrEnum
from typing import Any

from workflow_audit.cli.event_formats import csv_heading, csv_line, json_line, json_text, yaml_text
from workflow_audit.cli.event_table import TIME, columns, heading, row, table
from workflow_audit.cli.reading import Reader, present, say_wait
from workflow_audit.cli.text import show, wide_console

Json = dict[str, Any]


class ListFormat(StrEnum):
    """How a list is printed."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"


class WatchFormat(StrEnum):
    """How events are printed that come one by one."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"


async def follow(reader: Reader, wanted: Mapping[str, str], output: WatchFormat) -> None:
    """Print events as they are recorded, without end.

    Raises:
        ClusterError: the API server refuses, or cannot be reached at the start.
    """
    from workflow_audit.services.following import Following  # noqa: PLC0415

    everywhere, wide = reader.namespace is None, output is WatchFormat.WIDE
    shown, console = columns(everywhere=everywhere, wide=wide, last=TIME), wide_console()
    headed = False
    async with aclosing(Following(reader.events, say_wait).follow(wanted)) as events:
        async for event in events:
            if output is WatchFormat.JSON:
                sys.stdout.write(json_line(event))
            else:
                if not headed:
                    console.print(heading(shown))
                    headed = True
                console.print(row(event, shown, present()))
            sys.stdout.flush()


def print_list(events: Sequence[Json], output: ListFormat, *, everywhere: bool) -> None:
    """Print events; `everywhere`, they may be of several namespaces."""
    match output:
        case ListFormat.JSON:
            sys.stdout.write(json_text(events))
        case ListFormat.YAML:
            sys.stdout.write(yaml_text(events))
        case ListFormat.CSV:
            sys.stdout.write(csv_heading())
            sys.stdout.writelines(map(csv_line, events))
        case ListFormat.TABLE | ListFormat.WIDE:
            _print_table(events, wide=output is ListFormat.WIDE, everywhere=everywhere)


def _print_table(events: Sequence[Json], *, wide: bool, everywhere: bool) -> None:

    if not events:
        print("no events found", file=sys.stderr)
        return
    shown = columns(everywhere=everywhere, wide=wide)
    show(table(events, shown, present()))
