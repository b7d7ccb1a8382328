"""What a reader selects events by, and the API's parameters that say so."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from workflow_audit.domain.instants import rfc3339

_SPECIAL = re.compile(r"[\\,=]")


@dataclass(frozen=True)
class Selection:
    """Every demand has to be met; None demands nothing."""

    correlation_id: str | None = None
    workflow: str | None = None
    """The one that won."""

    event_type: str | None = None
    outcome: str | None = None
    service: str | None = None
    search: str | None = None
    """Name of the search."""

    event_id: str | None = None
    day: date | None = None
    since: datetime | None = None
    until: datetime | None = None
    field_selector: str = ""
    label_selector: str = ""


def parameters(selection: Selection) -> dict[str, str]:
    """Give the parameters of a list or watch.

    The type is sent as a name: the API server compares a demanded `metadata.name` with the
    `resourceNames` of a role, which is how somebody may read events of one type only.
    """
    wanted = {
        "metadata.name": selection.event_type or selection.event_id,
        "correlationId": selection.correlation_id,
        "workflowId": selection.workflow,
        "outcome": selection.outcome,
        "service": selection.service,
        "resourceName": selection.search,
        "eventDate": selection.day.isoformat() if selection.day else None,
    }
    demands = [f"{field}={escaped(value)}" for field, value in wanted.items() if value is not None]
    given = {
        "fieldSelector": ",".join([*demands, *filter(None, [selection.field_selector])]),
        "labelSelector": selection.label_selector,
        "since": rfc3339(selection.since) if selection.since else "",
        "until": rfc3339(selection.until) if selection.until else "",
    }
    return {name: value for name, value in given.items() if value}


def escaped(value: str) -> str:
    """Write a value so that a field selector takes it for one."""
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", value)
