"""Requests to the application without a network, for tests of what it answers to whom."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, cast
from uuid import UUID

from fastapi import FastAPI, Request
from starlette.types import Message

from unit.searches import CLUSTER, REDACTOR
from workflow_audit.api.app import application
from workflow_audit.api.bodies import Bodies
from workflow_audit.api.services import Ingestion, ReadServices
from workflow_audit.errors import DatabaseError, UnauthenticatedError
from workflow_audit.models.event import AuditEvent, Written
from workflow_audit.models.policy import PolicySpec
from workflow_audit.models.search import Metadata
from workflow_audit.models.user import Action, User
from workflow_audit.services.admitting import Admitting
from workflow_audit.services.ingesting import Ingesting
from workflow_audit.services.limiting import Limits
from workflow_audit.services.preparing import ApplyingPolicy

NOW = datetime(2026, 11, 23, 10, 31, 7, 123456, tzinfo=UTC)
AGENT = User("system:serviceaccount:payments:agent")
EVENTS = "/api/v1/audit/events"
BATCH = f"{EVENTS}/batch"

Json = dict[str, Any]


@dataclass
class Table:
    """Keeps events by their key, as the real writer does."""

    events: dict[tuple[date, UUID], AuditEvent] = field(default_factory=dict)
    error: DatabaseError | None = None
    no_room: DatabaseError | None = None

    def insist_on_room(self, events: int) -> None:
        if self.no_room:
            raise self.no_room

    async def write_many(
        self, events: Sequence[AuditEvent], timeout_seconds: float | None = None
    ) -> list[Written | DatabaseError]:
        return [self.error or self._written(event) for event in events]

    def _written(self, event: AuditEvent) -> Written:
        key = (event.event_date, event.event_id)
        known = key in self.events
        self.events[key] = event
        return Written(NOW, replayed=known)

    async def dates(self, ids: Sequence[UUID], first: date, last: date) -> list[tuple[UUID, date]]:
        wanted = set(ids)
        found = [(ident, day) for day, ident in self.events if ident in wanted]
        return [(ident, day) for ident, day in found if first <= day <= last]


@dataclass
class Cluster:
    """Knows one namespace, one policy and who may record."""

    allowed_in: tuple[str, ...] = ("payments",)
    rules: PolicySpec = field(default_factory=PolicySpec)
    asked: list[Action] = field(default_factory=list)

    async def allowed(self, user: User, action: Action) -> bool:
        self.asked.append(action)
        return action.namespace in self.allowed_in

    async def wait_known(self, namespace: str, timeout_seconds: float | None) -> None:
        return None

    async def applying(
        self, search: Metadata, timeout_seconds: float | None = None
    ) -> ApplyingPolicy:
        return ApplyingPolicy("default", self.rules, REDACTOR)


def ingestion(
    table: Table | None = None, cluster: Cluster | None = None, **sizes: Any
) -> Ingestion:
    """What takes events, with small bounds."""
    table, cluster = table or Table(), cluster or Cluster()
    bounds: Json = {"under_way": 64_000, "seconds": 0.2, "event": 16_000, "batch": 32_000} | sizes
    return Ingestion(
        ingesting=Ingesting(
            admitting=Admitting(cluster, cluster, lambda: None),
            policies=cluster,
            writer=table,
            stored_dates=table.dates,
            limits=Limits(None, 0, lambda: 0.0),
            cluster_id=CLUSTER,
            clock=lambda: NOW,
            answer_seconds=4,
        ),
        bodies=Bodies(bounds["under_way"], bounds["seconds"]),
        event_bytes=bounds["event"],
        batch_bytes=bounds["batch"],
    )


def an_application(taking: Ingestion | None, sender: User | None = AGENT) -> FastAPI:
    """The application, of which only what takes events is there."""

    async def authenticate(_: Request) -> User:
        if sender is None:
            raise UnauthenticatedError("it is not known who asks")
        return sender

    nothing = cast("Any", None)
    return application(
        ReadServices(nothing, nothing, nothing, nothing, authenticate, lambda: NOW, taking)
    )


@dataclass(frozen=True)
class Told:
    """What the application answered."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)


async def post(
    app: FastAPI,
    body: bytes | Sequence[bytes | float],
    path: str = EVENTS,
    **headers: str,
) -> Told:
    """Send a body, in parts and with pauses of seconds if it is a sequence."""
    parts = [body] if isinstance(body, bytes) else list(body)
    sent = {"content-type": "application/json"} | headers
    if isinstance(body, bytes):
        sent.setdefault("content-length", str(len(body)))
    told: list[Message] = []

    async def receive() -> Message:
        if parts and isinstance(parts[0], float):
            await asyncio.sleep(float(parts.pop(0)))
        if not parts:
            return {"type": "http.disconnect"}
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Message) -> None:
        told.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), v.encode()) for name, v in sent.items()],
    }
    await app(scope, receive, send)
    found = {name.decode(): value.decode() for name, value in told[0]["headers"]}
    return Told(told[0]["status"], found, b"".join(each.get("body", b"") for each in told[1:]))
