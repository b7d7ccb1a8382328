"""Writes any number of events, page by page, so that memory does not grow with them."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from workflow_audit.cli.event_formats import csv_heading, csv_line, json_line
from workflow_audit.cli.output_file import complete_file
from workflow_audit.cli.progressing import shown_progress
from workflow_audit.cli.reading import Place, Reader, read, say_wait

if TYPE_CHECKING:
    from workflow_audit.local.progress import Reporter

PAGE = 500


class ExportFormat(StrEnum):
    """How events are written."""

    JSON = "json"
    CSV = "csv"


def export_events(
    place: Place, wanted: Mapping[str, str], output: ExportFormat, path: Path | None
) -> None:
    """Write all events that are selected.

    Raises:
        AuditError: not all could be written; a file is as it was before then.
    """
    with _opened(path) as file, shown_progress("exporting") as progress:
        count = read(place, lambda reader: _write(reader, wanted, output, file, progress))
    if path is not None:
        print(f"{count} events are in {path}", file=sys.stderr)


async def _write(
    reader: Reader,
    wanted: Mapping[str, str],
    output: ExportFormat,
    file: TextIO,
    progress: "Reporter | None",
) -> int:
    from workflow_audit.services.listing import Listing  # noqa: PLC0415

    line = csv_line if output is ExportFormat.CSV else json_line
    count = 0
    if output is ExportFormat.CSV:
        file.write(csv_heading())
    async with aclosing(Listing(reader.events, say_wait).pages(wanted, PAGE)) as pages:
        async for page in pages:
            file.writelines(map(line, page))
            count += len(page)
            if progress:
                progress.update(f"{count} events")
    file.flush()
    return count


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    with complete_file(path) as file:
        yield file
