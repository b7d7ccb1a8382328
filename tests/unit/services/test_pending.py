"""The gauges of pending searches tell the present state at every scrape."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from workflow_audit import metrics
from workflow_audit.models.search import Metadata
from workflow_audit.services.pending import PendingSearches

NOW = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)


def created(seconds_ago: float, number: int = 0) -> Metadata:
    when = NOW - timedelta(seconds=seconds_ago)
    return Metadata("payments", f"rr-{number}", UUID(int=number), 1, when)


def pending_count() -> float | None:
    return metrics.REGISTRY.get_sample_value("workflow_audit_pending_searches")


def test_without_any_the_age_is_0() -> None:
    pending = PendingSearches(lambda: NOW)
    assert pending.oldest_seconds() == 0
    assert pending_count() == 0


def test_the_oldest_counts() -> None:
    pending = PendingSearches(lambda: NOW)
    with pending.including(created(30, 1)), pending.including(created(90, 2)):
        with pending.including(created(5, 3)):
            assert pending.oldest_seconds() == 90
            assert pending_count() == 3
        assert pending_count() == 2
    assert pending_count() == 0


def test_age_is_that_of_now() -> None:
    times = iter([NOW, NOW + timedelta(seconds=10)])
    pending = PendingSearches(lambda: next(times))
    with pending.including(created(1)):
        assert [pending.oldest_seconds(), pending.oldest_seconds()] == [1, 11]


def test_a_clock_that_is_behind_the_api_server_gives_0() -> None:
    pending = PendingSearches(lambda: NOW)
    with pending.including(created(-3)):
        assert pending.oldest_seconds() == 0
