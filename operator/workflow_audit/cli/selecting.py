"""Options by which readers select events; the same for every command that has them."""

from dataclasses import dataclass
from datetime import datetime
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


TypeOption = Annotated[
    str | None,
    typer.Option(
        "--type",
        help="Type of events; who may read one type only has to name it.",
        rich_help_panel=WHICH,
    ),
]
DateOption = Annotated[
    str | None,
    typer.Option("--date", help="Day in UTC, such as 2026-11-24.", rich_help_panel=WHICH),
]


@dataclass(frozen=True)
class Filters:
    """What the events are like."""

    correlation_id: Annotated[
        str | None,
        typer.Option("--correlation-id", help="Remediation request.", rich_help_panel=WHICH),
    ] = None
    workflow: Annotated[
        str | None, typer.Option("--workflow", help="The workflow that won.", rich_help_panel=WHICH)
    ] = None
    event_type: TypeOption = None
    outcome: Annotated[
        Outcome | None,
        typer.Option("--outcome", help="How the search went.", rich_help_panel=WHICH),
    ] = None
    service: Annotated[
        str | None, typer.Option("--service", help="Who searched.", rich_help_panel=WHICH)
    ] = None
    search: Annotated[
        str | None, typer.Option("--search", help="Name of the search.", rich_help_panel=WHICH)
    ] = None
    field_selector: Annotated[
        str,
        typer.Option("--field-selector", help="What else, as for kubectl.", rich_help_panel=WHICH),
    ] = ""
    label_selector: Annotated[
        str,
        typer.Option("--selector", "-l", help="By labels, as for kubectl.", rich_help_panel=WHICH),
    ] = ""


@dataclass(frozen=True)
class Period:
    """When the searches were."""

    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            help="From this moment on: 24h, 7d, 2026-11-24 or 2026-11-24T10:30:00Z.",
            rich_help_panel=WHICH,
        ),
    ] = None
    until: Annotated[
        str | None,
        typer.Option(
            "--until", help="Before this moment, written likewise.", rich_help_panel=WHICH
        ),
    ] = None

    def instants(self) -> tuple[datetime | None, datetime | None]:
        """Give both moments; spans count from now.

        Raises:
            typer.BadParameter: one is none.
        """
        now = present()
        return (
            checked(instant, "--since", self.since, now) if self.since else None,
            checked(instant, "--until", self.until, now) if self.until else None,
        )


def selection(filters: Filters, period: Period | None = None, date: str | None = None) -> Selection:
    """Give what the options ask for.

    Raises:
        typer.BadParameter: a moment is none.
    """
    since, until = period.instants() if period else (None, None)
    return Selection(
        correlation_id=filters.correlation_id,
        workflow=filters.workflow,
        event_type=filters.event_type,
        outcome=filters.outcome.value if filters.outcome else None,
        service=filters.service,
        search=filters.search,
        day=checked(day, "--date", date) if date else None,
        since=since,
        until=until,
        field_selector=filters.field_selector,
        label_selector=filters.label_selector,
    )
