"""Watches searches, has each recorded, and shows the outcome in its status.

Low-level events instead of create and update handlers: these remember their progress in the
object, which would cost one more write for every retry of every search in an outage. Here the
one status write of an outage is itself the event that brings the search back, and the second
time it waits as long as it takes (docs/decisions/0002-low-level-events.md).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast

import kopf

from workflow_audit.domain.parsing import parse_search
from workflow_audit.domain.status import final_status, is_final, is_waiting, waiting_status
from workflow_audit.errors import AuditError
from workflow_audit.handlers.flow import Flow
from workflow_audit.models.event import Json
from workflow_audit.models.kinds import GROUP, VERSION, WORKFLOW_SEARCH
from workflow_audit.models.outcome import Outcome
from workflow_audit.models.search import Search


class SearchRecorder(Protocol):
    """Records searches."""

    async def record(self, search: Search, *, patient: bool) -> Outcome:
        """Return after COMMIT; raises AuditError when it could not be recorded yet."""
        ...


class StatusWriter(Protocol):
    """Shows statuses."""

    async def show(self, found: Json, status: Json) -> None:
        """Show the status of a search as it was found, where it still applies."""
        ...


@dataclass(frozen=True)
class Memo:
    """What handlers need; kopf hands it to each of them."""

    recorder: SearchRecorder
    statuses: StatusWriter
    clock: Callable[[], datetime]
    flow: Flow


async def record_search(event: kopf.RawEvent, memo: Memo, **_: Any) -> None:
    """Record one search, then show its outcome; status never speaks before COMMIT."""
    found = cast("Json", event["object"])
    if event["type"] == "DELETED" or is_final(found.get("status")):
        return
    search, patient = parse_search(found), is_waiting(found.get("status"))
    try:
        with memo.flow.search():
            outcome = await memo.recorder.record(search, patient=patient)
    except AuditError as error:
        status = waiting_status(search.metadata, error, now=memo.clock())
    else:
        status = final_status(search.metadata, outcome, now=memo.clock())
    await memo.statuses.show(found, status)


def register(registry: kopf.OperatorRegistry) -> None:
    """Add the handler; group, version and plural are named.

    With the plural alone kopf scans every API group, and one that is down stops the operator.
    """
    kopf.on.event(GROUP, VERSION, WORKFLOW_SEARCH.plural, registry=registry)(record_search)
