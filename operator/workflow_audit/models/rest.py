"""Answers of the REST interface; its docstrings are what /openapi.json shows."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from workflow_audit.models.audit_object import AuditEventObject
from workflow_audit.models.event_data import EventData, EventMetadata

PROBLEM_TYPES = "https://kubernaut.ai/problems/"
"""Where the types of problems begin; kubernaut's own begin there too."""

Json = dict[str, Any]

_COLUMN_NAMES = ConfigDict(title="AuditEvent", alias_generator=str)
"""`str` leaves a name as it is: in SQL and in REST it is the column's."""


class Event(AuditEventObject):
    """One immutable event: what was asked, what was found, who won, and why."""

    model_config = _COLUMN_NAMES

    event_id: str = Field(json_schema_extra={"format": "uuid"})
    """Names the event; the same at every attempt to record it."""

    namespace: str
    """Namespace of the search."""

    event_data: EventData | Json  # type: ignore[assignment]
    """What was asked, what was found, and why. Events of other types have another shape."""

    event_metadata: EventMetadata | Json | None = None  # type: ignore[assignment]
    """About the recording."""


class Pagination(BaseModel):
    """Which part of the list this is."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    limit: int
    """Events at the most, as asked for."""

    offset: int
    """Events that were skipped, as asked for; 0 with a cursor."""

    total: int
    """Events of the whole list, counted up to 1,000; beyond, as many as are known of."""

    total_is_exact: bool
    """false: there are at least `total`, and nobody has counted them all."""

    has_more: bool
    """Whether another page follows."""

    next_cursor: str | None
    """What to give as `cursor` for the next page, with the same filters; null on the last one."""


class EventPage(BaseModel):
    """Some events, the newest first."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    data: list[Event]
    """The events."""

    pagination: Pagination
    """Which part of the list they are."""


class Problem(BaseModel):
    """Why there is no answer, as RFC 9457 has it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str = Field(json_schema_extra={"format": "uri"})
    """What kind of problem it is; programs go by this."""

    title: str
    """The same for people."""

    status: int
    """HTTP status."""

    detail: str
    """What is wrong here, and what to do."""

    instance: str
    """Path that was asked for."""

    field: str | None = None
    """Parameter or field that is to blame, where one is."""


Outcome = Literal["success", "failure", "pending"]
