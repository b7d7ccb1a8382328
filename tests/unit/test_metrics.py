"""Names of metrics are part of the interface: alerts and dashboards use them."""

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from support.golden import Golden
from workflow_audit import __version__, metrics
from workflow_audit.errors import FAILURE_CODES

UNITS = ("_seconds", "_rows", "_bytes", "_confidence")
"""What histograms measure; a confidence is a fraction from 0 to 1."""


def families() -> list[Metric]:
    return list(metrics.REGISTRY.collect())


def bounds(name: str) -> set[float]:
    (found,) = (family for family in families() if family.name == name)
    return {float(s.labels["le"]) for s in found.samples if s.name.endswith("_bucket")}


def test_names_types_and_labels(golden: Golden) -> None:
    lines = []
    for collector in metrics.REGISTRY._collector_to_names:
        family = next(iter(collector.describe()), None) or next(iter(collector.collect()))
        labels = ",".join(getattr(collector, "_labelnames", ()))
        total = "_total" if family.type == "counter" else ""
        lines.append(f"{family.name}{total} {family.type} {{{labels}}}\n")
    golden("metrics.txt", "".join(sorted(lines)))


def test_each_has_one_name_a_prefix_and_a_help_text() -> None:
    names = [family.name for family in families()]
    assert len(names) == len(set(names))
    assert all(name.startswith("workflow_audit_") for name in names)
    for family in families():
        assert family.documentation.endswith("."), family.name


def test_units_are_those_of_prometheus() -> None:
    for family in families():
        if family.type == "histogram":
            assert family.name.endswith(UNITS), family.name
        assert not family.name.endswith(("_ms", "_millis")), family.name


def test_the_exposition_can_be_read_back() -> None:
    read = {f.name for f in text_string_to_metric_families(metrics.exposition().decode())}
    assert {family.name for family in families()} - {"workflow_audit_build"} <= read
    assert metrics.CONTENT_TYPE.startswith("text/plain")


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        *(("write_errors_total", {"error_type": t}) for t in ("validation", "network", "database")),
        *(
            ("query_refusals_total", {"endpoint": e, "limit": limit})
            for e in ("kubernetes", "rest")
            for limit in ("rate", "concurrency")
        ),
        *(("events_total", {"status": s}) for s in ("recorded", "replayed", "skipped")),
        *(("catalogue_requests_total", {"outcome": each}) for each in ("success", *FAILURE_CODES)),
    ],
)
def test_a_rate_has_its_zero_before_the_first_time(name: str, labels: dict[str, str]) -> None:
    assert metrics.REGISTRY.get_sample_value(f"workflow_audit_{name}", labels) is not None


def test_build_info_says_the_version() -> None:
    value = metrics.REGISTRY.get_sample_value("workflow_audit_build_info", {"version": __version__})
    assert value == 1


def test_write_latency_has_buckets_around_its_aims() -> None:
    # P50, P95 at 10/s; P95 in all
    assert {0.005, 0.015, 0.05} <= bounds("workflow_audit_write_duration_seconds")


def test_query_latency_has_buckets_around_its_aims() -> None:
    assert {0.01, 0.2, 0.5} <= bounds("workflow_audit_query_duration_seconds")


def test_confidence_has_a_bucket_for_each_tenth() -> None:
    tenths = {tenth / 10 for tenth in range(1, 11)}
    assert bounds("workflow_audit_confidence") == tenths | {float("inf")}
