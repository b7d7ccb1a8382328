"""Each event of a request stands for itself; nothing is recorded before it is allowed."""

import asyncio
import copy
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from support.submitting import a_failure, a_submission
from unit.api.asgi import AGENT, NOW, Cluster, Table, ingestion
from workflow_audit import metrics
from workflow_audit.domain.events import Sender
from workflow_audit.domain.free_text import TreeRedactor
from workflow_audit.domain.instants import rfc3339
from workflow_audit.domain.submissions import Submitted
from workflow_audit.errors import (
    ClusterError,
    DatabaseUnavailableError,
    EventConflictError,
    ForbiddenError,
    IngestionBusyError,
    InvalidFieldError,
    NamespaceUnknownError,
    PoliciesUnknownError,
    PolicyInvalidError,
    QueueFullError,
    RecordingError,
)
from workflow_audit.models.policy import PolicySpec
from workflow_audit.models.search import Metadata
from workflow_audit.models.user import Action, User
from workflow_audit.services.admitting import MOST_NAMESPACES, Admitting
from workflow_audit.services.ingest_account import Ingested, Result, status_of
from workflow_audit.services.ingesting import Ingesting
from workflow_audit.services.pacing import EVENTS_IN_A_ROW
from workflow_audit.services.preparing import ApplyingPolicy

Json = dict[str, Any]


def submission(**changes: Any) -> Json:
    return a_submission(NOW, **changes)


def ingesting(
    table: Table | None = None, cluster: Cluster | None = None, **changes: Any
) -> Ingesting:
    return replace(ingestion(table, cluster).ingesting, **changes)


async def recorded(
    service: Ingesting, *bodies: Any, key: str | None = None, user: User = AGENT
) -> Sequence[Result]:
    async with service.admitted(user, "batch") as account:
        return await service.record(account, bodies, key)


def statuses(results: Sequence[Result]) -> list[str]:
    return [status_of(each) for each in results]


async def test_an_event_is_written_and_then_answered() -> None:
    table = Table()
    service = ingesting(table)
    body = submission()
    (first,), (second,) = await recorded(service, body), await recorded(service, body)
    (event,) = table.events.values()
    assert first == Ingested("recorded", NOW, event.event_id)
    assert second == Ingested("replayed", NOW, event.event_id)
    assert (event.actor_id, event.namespace) == (AGENT.name, "payments")


async def test_each_stands_for_itself() -> None:
    table, cluster = Table(), Cluster()
    bodies = [
        submission(),
        submission(event_type="other"),
        submission(namespace="elsewhere"),
        a_failure(event_timestamp=rfc3339(NOW)),
        7,
    ]
    found = await recorded(ingesting(table, cluster), *bodies)
    assert statuses(found) == ["recorded", "refused", "refused", "recorded", "refused"]
    assert [type(each) for each in found[1:3]] == [InvalidFieldError, ForbiddenError]
    assert len(table.events) == 2
    assert sorted(cluster.asked, key=str) == [
        Action("create", namespace, "workflow.catalog.search_completed")
        for namespace in ("elsewhere", "payments")
    ]


async def test_nothing_is_asked_or_written_for_what_is_malformed() -> None:
    table, cluster = Table(), Cluster()
    await recorded(ingesting(table, cluster), {}, None)
    assert (table.events, cluster.asked) == ({}, [])


async def test_it_is_said_which_right_is_missing() -> None:
    (found,) = await recorded(ingesting(cluster=Cluster(())), submission())
    assert isinstance(found, ForbiddenError)
    assert f'User "{AGENT.name}" cannot create resource "auditevents"' in str(found)
    assert 'in the namespace "payments"' in str(found)
    assert "ClusterRole workflow-audit-searcher" in found.remedy


async def test_where_auditing_is_off_nothing_is_written() -> None:
    table = Table()
    found = await recorded(ingesting(table, Cluster(rules=PolicySpec(enabled=False))), submission())
    assert found == [Ingested("skipped", NOW)]
    assert table.events == {}


class Troubled(Cluster):
    """Has something else wrong in each namespace."""

    async def allowed(self, user: User, action: Action) -> bool:
        if action.namespace == "unreachable":
            raise ClusterError("the API server does not answer")
        return True

    async def wait_known(self, namespace: str, timeout_seconds: float | None) -> None:
        if namespace == "gone":
            raise NamespaceUnknownError("no such namespace")

    async def applying(
        self, search: Metadata, timeout_seconds: float | None = None
    ) -> ApplyingPolicy:
        if search.namespace == "invalid":
            raise PolicyInvalidError("AuditPolicy/x cannot be used")
        return await super().applying(search, timeout_seconds)


async def test_trouble_in_one_namespace_is_none_of_the_others() -> None:
    bodies = [submission(namespace=each) for each in ("unreachable", "gone", "invalid", "fine")]
    found = await recorded(ingesting(cluster=Troubled()), *bodies)
    assert statuses(found) == ["unavailable", "refused", "unavailable", "recorded"]
    assert isinstance(found[1], InvalidFieldError)
    assert found[1].path == "namespace"


async def test_a_namespace_is_not_refused_while_what_is_known_may_be_old() -> None:
    cluster = Troubled()
    service = ingesting(cluster=cluster, admitting=Admitting(cluster, cluster, lambda: "no watch"))
    (found,) = await recorded(service, submission(namespace="gone"))
    assert (status_of(found), type(found)) == ("unavailable", PoliciesUnknownError)


