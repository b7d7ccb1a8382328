"""The bundled searches, as often as needed: as resources, as events, as final statuses.

Events and statuses come from the product's own recorder and handler, with a writer that only
pretends, so they are what the operator would write.
"""

import asyncio
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from workflow_audit.domain.events import event_id
from workflow_audit.domain.parsing import parse_search
from workflow_audit.domain.redaction import redactor
from workflow_audit.domain.status import final_status
from workflow_audit.handlers.statuses import status_patch
from workflow_audit.models.event import AuditEvent, StoredEvent, Written
from workflow_audit.models.kinds import GROUP, VERSION, WORKFLOW_SEARCH
from workflow_audit.models.outcome import Recorded
from workflow_audit.models.policy import DEFAULT_POLICY_NAME, PolicySpec
from workflow_audit.models.search import Metadata, WorkflowSearch
from workflow_audit.services.pending import PendingSearches
from workflow_audit.services.preparing import ApplyingPolicy
from workflow_audit.services.recording import Recorder
from workflow_audit.settings.loading import load_settings
from workflow_audit.wiring import utc_now

Json = dict[str, Any]

CLUSTER_ID = UUID("6f1c8a52-1111-4222-8333-944455566677")
REQUESTER = "system:serviceaccount:holmesgpt:holmesgpt-api"
EVENT_EVERY = timedelta(seconds=100)
CORRELATIONS_STEP = 1000
"""Added to the number in a correlation id at each repetition of the bundled searches, which use
less than as many numbers; so the same share of searches has a correlation id in common."""


class Corpus:
    """The searches of examples/searches.jsonl, again and again."""

    def __init__(self, path: Path) -> None:
        lines = path.read_text(encoding="utf-8").splitlines()
        self._specs: list[Json] = [json.loads(line) for line in lines]

    def __len__(self) -> int:
        return len(self._specs)

    def manifest(self, number: int) -> Json:
        """Give the resource of a search; the same number gives the same one."""
        spec = self._specs[number % len(self._specs)]
        return {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": WORKFLOW_SEARCH.name,
            "metadata": {"name": f"{spec['correlationId']}-{number}"},
            "spec": spec,
        }

    def events(self, count: int, seed: int = 615) -> list[AuditEvent]:
        """Give events that differ in ids and time, in the order of time, all in this month.

        Args:
            count: how many.
            seed: the same one gives the same ids.
        """
        month = utc_now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        uids = random.Random(seed)  # noqa: S311 - no secret
        return [
            self._event(number, month + number * EVENT_EVERY, UUID(int=uids.getrandbits(128)))
            for number in range(count)
        ]

    def _event(self, number: int, at: datetime, uid: UUID) -> AuditEvent:
        repetition, line = divmod(number, len(self._specs))
        event = self.first_events[line]
        prefix, _, digits = event.correlation_id.rpartition("-")
        correlation_id = f"{prefix}-{int(digits) + repetition * CORRELATIONS_STEP:06d}"
        return replace(
            event,
            event_id=event_id(CLUSTER_ID, uid),
            event_timestamp=at,
            event_date=at.date(),
            resource_id=str(uid),
            resource_name=f"{correlation_id}-{number}",
            correlation_id=correlation_id,
        )

    @cached_property
    def first_events(self) -> list[AuditEvent]:
        """The event of each bundled search, once."""
        now = utc_now()
        bodies = [self._body(number, now) for number in range(len(self._specs))]
        return [outcome.event for outcome in asyncio.run(_all_recorded(bodies))]

    def _body(self, number: int, now: datetime) -> Json:
        """Give a search as the API server would have it after its creation."""
        manifest = self.manifest(number)
        metadata = {
            "name": manifest["metadata"]["name"],
            "namespace": manifest["spec"]["query"].get("filters", {}).get("environment", "default"),
            "uid": str(UUID(int=number, version=4)),
            "generation": 1,
            "creationTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return {"metadata": metadata, "spec": {**manifest["spec"], "requestedBy": REQUESTER}}


async def status_write(body: Mapping[str, Any], cluster_id: UUID) -> bytes:
    """Give the one status write of the operator for a search that the API server has."""
    outcome = await _recorded(_recorder(cluster_id), body)
    status = final_status(parse_search(body).metadata, outcome, now=utc_now())
    return orjson.dumps(status_patch(body, status))


async def _all_recorded(bodies: list[Json]) -> list[Recorded]:
    recorder = _recorder(CLUSTER_ID)
    return [await _recorded(recorder, body) for body in bodies]


async def _recorded(recorder: Recorder, body: Mapping[str, Any]) -> Recorded:
    outcome = await recorder.record(parse_search(body), patient=False)
    if not isinstance(outcome, Recorded):
        raise TypeError(f"auditing is off: {outcome}")
    return outcome


@dataclass(frozen=True)
class _PretendedWriter:
    async def write(self, event: AuditEvent, timeout_seconds: float | None = None) -> Written:
        return Written(datetime.now(UTC), replayed=False)  # noqa: TID251 - it plays the database


@dataclass(frozen=True)
class _DefaultPolicy:
    async def applying(
        self, search: Metadata, timeout_seconds: float | None = None
    ) -> ApplyingPolicy:
        rules = PolicySpec()
        return ApplyingPolicy(DEFAULT_POLICY_NAME, rules, redactor(rules.redaction))


class _NothingOpen:
    """The corpus has an answer for every search, so nothing is looked up and nobody is asked."""

    async def find(
        self, event_id: UUID, event_date: date, timeout_seconds: float | None = None
    ) -> StoredEvent | None:
        raise NotImplementedError

    async def answered(self, search: WorkflowSearch) -> WorkflowSearch:
        raise NotImplementedError


def _recorder(cluster_id: UUID) -> Recorder:
    settings = load_settings()
    return Recorder(
        writer=_PretendedWriter(),
        executed=_NothingOpen(),
        searcher=_NothingOpen(),
        policies=_DefaultPolicy(),
        cluster_id=cluster_id,
        pending=PendingSearches(utc_now),
        patience_seconds=settings.operator.patience_seconds,
        retry_seconds=settings.operator.retry_seconds,
    )
