"""What is recorded again, by which rules, and what is named as beyond repair."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from unit.searches import CLUSTER, RECORDED_AT, TINY, UID, changed
from unit.verified import OnePolicy, a_recorded_object, a_recorded_search
from workflow_audit.domain.verifying import seen_search
from workflow_audit.errors import DatabaseError, DatabaseUnavailableError
from workflow_audit.models.event import AuditEvent, Written
from workflow_audit.models.policy import PolicySpec
from workflow_audit.services.repairing import Repairing

DOWN = DatabaseUnavailableError("PostgreSQL is not available: connection refused", 5)


@dataclass
class World(OnePolicy):
    """A writer and policies in memory."""

    written: list[AuditEvent] = field(default_factory=list)
    error: DatabaseError | None = None

    async def write_many(
        self,
        events: Sequence[AuditEvent],
        timeout_seconds: float | None = None,
    ) -> list[Written | DatabaseError]:
        self.written += events
        return [self.error or Written(RECORDED_AT, replayed=False) for _ in events]

    @property
    def repairing(self) -> Repairing:
        return Repairing(self, self, CLUSTER)


async def test_it_is_recorded_by_the_policy_in_force_and_redacted() -> None:
    world = World(PolicySpec.model_validate({"retention": {"days": 9}}))
    secret = changed(TINY, ("query", "text"), "mail jane.doe@example.com")
    assert await world.repairing.repair([a_recorded_search(secret)]) == [None]
    (event,) = world.written
    assert event.event_data["query"]["text"] == "mail [redacted:email]"
    assert (event.retention_days, event.event_metadata["policy"]) == (9, "AuditPolicy/own")


async def test_where_auditing_is_off_it_is_not() -> None:
    world = World(PolicySpec(enabled=False))
    (why,) = await world.repairing.repair([a_recorded_search()])
    assert why == "auditing is switched off by policy AuditPolicy/own"
    assert world.written == []


async def test_without_a_known_policy_it_is_not() -> None:
    assert await World(None).repairing.repair([a_recorded_search()]) == ["not told yet"]


async def test_a_search_of_the_operator_without_its_answer_is_not_run_again() -> None:
    asked = changed(TINY, ("results",), {})
    del asked["results"]
    body = a_recorded_object(TINY)
    body["spec"] = asked
    world = World()
    (why,) = await world.repairing.repair([seen_search(body)])
    assert why
    assert why.startswith("status.results: None is not there")
    assert world.written == []


async def test_what_status_does_not_show_is_not_recorded_in_its_name() -> None:
    body = a_recorded_object(TINY)
    body["status"]["eventId"] = str(uuid4())
    world = World()
    (why,) = await world.repairing.repair([seen_search(body)])
    assert why
    assert why.startswith("status.eventId: ")
    assert world.written == []


async def test_each_search_stands_for_itself() -> None:
    world = World()
    other = a_recorded_object(TINY, uid=uuid4())
    del other["status"]["eventId"]
    outcomes = await world.repairing.repair([seen_search(other), a_recorded_search()])
    assert outcomes[0]
    assert outcomes[1] is None
    assert [event.resource_id for event in world.written] == [str(UID)]


async def test_what_the_database_says_is_told() -> None:
    world = World(error=DOWN)
    assert await world.repairing.repair([a_recorded_search()]) == [str(DOWN)]
