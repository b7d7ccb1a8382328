"""Condition types and reasons, and how conditions are written."""

from datetime import UTC, datetime
from typing import Literal

from workflow_audit.models.status import Condition

READY = "Ready"
RECORDED = "Recorded"
SEARCHED = "Searched"

REASON_RECORDED = "Recorded"
REASON_SKIPPED = "AuditingDisabled"
REASON_ANSWERED = "Answered"

MESSAGE_CHARACTERS = 1024
"""Longest message in a condition; status is part of every list of searches."""


def condition(
    type_: str,
    status: Literal["True", "False", "Unknown"],
    reason: str,
    message: str,
    *,
    generation: int,
    at: datetime,
) -> Condition:
    """Give a condition; its time has whole seconds, as Kubernetes writes times."""
    if len(message) > MESSAGE_CHARACTERS:
        message = f"{message[: MESSAGE_CHARACTERS - 1]}…"
    return Condition(
        type=type_,
        status=status,
        observed_generation=generation,
        last_transition_time=at.astimezone(UTC).replace(microsecond=0),
        reason=reason,
        message=message,
    )
