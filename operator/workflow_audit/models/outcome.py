"""What became of one search."""

from dataclasses import dataclass
from datetime import datetime

from workflow_audit.models.event import AuditEvent


@dataclass(frozen=True)
class Recorded:
    """The event is committed."""

    event: AuditEvent
    recorded_at: datetime
    policy: str
    low_confidence: bool | None
    """Whether the winner is below the policy's threshold; None without a winner."""

    executed: bool = False
    """Whether the operator ran the search: its results stand nowhere else in the cluster."""


@dataclass(frozen=True)
class Skipped:
    """Auditing is off for this search: nothing was written."""

    policy: str


Outcome = Recorded | Skipped
