"""A policy's dashboard: can be found by Grafana's sidecar, and shows what exists."""

import re
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from support.exported import unknown_in
from support.golden import Golden
from support.panels import document, panels, queries
from unit.policies import a_policy
from workflow_audit.domain.children import dashboard
from workflow_audit.domain.children.dashboard import dashboard_uid
from workflow_audit.models.policy import PolicyKey

Json = dict[str, Any]

ON: Json = {"enabled": True}


def config_map(spec: Json = ON, namespace: str | None = None, name: str = "audit") -> Json:
    child = dashboard(a_policy(name, {"dashboard": spec}, namespace=namespace), "home")
    assert child is not None
    return child.manifest


SHOWN = document(config_map())


@pytest.mark.parametrize(
    ("case", "namespace", "spec"),
    [
        pytest.param("namespaced", "team-a", ON, id="namespaced"),
        pytest.param(
            "cluster-wide", None, {**ON, "labels": {"dashboards": "sre"}}, id="cluster-wide"
        ),
    ],
)
def test_dashboard(case: str, namespace: str | None, spec: Json, golden: Golden) -> None:
    child = dashboard(
        a_policy("audit", {"dashboard": spec}, namespace=namespace), namespace or "workflow-audit"
    )
    assert child is not None
    readable = child.manifest | {
        "data": dict.fromkeys(child.manifest["data"], document(child.manifest))
    }
    golden(f"dashboards/{case}.yaml", yaml.safe_dump(readable, width=100))


def test_who_wants_none_gets_none() -> None:
    assert dashboard(a_policy("audit"), "home") is None


def test_the_sidecar_finds_it_by_its_labels() -> None:
    labels = config_map()["metadata"]["labels"]
    assert labels["grafana_dashboard"] == "1"
    own = config_map({**ON, "labels": {"dashboards": "sre"}})["metadata"]["labels"]
    assert own["dashboards"] == "sre"
    assert "grafana_dashboard" not in own


def test_two_policies_have_two_dashboards() -> None:
    maps = [
        config_map(),
        config_map(namespace="a"),
        config_map(namespace="b"),
        config_map(name="b"),
    ]
    for part in ("uid", "title"):
        assert len({document(each)[part] for each in maps}) == len(maps), part
    assert len({name for each in maps for name in each["data"]}) == len(maps)


def test_its_id_stays_and_is_one_that_grafana_takes() -> None:
    uid = dashboard_uid(PolicyKey("ClusterAuditPolicy", None, "default"))
    assert uid == "workflow-audit-8cd7fc74cadf585b"
    assert re.fullmatch(
        r"[A-Za-z0-9_-]{8,40}", dashboard_uid(PolicyKey("AuditPolicy", "a", "x" * 253))
    )


def test_it_fits_into_a_config_map() -> None:
    (text,) = config_map()["data"].values()
    assert len(text) < 2**15  # of a mebibyte; the operator keeps all of them in memory


def test_grafanas_own_types_know_every_field() -> None:
    register_default_plugins()
    assert _plain(Dashboard.from_json(SHOWN)) == SHOWN


def _plain(value: Any) -> Any:
    if hasattr(value, "to_json"):
        return _plain(value.to_json())
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("panel", panels(SHOWN), ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows_and_asks_the_chosen_source(panel: Json) -> None:
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    assert all(s == {"type": "prometheus", "uid": "${datasource}"} for s in sources)
    assert all(target["legendFormat"] for target in panel["targets"])


def test_no_figure_gets_the_limit_that_grafana_takes_by_default() -> None:
    figures = [panel for panel in panels(SHOWN) if panel["type"] != "timeseries"]
    assert figures
    assert all(panel["fieldConfig"]["defaults"]["thresholds"]["steps"] for panel in figures)


def test_the_source_is_chosen_on_the_page() -> None:
    variables = {each["name"]: each for each in SHOWN["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    assert variables["job"]["datasource"]["uid"] == "${datasource}"
    assert unknown_in(variables["job"]["query"]) == set()


def test_ids_are_unique_and_panels_do_not_cover_each_other() -> None:
    everything = SHOWN["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        columns = range(place["x"], place["x"] + place["w"])
        cells = {(x, y) for x in columns for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


QUERIES = list(queries(SHOWN))


@pytest.mark.parametrize(("title", "expression"), QUERIES, ids=[title for title, _ in QUERIES])
def test_metrics_and_labels_of_a_panel_are_exported(title: str, expression: str) -> None:
    assert "workflow_audit_" in expression
    assert "$" not in expression
    assert unknown_in(expression) == set()


def test_what_the_requirement_asks_for_is_there() -> None:
    named = " ".join(expression for _, expression in QUERIES)
    for metric in (
        "events_total",
        "write_duration_seconds_bucket",
        "query_duration_seconds_bucket",
        "write_errors_total",
        "pending_searches",
        "oldest_pending_seconds",
        "selections_total",
        "confidence_bucket",
        "low_confidence_searches_total",
        "table_bytes",
        "retention_last_success_timestamp_seconds",
        "retention_removed_rows_total",
        'policies{ready="false"',
    ):
        assert f"workflow_audit_{metric}" in named
