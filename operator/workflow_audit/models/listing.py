"""Events as the aggregated API gives them: pages, and what a watch tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from workflow_audit.models.query import Place

Json = dict[str, Any]


@dataclass(frozen=True)
class EventPage:
    """Some events, the newest first."""

    events: Sequence[Json]
    cursor: str
    """Where the next page begins; empty when this is the last."""

    position: str
    """resourceVersion of the list: no event that was recorded later is on any of its pages."""


@dataclass(frozen=True)
class Told:
    """What a watch tells."""

    kind: Literal["ADDED", "BOOKMARK"]
    event: Json
    """Of a bookmark only its resourceVersion counts."""

    @property
    def position(self) -> str:
        """Give where a watch goes on behind it."""
        return str(self.event["metadata"]["resourceVersion"])


def place_of(event: Json) -> Place:
    """Give the place of an event in a list."""
    return Place(datetime.fromisoformat(event["eventTimestamp"]), UUID(event["eventId"]))
