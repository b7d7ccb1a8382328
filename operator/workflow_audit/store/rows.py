"""An audit event as a row, and rows as the columns of a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date
from operator import attrgetter
from typing import Any, NamedTuple, Self
from uuid import UUID

import orjson

from workflow_audit.errors import EventRefusedError
from workflow_audit.models.event import AuditEvent
from workflow_audit.store.arrays import (
    Array,
    BooleanArray,
    DateArray,
    FloatArray,
    IntegerArray,
    JsonbArray,
    TextArray,
    TimeArray,
    UuidArray,
)

Key = tuple[date, UUID]
"""The primary key."""


class Names(NamedTuple):
    """What an event is about; one key never stands for two of them."""

    correlation_id: str
    resource_id: str
    resource_name: str | None

    @classmethod
    def of(cls, event: AuditEvent) -> Self:
        """Give those of an event."""
        return cls(event.correlation_id, event.resource_id, event.resource_name)


Row = tuple[Any, ...]
"""The values of COLUMNS, with JSON as text."""

COLUMNS: Mapping[str, type[Array]] = {
    "event_id": UuidArray,
    "event_version": TextArray,
    "event_timestamp": TimeArray,
    "event_date": DateArray,
    "event_type": TextArray,
    "event_category": TextArray,
    "event_action": TextArray,
    "event_outcome": TextArray,
    "actor_type": TextArray,
    "actor_id": TextArray,
    "resource_type": TextArray,
    "resource_id": TextArray,
    "resource_name": TextArray,
    "correlation_id": TextArray,
    "namespace": TextArray,
    "cluster_id": TextArray,
    "event_data": JsonbArray,
    "event_metadata": JsonbArray,
    "duration_ms": IntegerArray,
    "error_code": TextArray,
    "error_message": TextArray,
    "retention_days": IntegerArray,
    "is_sensitive": BooleanArray,
    "top_workflow_id": TextArray,
    "top_confidence": FloatArray,
}
"""What we write, by name and type; the same names stand in insert_events."""

if set(COLUMNS) != {field.name for field in fields(AuditEvent)}:
    raise TypeError("store.rows.COLUMNS and models.event.AuditEvent differ")

_values = attrgetter(*COLUMNS)
_JSON = tuple(i for i, kind in enumerate(COLUMNS.values()) if kind is JsonbArray)


def row(event: AuditEvent) -> Row:
    """Give the row of an event.

    Raises:
        EventRefusedError: event_data or event_metadata is no JSON (a lone surrogate, a number
            beyond 64 bits, more than 254 levels).
    """
    values = list(_values(event))
    try:
        for i in _JSON:
            values[i] = orjson.dumps(values[i])
    except TypeError as error:  # orjson.JSONEncodeError is one
        raise EventRefusedError(f"the event cannot be stored as JSON: {error}") from None
    return tuple(values)


def columns(rows: Sequence[Row]) -> dict[str, Array]:
    """Give the parameters of insert_events."""
    return {
        name: array(values)
        for (name, array), values in zip(COLUMNS.items(), zip(*rows, strict=True), strict=True)
    }
