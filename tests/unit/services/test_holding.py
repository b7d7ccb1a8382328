"""Holds are mirrored when policies change, and nothing is released on mere suspicion."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from unit.policies import any_policy
from workflow_audit.domain.policies import KnownPolicies
from workflow_audit.errors import DatabaseUnavailableError, PoliciesUnknownError
from workflow_audit.models.policy import AnyPolicy
from workflow_audit.models.removal import Hold, PlacedHold
from workflow_audit.services import holding
from workflow_audit.services.holding import HoldMirror

CASE = {"name": "case-1", "reason": "asked by the court"}
DOWN = DatabaseUnavailableError("the database does not answer", 5)


def policy(*holds: dict[str, Any]) -> AnyPolicy:
    return any_policy("p", {"retention": {"legalHolds": list(holds)}})


@dataclass
class Database:
    """Holds in force, and what was asked."""

    holds: list[PlacedHold] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def placed(self) -> list[PlacedHold]:
        self.asked.append("placed")
        if self.errors:
            raise self.errors.pop(0)
        return list(self.holds)

    async def place(self, hold: Hold) -> bool:
        self.asked.append(f"place {hold.name}")
        self.holds.append(PlacedHold(uuid4(), hold))
        return True

    async def release(self, placed: PlacedHold, policy: AnyPolicy | None, why: str) -> bool:
        self.asked.append(f"release {placed.hold.name}: {why}")
        self.holds.remove(placed)
        return True


@dataclass
class Policies:
    """What the API server has told; None: nothing yet."""

    present: list[AnyPolicy] | None = None

    def __call__(self) -> KnownPolicies:
        if self.present is None:
            raise PoliciesUnknownError("nobody told")
        return KnownPolicies(self.present)


@asynccontextmanager
async def running(mirror: HoldMirror) -> AsyncIterator[None]:
    task = asyncio.create_task(mirror.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(check: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not check():  # noqa: ASYNC110 - asks what was called
            await asyncio.sleep(0.001)


async def test_a_change_is_mirrored_once() -> None:
    database, policies = Database(), Policies([policy(CASE)])
    mirror = HoldMirror(policies, database)
    async with running(mirror):
        mirror.policies_changed()
        await until(lambda: mirror._mirrored)
        assert database.asked == ["placed", "place case-1"]
        for _ in range(3):
            mirror.policies_changed()  # a status was written: no hold has changed
            await asyncio.sleep(0)
        policies.present = []
        mirror.policies_changed()
        await until(lambda: mirror._mirrored == [])
    assert database.asked[2:] == ["placed", "release case-1: its policy is gone"]


async def test_nothing_is_released_while_policies_are_not_known() -> None:
    database, policies = Database(), Policies([policy(CASE)])
    mirror = HoldMirror(policies, database)
    await mirror.mirror()
    policies.present = None
    with pytest.raises(PoliciesUnknownError):
        await mirror.mirror()
    assert len(database.holds) == 1


@pytest.mark.parametrize("failure", ["database", "policies"])
async def test_a_failure_is_tried_again_without_another_change(
    failure: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(holding, "RETRY_SECONDS", 0.001)
    database, policies = Database(), Policies([policy(CASE)])
    if failure == "database":
        database.errors = [DOWN, DOWN]
    else:
        policies.present = None
    mirror = HoldMirror(policies, database)
    async with running(mirror):
        mirror.policies_changed()
        await until(lambda: len(caplog.messages) >= 2)
        policies.present = [policy(CASE)]
        await until(lambda: database.holds)
    assert caplog.messages[0].startswith("legal holds are not up to date yet: ")


async def test_two_at_once_do_the_work_one_after_the_other() -> None:
    database = Database()
    mirror = HoldMirror(Policies([policy(CASE)]), database)
    await asyncio.gather(mirror.mirror(), mirror.mirror())
    assert database.asked == ["placed", "place case-1", "placed"]
