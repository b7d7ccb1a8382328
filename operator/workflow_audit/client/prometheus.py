"""The counts as metrics of prometheus-client, where the agent has it: in its default registry."""

from collections.abc import Mapping

from prometheus_client import Counter, Gauge

from workflow_audit.client.counts import DROPPED, FAILED_ATTEMPTS, METRICS, SEARCHES, WAITING

PREFIX = "workflow_audit_client"

_COUNTERS = {
    SEARCHES: Counter(f"{PREFIX}_searches_total", METRICS[SEARCHES], ["outcome"]),
    DROPPED: Counter(f"{PREFIX}_dropped_total", METRICS[DROPPED], ["reason"]),
    FAILED_ATTEMPTS: Counter(f"{PREFIX}_failed_attempts_total", METRICS[FAILED_ATTEMPTS]),
}
_WAITING = Gauge(f"{PREFIX}_waiting_searches", METRICS[WAITING], multiprocess_mode="livemax")


def to_prometheus(name: str, value: float, labels: Mapping[str, str]) -> None:
    """Put a count into the metrics."""
    if name == WAITING:
        _WAITING.set(value)
    else:
        counter = _COUNTERS[name]
        (counter.labels(**labels) if labels else counter).inc(value)