async def test_a_batch_has_so_many_namespaces_at_the_most() -> None:
    bodies = [submission(namespace=f"team-{number}") for number in range(MOST_NAMESPACES + 1)]
    assert len(await recorded(ingesting(), *bodies[1:])) == MOST_NAMESPACES
    with pytest.raises(InvalidFieldError, match="namespace: 101 is more than 100 namespaces"):
        await recorded(ingesting(), *bodies)


def moved(body: Json, **time: float) -> Json:
    return body | {"event_timestamp": rfc3339(NOW - timedelta(**time))}


async def test_a_key_that_is_stored_under_another_date_is_a_conflict() -> None:
    table = Table()
    service, body = ingesting(table), submission()
    (first,) = await recorded(service, body, key="call-1")
    (again,) = await recorded(service, body, key="call-1")
    (other,) = await recorded(service, moved(body, days=2), key="call-1")
    (unrelated,) = await recorded(service, moved(body, days=2), key="call-2")
    assert statuses([first, again, other, unrelated]) == [
        "recorded", "replayed", "refused", "recorded",
    ]  # fmt: skip
    assert isinstance(other, EventConflictError)
    assert "names an event of 2026-11-23 already, and this one is of 2026-11-21" in str(other)


async def test_a_key_has_one_date_within_a_batch_too() -> None:
    table, body = Table(), submission(idempotency_key="call-1")
    found = await recorded(ingesting(table), body, moved(body, days=1), copy.deepcopy(body))
    assert statuses(found) == ["recorded", "refused", "replayed"]
    assert len(table.events) == 1


async def test_without_keys_no_dates_are_looked_for() -> None:
    async def never(*_: object) -> list[Any]:
        raise AssertionError("looked for dates")

    assert statuses(await recorded(ingesting(stored_dates=never), submission())) == ["recorded"]


async def test_what_cannot_be_written_now_is_told_of_each() -> None:
    down = DatabaseUnavailableError("the database does not answer", 5)
    found = await recorded(ingesting(Table(error=down)), submission(), {})
    assert statuses(found) == ["unavailable", "refused"]


async def test_without_room_nothing_is_looked_at() -> None:
    cluster = Cluster()
    full = Table(no_room=QueueFullError("1000 events wait", 1))
    with pytest.raises(QueueFullError):
        await recorded(ingesting(full, cluster), submission())
    assert cluster.asked == []


async def test_events_in_preparation_take_room() -> None:
    asked: list[int] = []
    both_asked = asyncio.Event()

    class Counting(Table):
        def insist_on_room(self, events: int) -> None:
            asked.append(events)
            if len(asked) == 2:
                both_asked.set()

    class Waiting(Cluster):
        async def allowed(self, user: User, action: Action) -> bool:
            await go_on.wait()
            return True

    go_on, service = asyncio.Event(), ingesting(Counting(), Waiting())
    requests = [
        asyncio.create_task(recorded(service, *(submission() for _ in range(number))))
        for number in (3, 2)
    ]
    await both_asked.wait()
    go_on.set()
    await asyncio.gather(*requests)
    assert asked == [3, 5]
    await recorded(service, submission())
    assert asked[-1] == 1


async def test_an_api_server_that_hangs_is_not_waited_for() -> None:
    class Hanging(Cluster):
        async def allowed(self, user: User, action: Action) -> bool:
            await asyncio.Event().wait()
            return True

    with pytest.raises(IngestionBusyError, match="does not answer in time"):
        await recorded(ingesting(cluster=Hanging(), answer_seconds=0.01), submission())


async def test_a_mistake_of_ours_sinks_one_event_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from workflow_audit.services import ingesting as module  # noqa: PLC0415

    sender_of = module.sender_of

    def mistaken(submitted: Submitted, redactor: TreeRedactor) -> Sender:
        spec = submitted.search.spec
        if spec.correlation_id == "rr-mistake":
            raise KeyError("hunter2demo")
        return sender_of(submitted, redactor)

    monkeypatch.setattr(module, "sender_of", mistaken)
    found = await recorded(ingesting(), submission(correlation_id="rr-mistake"), submission())
    assert statuses(found) == ["unavailable", "recorded"]
    assert isinstance(found[0], RecordingError)
    assert "KeyError at test_ingesting.py" in str(found[0])
    assert "hunter2demo" not in caplog.text


async def test_others_get_their_turn_while_a_batch_is_worked_on() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    await recorded(ingesting(), *(submission() for _ in range(EVENTS_IN_A_ROW * 10)))
    beside.cancel()
    assert turns >= 10


async def test_it_is_counted_with_all_other_searches() -> None:
    def value(name: str, **labels: str) -> float:
        return metrics.REGISTRY.get_sample_value(f"workflow_audit_{name}", labels) or 0.0

    def now() -> list[float]:
        return [
            value("events_total", status="recorded"),
            value("events_total", status="replayed"),
            value("searches_total", outcome="success"),
            value("selections_total", workflow_id="pod-oom-gitops"),
            value("ingest_events_total", status="recorded"),
            value("ingest_events_total", status="replayed"),
            value("ingest_events_total", status="refused"),
        ]

    before, body = now(), submission()
    await recorded(ingesting(), body, body, {})
    counted = [after - earlier for after, earlier in zip(now(), before, strict=True)]
    assert counted == [1, 1, 1, 1, 1, 1, 1]
