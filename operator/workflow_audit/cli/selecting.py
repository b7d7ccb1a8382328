"""Options by which readers select events; the same for every command that has them."""

from enum import StrEnum
from typing import Annotated

import typer

from workflow_audit.cli.reading import checked, present
from workflow_audit.domain.instants import day, instant
from workflow_audit.domain.selection import Selection

WHICH = "Which events"


class Outcome(StrEnum):
    """How searches went."""

    SUCCESS = "success"
    FAILURE = "failure"
    PENDING = "pending"


CorrelationOption = Annotated[
    str | None, typer.Option("--correlation-id", help="Remediation request.", rich_help_panel=WHICH)
]
WorkflowOption = Annotated[
    str | None, typer.Option("--workflow", help="The workflow that won.", rich_help_panel=WHICH)
]
TypeOption = Annotated[
    str | None,
    typer.Option(
        "--type",
        help="Type of events; who may read one type only has to name it.",
        rich_help_panel=WHICH,
    ),
]
OutcomeOption = Annotated[
    Outcome | None, typer.Option("--outcome", help="How the search went.", rich_help_panel=WHICH)
]
ServiceOption = Annotated[
    str | None, typer.Option("--service", help="Who searched.", rich_help_panel=WHICH)
]
SearchOption = Annotated[
    str | None, typer.Option("--search", help="Name of the search.", rich_help_panel=WHICH)
]
DateOption = Annotated[
    str | None,
    typer.Option("--date", help="Day in UTC, such as 2026-11-24.", rich_help_panel=WHICH),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        help="From this moment on: 24h, 7d, 2026-11-24 or 2026-11-24T10:30:00Z.",
        rich_help_panel=WHICH,
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option("--until", help="Before this moment, written likewise.", rich_help_panel=WHICH),
]
FieldSelectorOption = Annotated[
    str,
    typer.Option("--field-selector", help="What else, as for kubectl.", rich_help_panel=WHICH),
]
LabelSelectorOption = Annotated[
    str, typer.Option("--selector", "-l", help="By labels, as for kubectl.", rich_help_panel=WHICH)
]


def selection(
    *,
    correlation_id: str | None,
    workflow: str | None,
    event_type: str | None,
    outcome: Outcome | None,
    service: str | None,
    search: str | None,
    field_selector: str,
    label_selector: str,
    date: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Selection:
    """Give what the options ask for.

    Raises:
        typer.BadParameter: a moment is none.
    """
    now = present()
    return Selection(
        correlation_id=correlation_id,
        workflow=workflow,
        event_type=event_type,
        outcome=outcome.value if outcome else None,
        service=service,
        search=search,
        day=checked(day, "--date", date) if date else None,
        since=checked(instant, "--since", since, now) if since else None,
        until=checked(instant, "--until", until, now) if until else None,
        field_selector=field_selector,
        label_selector=label_selector,
    )
