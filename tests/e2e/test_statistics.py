"""Statistics by REST, kubectl and our command line, all the same."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg.rows import dict_row

from support.api import Api
from support.counting import ANALYTICS, STATISTICS, Known, camel
from support.reading import ReadingServer, a_namespace, a_service_account, let_read
from support.rest import Program, problem
from support.statistics import TOTALS
from workflow_audit.models.statistics import ROWS, Statistic

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "analytics.md"
READER = "workflow_audit_reader"


@pytest.mark.parametrize("statistic", STATISTICS)
def test_rest_kubectl_and_the_command_line_say_the_same(known: Known, statistic: str) -> None:
    by_rest = known.rest(statistic, until="10s", limit=2)
    assert by_rest["rows"]
    assert by_rest["statistic"] == statistic
    object_ = known.raw(statistic, "?until=10s&limit=2")
    assert object_["kind"] == "AuditStatistic"
    assert object_["metadata"] == {"name": statistic, "namespace": known.namespace}
    assert object_["rows"] == [camel(row) for row in by_rest["rows"]]
    assert object_["hasMore"] == by_rest["has_more"]
    assert object_.get("totals") == (by_rest["totals"] and camel(by_rest["totals"]))
    where = (statistic, "-n", known.namespace, "--until", "10s", "--limit", "2")
    printed = known.command(*where, "-o", "json")
    assert printed.returncode == 0, printed.stderr
    assert json.loads(printed.stdout)["rows"] == object_["rows"]
    assert yaml.safe_load(known.command(*where, "-o", "yaml").stdout)["rows"] == object_["rows"]
    rows = list(csv.DictReader(io.StringIO(known.command(*where, "-o", "csv").stdout)))
    assert len(rows) == len(object_["rows"])
    assert list(rows[0]) == [*camel(dict.fromkeys(ROWS[Statistic(statistic)].model_fields, ""))]
    table = known.command(*where).stdout
    assert "\x1b" not in table
    assert len(table.splitlines()) == len(rows) + 2


@pytest.mark.parametrize("statistic", STATISTICS)
def test_the_sql_of_the_page_gives_what_the_api_gives(known: Known, statistic: str) -> None:
    found = re.search(f"<!-- {statistic}: .*?```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    text = found[1]
    assert "'payments'" in text
    assert "LIMIT 50;" in text
    url = known.ada.environment.database_url(READER)
    with psycopg.connect(url, row_factory=dict_row) as connection:
        statement = text.replace("payments", known.namespace)
        by_sql = connection.execute(statement.encode()).fetchall()
    by_rest = known.rest(statistic)["rows"]
    if statistic == "patterns":
        by_rest = [row for row in by_rest if row["kind"] == "filters"]
    assert len(by_sql) == len(by_rest) > 0
    for row, expected in zip(by_sql, by_rest, strict=True):
        if statistic == "patterns":
            row["filters"] = json.loads(row.pop("pattern"))
        for name, value in row.items():
            assert _comparable(value) == expected[name], name


def _comparable(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return f"{value:%Y-%m-%dT%H:%M:%S.%fZ}"
    if value is None or isinstance(value, str | int | float | dict):
        return value
    return float(value) if hasattr(value, "as_tuple") else str(value)


def test_totals_are_exact_and_low_confidence_counts_them_when_asked(known: Known) -> None:
    for statistic in STATISTICS:
        totals = known.rest(statistic)["totals"]
        assert totals == (None if statistic == "low-confidence" else TOTALS)
    assert known.rest("low-confidence", totals="true")["totals"] == TOTALS


def test_parameters_mean_the_same_in_both_cases(known: Known) -> None:
    by_rest = known.rest(
        "most-selected", bucket="week", by_namespace="true", workflow_id="oom", since="20d"
    )["rows"]
    query = "?bucket=week&byNamespace=true&workflowId=oom&since=20d"
    assert known.raw("most-selected", query)["rows"] == [camel(row) for row in by_rest]
    assert {row["namespace"] for row in by_rest} == {known.namespace}
    assert sum(row["won"] for row in by_rest) == 3
    low = known.raw("low-confidence", "?threshold=0.35&totals=true")
    assert [row["confidence"] for row in low["rows"]] == [0.3]
    assert low["parameters"] == {"limit": 50, "threshold": 0.35}


# kubectl


def test_kubectl_shows_all_statistics_and_each(known: Known) -> None:
    here = ("-n", known.namespace)
    heading, *rows = known.ada.kubectl("get", "auditstatistics", *here).splitlines()
    assert heading.split() == ["NAME", "ROWS", "FIRST", "SEARCHES", "EMPTY", "FAILED"]
    assert [row.split()[0] for row in rows] == STATISTICS
    assert rows[0].split()[1:] == ["4", "oom", "4", "11", "4", "2"]
    listed = json.loads(known.ada.kubectl("get", "astat", *here, "-o", "json"))
    assert [item["metadata"]["name"] for item in listed["items"]] == STATISTICS
    heading, *rows = known.ada.kubectl("get", "astat", "most-selected", *here).splitlines()
    assert heading.split()[:3] == ["WORKFLOWID", "WON", "SHARE"]
    assert rows[0].split()[:3] == ["oom", "3", "0.6"]
    whole = yaml.safe_load(known.ada.kubectl("get", "astat", "most-selected", *here, "-o", "yaml"))
    assert whole["rows"][0]["workflowId"] == "oom"
    assert (
        len(known.ada.kubectl("get", "astat", *here, "--chunk-size=2", "-o", "name").split()) == 5
    )


def test_kubectl_explains_every_field(known: Known) -> None:
    explained = known.ada.explained("auditstatistic.rows")
    for name in ("workflowId", "averageConfidence", "scorings"):
        assert name in explained
    assert "searches that were recorded" in known.ada.explained("astat.totals").lower()
    served = known.ada.kubectl("api-resources", "--api-group=auditlog.kubernaut.ai", "-o", "wide")
    (line,) = (line for line in served.splitlines() if line.startswith("auditstatistics"))
    assert "astat" in line
    assert "get,list" in line


def test_nothing_recorded_is_nothing_and_no_error(server: ReadingServer, api: Api) -> None:
    namespace = a_namespace(api)
    user, token = a_service_account(api, namespace, "robot")
    let_read(api, namespace, user)
    empty = Program(server, user, token)
    for statistic in STATISTICS:
        answer = empty.get(f"{ANALYTICS}/{statistic}", namespace=namespace).body
        assert (answer["rows"], answer["has_more"]) == ([], False)
        if answer["totals"]:
            assert set(answer["totals"].values()) == {0}


def test_who_counted_what_is_logged(known: Known) -> None:
    known.rest("patterns", since="3d")
    lines = [line for line in known.robot.server.log_lines() if line.get("statistic")]
    assert lines[-1]["user"] == known.robot.user
    assert (lines[-1]["statistic"], lines[-1]["endpoint"]) == ("patterns", "statistics")
    assert lines[-1]["outcome"] == "answered"


def test_a_database_that_is_away_is_no_empty_statistic(known: Known) -> None:
    known.ada.environment.postgres.stop()
    try:
        for statistic in STATISTICS:
            answer = known.robot.get(f"{ANALYTICS}/{statistic}", namespace=known.namespace)
            problem(answer, 503, "service-unavailable")
            assert int(answer.headers["Retry-After"]) >= 1
    finally:
        known.ada.environment.postgres.start()
