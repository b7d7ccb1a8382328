"""What the routes need; wiring fills it in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request

from workflow_audit.api.bodies import Bodies
from workflow_audit.models.user import User
from workflow_audit.services.exporting import Exporting
from workflow_audit.services.ingesting import Ingesting
from workflow_audit.services.reading import Reading
from workflow_audit.services.statistics import Statistics
from workflow_audit.services.watching import Watching


@dataclass(frozen=True)
class Ingestion:
    """What takes events by HTTP."""

    ingesting: Ingesting
    bodies: Bodies
    event_bytes: int
    """Largest body of a single event."""

    batch_bytes: int
    """Largest body of a batch."""


@dataclass(frozen=True)
class ReadServices:
    """All of it."""

    reading: Reading
    watching: Watching
    statistics: Statistics
    exporting: Exporting
    authenticate: Callable[[Request], Awaitable[User]]
    """Raises UnauthenticatedError."""

    clock: Callable[[], datetime]
    """Gives the present instant."""

    ingestion: Ingestion | None = None
    """None where no events are taken."""
