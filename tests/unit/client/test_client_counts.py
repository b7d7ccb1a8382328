"""Counts reach whoever listens, and a listener's error reaches nobody."""

import subprocess
import sys
from collections.abc import Mapping

import pytest
from prometheus_client import REGISTRY

from workflow_audit.client.complaints import Complaints
from workflow_audit.client.counts import Counts
from workflow_audit.client.prometheus import to_prometheus

Told = list[tuple[str, float, Mapping[str, str]]]


def test_what_is_counted_is_told_and_in_the_stats() -> None:
    told: Told = []
    counts = Counts((lambda *given: told.append(given),), Complaints())
    counts.done("sent", 2)
    counts.done("replayed")
    counts.drop("queue_full", 3)
    counts.failed()
    counts.now_waiting(7)
    stats = counts.stats(queued=1, spooled=2)
    assert (stats.queued, stats.spooled, stats.sent, stats.replayed) == (1, 2, 2, 1)
    assert (stats.skipped, stats.refused, stats.failed_attempts) == (0, 0, 1)
    assert stats.dropped == {"queue_full": 3}
    assert told == [
        ("searches", 2, {"outcome": "sent"}),
        ("searches", 1, {"outcome": "replayed"}),
        ("dropped", 3, {"reason": "queue_full"}),
        ("searches", 3, {"outcome": "dropped"}),
        ("failed_attempts", 1, {}),
        ("waiting", 7, {}),
    ]


def test_what_is_counted_quietly_is_told_later() -> None:
    told: Told = []
    counts = Counts((lambda *given: told.append(given),), Complaints())
    assert counts.tell_untold() == 0
    counts.drop_quietly("queue_full")
    counts.drop_quietly("queue_full")
    assert counts.stats(queued=0, spooled=0).dropped == {"queue_full": 2}
    assert told == []
    assert counts.tell_untold() == 2
    assert told == [
        ("dropped", 2, {"reason": "queue_full"}),
        ("searches", 2, {"outcome": "dropped"}),
    ]
    assert counts.tell_untold() == 0


def test_a_listener_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    told: Told = []

    def failing(*_: object) -> None:
        raise KeyError("mine")

    counts = Counts((failing, lambda *given: told.append(given)), Complaints())
    counts.done("sent")
    assert len(told) == 1
    assert "a listener for metrics fails" in caplog.text


def test_prometheus_has_them_in_its_default_registry() -> None:
    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(f"workflow_audit_client_{name}", labels) or 0.0

    before = value("searches_total", outcome="sent"), value("failed_attempts_total")
    counts = Counts((to_prometheus,), Complaints())
    counts.done("sent", 2)
    counts.drop("closed")
    counts.failed(3)
    counts.now_waiting(4)
    after = value("searches_total", outcome="sent"), value("failed_attempts_total")
    assert (after[0] - before[0], after[1] - before[1]) == (2, 3)
    assert value("dropped_total", reason="closed") >= 1
    assert value("waiting_searches") == 4


def test_without_prometheus_client_it_works_all_the_same() -> None:
    statement = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from workflow_audit.client import AuditClient, ClientSettings\n"
        "import tempfile\n"
        "settings = ClientSettings(url='http://127.0.0.1:9', spool_path=tempfile.mkdtemp())\n"
        "client = AuditClient(settings, on_metric=print)\n"
        "client.search_completed(correlation_id='a', query='b', response={})\n"
        "client.close(0)\n"
        "assert client.stats().spooled == 1, client.stats()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", statement], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
