"""`workflow-audit explain`: why did this workflow win?"""

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import typer

from workflow_audit.cli.event_formats import json_text, yaml_text
from workflow_audit.cli.event_reads import event_of, events_of
from workflow_audit.cli.explanation import explanation_view
from workflow_audit.cli.options import grouped
from workflow_audit.cli.reading import Place, Reader, read
from workflow_audit.cli.selecting import TypeOption
from workflow_audit.cli.text import show
from workflow_audit.domain.explaining import event_explanation, may_be_search, search_explanation
from workflow_audit.domain.selection import Selection, parameters
from workflow_audit.errors import ClusterError, EventNotFoundError
from workflow_audit.models.explanation import Explanation

Json = dict[str, Any]

EPILOG = """
Examples:

  workflow-audit explain rr-2026-000222-1

  workflow-audit explain -n payments rr-2026-000222 --limit 1

  workflow-audit explain -A 590b17c1-ce6f-5cbf-a6dc-62b512248834 -o json

Exit codes: 0 done, 1 an error that stderr explains, 2 a wrong command line, 3 nothing has this
name.
"""

NOT_THERE = frozenset({403, 404})
"""Searches are removed some time after their recording, and who may read events may perhaps not
read searches. What they would add is left out then."""


class Output(StrEnum):
    """How explanations are printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(epilog=EPILOG)
@grouped
def run(
    identifier: Annotated[
        str,
        typer.Argument(
            help="Name of a search, id of an event, or correlation id; the first that fits.",
            metavar="ID",
        ),
    ],
    *,
    event_type: TypeOption = None,
    limit: Annotated[
        int, typer.Option(min=1, help="Searches at the most, of one correlation id.")
    ] = 5,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TABLE,
    place: Place,
) -> None:
    """Tell why a workflow won: each candidate's similarity, and what labels added or took away."""
    _print(read(place, lambda reader: explanations(reader, identifier, event_type, limit)), output)


async def explanations(
    reader: Reader, identifier: str, event_type: str | None, limit: int
) -> list[Explanation]:
    """Explain what has this name, the newest first.

    Raises:
        EventNotFoundError: nothing has.
        ClusterError: the API server refuses, or cannot be reached.
    """
    if search := await _search(reader, reader.namespace, identifier):
        return [await _of_search(reader, search)]
    if (event_id := _event_id(identifier)) and (event := await _event(reader, event_id)):
        return [await _of_event(reader, event)]
    for wanted in (
        Selection(event_type=event_type, search=identifier),  # one that is not there any more
        Selection(event_type=event_type, correlation_id=identifier),
    ):
        if events := await events_of(reader, parameters(wanted), limit):
            return [await _of_event(reader, event) for event in events]
    where = f"in the namespace {reader.namespace}" if reader.namespace else "in any namespace"
    raise EventNotFoundError(
        f"no search, event or correlation id {where} is called {identifier!r}; "
        "`workflow-audit events list` shows what there is"
    )


async def _of_search(reader: Reader, search: Json) -> Explanation:
    """Explain by the event, which has more; by the status where there is none to be read."""
    event_id = _event_id((search.get("status") or {}).get("eventId") or "")
    event = await _event(reader, event_id) if event_id else None
    return event_explanation(event, search) if event else search_explanation(search)


async def _of_event(reader: Reader, event: Json) -> Explanation:
    name = event.get("resourceName") or ""
    search = await _search(reader, event["metadata"]["namespace"], name)
    same = search if search and search["metadata"]["uid"] == event["resourceId"] else None
    return event_explanation(event, same)


async def _search(reader: Reader, namespace: str | None, name: str) -> Json | None:
    from workflow_audit.kube import objects  # noqa: PLC0415
    from workflow_audit.models.kinds import WORKFLOW_SEARCH  # noqa: PLC0415

    if namespace is None or not may_be_search(name):
        return None
    try:
        return await objects.find(reader.api, WORKFLOW_SEARCH.resource, namespace, name)
    except ClusterError as error:
        if error.status in NOT_THERE:
            return None
        raise


async def _event(reader: Reader, event_id: UUID) -> Json | None:
    try:
        return await event_of(reader, event_id)
    except EventNotFoundError:
        return None
    except ClusterError as error:
        if error.status in NOT_THERE and error.words:
            return None
        raise


def _event_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _print(found: Sequence[Explanation], output: Output) -> None:
    if output is not Output.TABLE:
        content = [each.model_dump(mode="json", by_alias=True) for each in found]
        sys.stdout.write(json_text(content) if output is Output.JSON else yaml_text(content))
        return
    for number, each in enumerate(found):
        if number:
            sys.stdout.write("\n")
        show(explanation_view(each))
