"""Events as a table, which is what `kubectl get` asks for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from workflow_audit.api.objects import audit_event, metadata
from workflow_audit.domain.ages import age
from workflow_audit.models.query import StoredEvent

Json = dict[str, Any]

IncludeObject = Literal["None", "Metadata", "Object"]
"""How much of each event stands beside its row."""


@dataclass(frozen=True)
class Column:
    """A column; priority 1 shows with `-o wide` only."""

    name: str
    description: str
    cell: Callable[[dict[str, Any], datetime], Any]
    """Takes the event's columns and the present instant."""

    type: str = "string"
    format: str = ""
    priority: int = 0


Row = dict[str, Any]


def _confidence(row: Row, _: datetime) -> str:
    value = row["top_confidence"]
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")


def _age(row: Row, now: datetime) -> str:
    return age(now - row["event_timestamp"])


def _of(name: str) -> Callable[[Row, datetime], Any]:
    def cell(row: Row, _: datetime) -> Any:
        value = row[name]
        return "" if value is None else str(value) if isinstance(value, UUID) else value

    return cell


COLUMNS = (
    Column("Name", "Id of the event.", _of("event_id"), format="name"),
    Column("Correlation", "Remediation request.", _of("correlation_id")),
    Column("Workflow", "The workflow that won.", _of("top_workflow_id")),
    Column("Confidence", "Its confidence, 0 to 1.", _confidence),
    Column("Outcome", "How the search went.", _of("event_outcome")),
    Column("Age", "Since the search.", _age),
    Column("Search", "Name of the search.", _of("resource_name"), priority=1),
    Column("Service", "Who searched.", _of("actor_id"), priority=1),
    Column("Type", "Type of the event.", _of("event_type"), priority=1),
    Column("Milliseconds", "Duration of the search.", _of("duration_ms"), priority=1),
)


def table(
    events: Sequence[StoredEvent], about: Json, include: IncludeObject, now: datetime
) -> Json:
    """Give events as rows.

    Args:
        events: in their order.
        about: metadata of the list.
        include: how much of each event stands beside its row.
        now: ages are told from it.
    """
    return {
        "apiVersion": "meta.k8s.io/v1",
        "kind": "Table",
        "metadata": about,
        "columnDefinitions": [
            {
                "name": column.name,
                "type": column.type,
                "format": column.format,
                "description": column.description,
                "priority": column.priority,
            }
            for column in COLUMNS
        ],
        "rows": [_row(event, include, now) for event in events],
    }


def _row(event: StoredEvent, include: IncludeObject, now: datetime) -> Json:
    row: Json = {"cells": [column.cell(event.columns, now) for column in COLUMNS]}
    if include == "Object":
        row["object"] = audit_event(event)
    elif include == "Metadata":
        kind = {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata"}
        row["object"] = kind | {"metadata": metadata(event)}
    return row
