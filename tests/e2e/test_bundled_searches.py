"""The main job on real input: every bundled search becomes a row and a status."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from support.api import Api, SearchWatch
from support.condition_rules import broken_condition_rules, condition_of
from support.environment import kubectl
from support.operator_process import OperatorProcess
from support.searches import Searches, bundled_specs
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database]

SPECS = bundled_specs()
COLUMNS = ["NAME", "CORRELATION", "QUERY", "WORKFLOW", "CONFIDENCE", "FOUND", "OUTCOME", "PHASE"]


@dataclass(frozen=True)
class Bundle:
    """All bundled searches after their recording; element n - 1 is line n of the file."""

    searches: Searches
    found: list[dict[str, Any]]
    watch: SearchWatch
    metrics: dict[str, float]


@pytest.fixture(scope="module")
def bundle(
    prepared_environment: LocalEnvironment, api: Api, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bundle]:
    log = tmp_path_factory.mktemp("bundled") / "operator.log"
    with (
        Searches(prepared_environment, api, "bundled") as searches,
        OperatorProcess(prepared_environment, log) as operator,
    ):
        operator.start().wait_ready()
        with SearchWatch(api, searches.namespace) as watch:
            names = searches.create(SPECS)
            by_name = {item["metadata"]["name"]: item for item in searches.wait_recorded(615)}
            watch.wait_writes(names, 1)
        found = [by_name[name] for name in names]
        yield Bundle(searches, found, watch, operator.metrics())
        assert operator.terminate() == 0


def test_every_bundled_search_has_exactly_one_row(bundle: Bundle) -> None:
    bundle.searches.assert_one_row_each(bundle.found)
    assert bundle.searches.row_count() == len(SPECS) == 615


def test_operator_writes_each_search_once_and_nothing_but_its_status(bundle: Bundle) -> None:
    created = {e["object"]["metadata"]["name"]: e["object"] for e in _of(bundle.watch, "ADDED")}
    assert len(_of(bundle.watch, "MODIFIED")) == len(created) == 615
    for item in bundle.found:
        before = created[item["metadata"]["name"]]
        assert item["spec"] == before["spec"]
        assert _untouched(item["metadata"]) == _untouched(before["metadata"])
        (ours,) = [m for m in item["metadata"]["managedFields"] if m["manager"] == "kopf"]
        assert ours["subresource"] == "status"
        assert list(ours["fieldsV1"]) == ["f:status"]


def _of(watch: SearchWatch, type_: str) -> list[dict[str, Any]]:
    return [event for event in watch.events if event["type"] == type_]


def _untouched(metadata: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in metadata.items() if k not in {"resourceVersion", "managedFields"}}


def test_status_says_what_the_search_says(bundle: Bundle) -> None:
    for spec, item in zip(SPECS, bundle.found, strict=True):
        status = item["status"]
        summary = status["summary"]
        assert status["phase"] == "Recorded"
        if failure := spec.get("failure"):
            assert status["outcome"] == "failure"
            assert condition_of(item, "Searched")["status"] == "False"
            assert condition_of(item, "Searched")["reason"] == failure["code"]
            continue
        results = spec["results"]
        assert status["outcome"] == "success"
        assert condition_of(item, "Searched")["status"] == "True"
        assert (summary["totalFound"], summary["returned"]) == (
            results["totalFound"],
            results["returned"],
        )
        best = results["workflows"][:3]  # the file has them in the order of their ranks
        assert [w["workflowId"] for w in summary["workflows"]] == [w["workflowId"] for w in best]
        assert summary.get("topWorkflow") == (best[0]["workflowId"] if best else None)
        assert summary.get("topConfidence") == (best[0]["scoring"]["confidence"] if best else None)
        for shown, given in zip(summary["workflows"], best, strict=True):
            assert {**given["scoring"], **shown["scoring"]} == shown["scoring"]
            assert shown["scoring"]["derived"] == ("boostBreakdown" not in given["scoring"])
            assert shown["scoring"]["unattributed"] == {"boost": 0, "penalty": 0}


@pytest.mark.parametrize(
    ("line", "redactions"),
    [
        pytest.param(1, {}, id="nothing"),
        pytest.param(112, {"bearer-token": 1}, id="token"),
        pytest.param(128, {"email": 1, "phone": 1}, id="two-kinds"),
        pytest.param(305, {"email": 3}, id="three-of-a-kind"),
        pytest.param(177, {"password": 1}, id="in-a-failure"),
        pytest.param(218, {}, id="look-alike"),
    ],
)
def test_status_and_row_count_redactions(
    bundle: Bundle, line: int, redactions: dict[str, int]
) -> None:
    item = bundle.found[line - 1]
    assert item["status"]["summary"]["redactions"] == redactions
    assert bundle.searches.row(item["metadata"]["name"])["event_data"]["redactions"] == redactions


def test_row_repeats_the_search(bundle: Bundle) -> None:
    rows = {row["resource_name"]: row for row in bundle.searches.rows()}
    for spec, item in zip(SPECS, bundle.found, strict=True):
        row = rows[item["metadata"]["name"]]
        assert row["correlation_id"] == spec["correlationId"]
        assert row["actor_id"] == spec["service"]
        assert row["event_timestamp"].isoformat() == _iso(item["metadata"]["creationTimestamp"])
        assert row["event_data"]["query"]["filters"].keys() == spec["query"]["filters"].keys()
        assert row["event_metadata"] == {
            "requested_by": "workflow-audit-admin",
            "policy": "default",
        }
        results = spec.get("results", {})
        listed = row["event_data"].get("results", {}).get("workflows", [])
        left_out = row["event_data"]["truncated"]["workflows"]
        assert len(listed) + left_out == len(results.get("workflows", []))
        assert [w["rank"] for w in listed] == list(range(1, len(listed) + 1))
        assert row["duration_ms"] == results.get("durationMs")


def _iso(kubernetes_time: str) -> str:
    return kubernetes_time.replace("Z", "+00:00")


def test_conditions_obey_the_conventions(bundle: Bundle) -> None:
    assert [problem for item in bundle.found for problem in broken_condition_rules(item)] == []


def test_metrics_count_what_happened(bundle: Bundle) -> None:
    counted = {
        name: value
        for name, value in bundle.metrics.items()
        if name.startswith(("workflow_audit_events_total", "workflow_audit_searches_total"))
    }
    assert counted == {
        'workflow_audit_events_total{status="recorded"}': 615,
        'workflow_audit_events_total{status="replayed"}': 0,
        'workflow_audit_events_total{status="skipped"}': 0,
        'workflow_audit_searches_total{outcome="success"}': 600,
        'workflow_audit_searches_total{outcome="failure"}': 15,
    }
    assert bundle.metrics["workflow_audit_low_confidence_searches_total"] == 193
    assert bundle.metrics["workflow_audit_pending_searches"] == 0
    assert bundle.metrics["workflow_audit_write_duration_seconds_count"] == 615


def test_kubectl_get_shows_who_won(bundle: Bundle, prepared_environment: LocalEnvironment) -> None:
    names = ["s-0001", "s-0058", "s-0068"]
    namespace = bundle.searches.namespace
    table = kubectl(prepared_environment, "get", "workflowsearches", "-n", namespace, *names)
    header, won, empty, failed = (line.split() for line in table.splitlines())
    assert header == [*COLUMNS, "AGE"]
    assert won[:2] == ["s-0001", "rr-2026-000222"]
    assert won[-6:-1] == ["remove-taint-v1", "0.6597", "3", "success", "Recorded"]
    assert empty[-4:-1] == ["0", "success", "Recorded"]
    assert failed[-3:-1] == ["failure", "Recorded"]


def test_kubectl_get_wide_shows_event_policy_and_service(
    bundle: Bundle, prepared_environment: LocalEnvironment
) -> None:
    namespace = bundle.searches.namespace
    table = kubectl(prepared_environment, "get", "wfs", "-n", namespace, "s-0001", "-o", "wide")
    header, row = (line.split() for line in table.splitlines())
    assert header == [*COLUMNS, "AGE", "EVENT", "POLICY", "SERVICE"]
    assert row[-3:] == [bundle.found[0]["status"]["eventId"], "default", "holmesgpt-api"]


def test_kubectl_wait_knows_when_a_search_is_done(
    bundle: Bundle, prepared_environment: LocalEnvironment
) -> None:
    command = ("wait", "--for=condition=Ready", "workflowsearch/s-0001", "--timeout=5s")
    waited = kubectl(prepared_environment, *command, "-n", bundle.searches.namespace)
    assert "condition met" in waited


def test_searches_are_selected_by_phase_and_correlation(
    bundle: Bundle, prepared_environment: LocalEnvironment
) -> None:
    selector = "status.phase=Recorded,spec.correlationId=rr-2026-000222"
    command = ("get", "wfs", "-n", bundle.searches.namespace, "--field-selector", selector)
    selected = json.loads(kubectl(prepared_environment, *command, "-o", "json"))["items"]
    correlated = [spec for spec in SPECS if spec["correlationId"] == "rr-2026-000222"]
    assert len(selected) == len(correlated)
