"""What came of the events of a request, and the one line about it in the log."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from workflow_audit import metrics
from workflow_audit.errors import AuditError, EventRefusedError, ForbiddenError, InvalidFieldError
from workflow_audit.models.user import User

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ingested:
    """What came of one event with which nothing is wrong."""

    status: Literal["recorded", "replayed", "skipped"]
    at: datetime
    event_id: UUID | None = None


Result = Ingested | AuditError


@dataclass
class Account:
    """One request: who sends, and what came of it."""

    sender: User
    endpoint: str
    results: Sequence[Result] = ()


def is_refusal(error: AuditError) -> bool:
    """Tell whether sending the same again would be refused again."""
    return isinstance(error, InvalidFieldError | ForbiddenError | EventRefusedError)


def status_of(result: Result) -> str:
    """Give what came of an event in one word."""
    if isinstance(result, Ingested):
        return result.status
    return "refused" if is_refusal(result) else "unavailable"


def note(account: Account, reason: str | None, seconds: float) -> None:
    """Write one line for a request; what was refused may be shown to its sender only."""
    statuses = Counter(map(status_of, account.results))
    for status, number in statuses.items():
        metrics.INGEST_EVENTS.labels(status).inc(number)
    errors = Counter(each.reason for each in account.results if isinstance(each, AuditError))
    log.info(
        "events came by HTTP" if reason is None else "events by HTTP were not taken",
        extra={
            "user": account.sender.name,
            "groups": list(account.sender.groups),
            "endpoint": account.endpoint,
            "outcome": reason or "Answered",
            "events": dict(statuses),
            "errors": dict(errors),
            "seconds": round(seconds, 6),
        },
    )
