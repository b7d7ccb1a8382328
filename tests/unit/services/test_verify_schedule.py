"""When the operator compares by itself, and what the metrics then say."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from unit.searches import CLUSTER
from workflow_audit import metrics
from workflow_audit.errors import ClusterError
from workflow_audit.models.verification import Counts, Report
from workflow_audit.services.verify_schedule import (
    RECHECK_SECONDS,
    RETRY_SECONDS,
    VerifySchedule,
)

NOW = datetime(2026, 11, 24, 3, 41, tzinfo=UTC)
EVERY_SIX_HOURS = "41 */6 * * *"
UNTIL_SIX = 3 * 3600


@dataclass
class World:
    counts: Counts = field(default_factory=Counts)
    error: ClusterError | None = None

    async def verify(self) -> Report:
        if self.error:
            raise self.error
        return Report(CLUSTER, NOW, content_compared=False, counts=self.counts)

    def schedule(self, cron: str = EVERY_SIX_HOURS) -> VerifySchedule:
        return VerifySchedule(self.verify, cron, lambda: NOW)


def told(name: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(f"workflow_audit_verify_{name}")


async def test_metrics_say_what_was_found() -> None:
    world = World(Counts(searches=9, missing=3, different=2, extra=1))
    await world.schedule().step()
    assert [told(name) for name in ("missing", "different", "extra", "searches")] == [3, 2, 1, 9]
    assert told("last_success_timestamp_seconds") == NOW.timestamp()
    assert told("duration_seconds") == 0


async def test_it_waits_for_its_next_time() -> None:
    assert await World().schedule().step() == UNTIL_SIX


async def test_while_something_is_wrong_it_looks_sooner_so_that_a_repair_shows() -> None:
    assert await World(Counts(missing=1)).schedule().step() == RECHECK_SECONDS


async def test_after_a_failure_too_and_the_metrics_stay(caplog: pytest.LogCaptureFixture) -> None:
    world = World(Counts(missing=4))
    await world.schedule().step()
    world.error = ClusterError("listing searches: the API server cannot be reached")
    assert await world.schedule().step() == RETRY_SECONDS
    assert told("missing") == 4
    assert "the API server cannot be reached" in caplog.text


async def test_but_never_later_than_its_time() -> None:
    world = World(error=ClusterError("away"))
    assert await world.schedule("42 * * * *").step() == 60
