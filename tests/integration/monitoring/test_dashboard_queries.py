"""Prometheus understands every query of the dashboard, and answers what the panel promises."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.monitoring.alert_cases import errors, of
from support.panels import panels, queries
from support.promtool import Promtool

GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "dashboards").glob("*.yaml"))


def shown(path: Path) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = yaml.safe_load(path.read_text(encoding="utf-8"))["data"].values()
    return found


def expression(title: str) -> str:
    return next(expression for panel, expression in queries(shown(GOLDEN[0])) if panel == title)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_query_is_an_expression(path: Path, promtool: Promtool) -> None:
    promtool.check_expressions(expression for _, expression in queries(shown(path)))


CONFIDENCES = {"0.5": 1, "0.9": 3, "1.0": 4, "+Inf": 4}
ELSEWHERE = of("write_errors_total", "c", "other", error_type="database")


@pytest.mark.parametrize(
    ("title", "series", "expected"),
    [
        pytest.param(
            "Searches recorded",
            {
                of("events_total", status="recorded"): "0+60x90",
                of("events_total", "b", status="recorded"): "0+120x90",
                of("events_total", status="skipped"): "0x90",
            },
            {'{status="recorded"}': 3, '{status="skipped"}': 0},
            id="replicas-add-up",
        ),
        pytest.param(
            "Write errors",
            {errors("network"): "0+60x90", ELSEWHERE: "0+60x90"},
            {'{error_type="network"}': 1},
            id="of-the-chosen-job",
        ),
        pytest.param(
            "Write latency",
            {
                of("write_duration_seconds_bucket", le=le): f"0+{count}x90"
                for le, count in {"1.0": 1080, "3.0": 1200, "+Inf": 1200}.items()
            },
            {"{}": 2},
            id="quantile",
        ),
        pytest.param(
            "Events per COMMIT",
            {of("batch_rows_sum"): "0+300x90", of("batch_rows_count"): "0+30x90"},
            {"{}": 10},
            id="average",
        ),
        pytest.param(
            "Events per COMMIT",
            {of("batch_rows_sum"): "0x90", of("batch_rows_count"): "0x90"},
            {},
            id="no-average-of-nothing",
        ),
        pytest.param(
            "Pending searches",
            {of("pending_searches"): "7x90", of("pending_searches", "b"): "5x90"},
            {"{}": 7},
            id="replicas-see-the-same",
        ),
        pytest.param(
            "Policies not ready",
            {of("policies", ready="false"): "2x90", of("policies", ready="true"): "9x90"},
            {"{}": 2},
            id="not-ready",
        ),
        pytest.param(
            "Top workflows",
            {
                of("selections_total", workflow_id="seldom"): "0+1x90",
                of("selections_total", workflow_id="often"): "0+4x90",
                of("selections_total", "b", workflow_id="often"): "0+4x90",
            },
            {'{workflow_id="often"}': 480, '{workflow_id="seldom"}': 60},
            id="per-workflow",
        ),
        pytest.param(
            "Confidence of winners",
            {of("confidence_bucket", le=le): f"0+{n}x90" for le, n in CONFIDENCES.items()},
            {'{le="0.5"}': 60, '{le="0.9"}': 180, '{le="1.0"}': 240, '{le="+Inf"}': 240},
            id="distribution",
        ),
        pytest.param(
            "Low confidence",
            {
                of("low_confidence_searches_total"): "0+1x90",
                of("confidence_count"): "0+4x90",
            },
            {"{}": 0.25},
            id="share",
        ),
        pytest.param("Storage", {of("table_bytes"): "4096x90"}, {"{}": 4096}, id="bytes"),
        pytest.param(
            "Last retention",
            {of("retention_last_success_timestamp_seconds"): "120x90"},
            {"{}": 120_000},
            id="milliseconds",
        ),
        pytest.param(
            "Last retention",
            {of("retention_last_success_timestamp_seconds"): "0x90"},
            {},
            id="never",
        ),
        pytest.param(
            "Not as they should be",
            {of("verify_missing"): "3x90", of("verify_missing", "b"): "0x90"},
            {"{}": 3},
            id="missing",
        ),
        pytest.param(
            "Last comparison",
            {of("verify_last_success_timestamp_seconds"): "0x90"},
            {},
            id="never-compared",
        ),
    ],
)
def test_a_panel_shows(
    title: str, series: Mapping[str, str], expected: Mapping[str, float], promtool: Promtool
) -> None:
    samples = [{"labels": labels, "value": value} for labels, value in expected.items()]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": expression(title), "eval_time": "80m", "exp_samples": samples}
        ],
    }
    promtool.test_rules({"groups": []}, [test])


def test_both_dashboards_have_the_same_panels() -> None:
    titles = [[panel["title"] for panel in panels(shown(path))] for path in GOLDEN]
    assert len(titles) == 2
    assert titles[0] == titles[1]
