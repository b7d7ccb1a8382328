"""Events on stdout: lists of them, and one by one as they come."""

import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from workflow_audit.cli.event_formats import csv_heading, csv_line, json_line, json_text, yaml_text
from workflow_audit.cli.event_table import TIME, columns, fitted, heading, row
from workflow_audit.cli.reading import Reader, present, say_wait
from workflow_audit.cli.text import wide_console

Json = dict[str, Any]
Pages = AsyncGenerator[Sequence[Json], None]


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


@dataclass(frozen=True)
class _Form:
    """How a list is written whose length is not known yet."""

    item: Callable[[Json], str]
    begins: str = ""
    between: str = ""
    ends: str = ""
    empty: str = ""


def _indented(event: Json) -> str:
    return json_text(event).rstrip().replace("\n", "\n  ")


_FORMS = {
    ListFormat.JSON: _Form(_indented, "[\n  ", ",\n  ", "\n]\n", "[]\n"),
    ListFormat.YAML: _Form(lambda event: yaml_text([event]), empty="[]\n"),
    ListFormat.CSV: _Form(csv_line, csv_heading(), empty=csv_heading()),
}


async def print_list(pages: Pages, output: ListFormat, *, everywhere: bool) -> int:
    """Print events as their pages come, so that memory does not grow with them.

    Args:
        pages: none of them is empty.
        output: a table is as wide as its first page needs.
        everywhere: they may be of several namespaces.

    Returns:
        How many.
    """
    if output in _FORMS:
        return await _print_form(pages, _FORMS[output])
    return await _print_table(pages, wide=output is ListFormat.WIDE, everywhere=everywhere)


async def _print_form(pages: Pages, form: _Form) -> int:
    count = 0
    async with aclosing(pages):
        async for events in pages:
            for event in events:
                sys.stdout.write(form.between if count else form.begins)
                sys.stdout.write(form.item(event))
                count += 1
    sys.stdout.write(form.ends if count else form.empty)
    return count


async def _print_table(pages: Pages, *, wide: bool, everywhere: bool) -> int:
    shown, console = columns(everywhere=everywhere, wide=wide), wide_console()
    count = 0
    async with aclosing(pages):
        async for events in pages:
            if not count:
                shown = fitted(shown, events, present())
                console.print(heading(shown))
            for event in events:
                console.print(row(event, shown, present()))
            count += len(events)
    if not count:
        print("no events found", file=sys.stderr)
    return count
