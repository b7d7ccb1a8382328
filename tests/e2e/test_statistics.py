"""Statistics under the cluster's own RBAC: by REST, kubectl and our command line, all the same."""

import csv
import io
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
import yaml
from psycopg.rows import dict_row

from support.api import Api
from support.environment import kubectl
from support.reading import (
    ROOT,
    TYPE,
    ReadingServer,
    a_service_account,
    let_count,
    let_read,
    let_read_everywhere,
    reading_server,
    write,
)
from support.rest import Program, problem
from support.statistics import TOTALS, known_searches
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.models.statistics import ROWS, Statistic
from workflow_audit.wiring.running import utc_now

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

PROGRAM = Path(sys.executable).with_name("workflow-audit")
PAGE = Path(__file__).parents[2] / "docs" / "analytics.md"
READER = "workflow_audit_reader"
ANALYTICS = "/api/v1/audit/analytics"
STATISTICS = [statistic.value for statistic in Statistic]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(prepared_environment: LocalEnvironment) -> Iterator[ReadingServer]:
    with reading_server(prepared_environment) as running:
        yield running


def new_namespace(api: Api) -> str:
    name = f"stats-{next(_numbers)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    api.apply(f"/api/v1/namespaces/{name}", body)
    return name


@dataclass(frozen=True)
class Known:
    """A namespace of known searches, and who may read what of it."""

    namespace: str
    environment: LocalEnvironment
    robot: Program
    """May read and count by token."""

    ada: Path
    """Kubeconfig of somebody who may read and count."""

    def kubectl(self, *arguments: str, kubeconfig: Path | None = None) -> str:
        return kubectl(self.environment, *arguments, kubeconfig=kubeconfig or self.ada)

    def refused(self, *arguments: str, kubeconfig: Path | None = None) -> str:
        with pytest.raises(subprocess.CalledProcessError) as caught:
            self.kubectl(*arguments, kubeconfig=kubeconfig)
        return str(caught.value.stderr)

    def raw(self, statistic: str, query: str = "") -> Any:
        path = f"{ROOT}/namespaces/{self.namespace}/auditstatistics/{statistic}{query}"
        return json.loads(self.kubectl("get", "--raw", path))

    def command(self, *arguments: str, kubeconfig: Path | None = None) -> Any:
        kept = {key: value for key, value in os.environ.items() if key.startswith("COV")}
        return subprocess.run(
            [PROGRAM, "stats", *arguments],
            env=kept | {"KUBECONFIG": str(kubeconfig or self.ada), "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def rest(self, statistic: str, **parameters: Any) -> Any:
        answer = self.robot.get(
            f"{ANALYTICS}/{statistic}", **({"namespace": self.namespace} | parameters)
        )
        assert answer.status == 200, answer.body
        return answer.body


@pytest.fixture(scope="module")
def known(server: ReadingServer, api: Api) -> Known:
    """For tests that only read."""
    namespace = new_namespace(api)
    user, token = a_service_account(api, namespace, "robot")
    let_read(api, namespace, user)
    name = f"ada-of-{namespace}"
    let_read(api, namespace, name)
    let_count(api, namespace, name)
    now = (utc_now() - timedelta(hours=1)).replace(microsecond=0)
    write(server.environment, known_searches(namespace, now))
    ada = server.environment.control_plane.kubeconfig_for(name)
    return Known(namespace, server.environment, Program(server, user, token), ada)


def camel(row: dict[str, Any]) -> dict[str, Any]:
    return {
        re.sub("_(.)", lambda found: found[1].upper(), name): value
        for name, value in row.items()
        if value is not None
    }


# All say the same


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
    url = known.environment.database_url(READER)
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
    heading, *rows = known.kubectl("get", "auditstatistics", *here).splitlines()
    assert heading.split() == ["NAME", "ROWS", "FIRST", "SEARCHES", "EMPTY", "FAILED"]
    assert [row.split()[0] for row in rows] == STATISTICS
    assert rows[0].split()[1:] == ["4", "oom", "4", "11", "4", "2"]
    listed = json.loads(known.kubectl("get", "astat", *here, "-o", "json"))
    assert [item["metadata"]["name"] for item in listed["items"]] == STATISTICS
    heading, *rows = known.kubectl("get", "astat", "most-selected", *here).splitlines()
    assert heading.split()[:3] == ["WORKFLOWID", "WON", "SHARE"]
    assert rows[0].split()[:3] == ["oom", "3", "0.6"]
    whole = yaml.safe_load(known.kubectl("get", "astat", "most-selected", *here, "-o", "yaml"))
    assert whole["rows"][0]["workflowId"] == "oom"
    assert len(known.kubectl("get", "astat", *here, "--chunk-size=2", "-o", "name").split()) == 5


def test_kubectl_explains_every_field(known: Known) -> None:
    explained = known.kubectl("explain", "auditstatistic.rows")
    for name in ("workflowId", "averageConfidence", "scorings"):
        assert name in explained
    assert "searches that were recorded" in known.kubectl("explain", "astat.totals").lower()
    served = known.kubectl("api-resources", "--api-group=auditlog.kubernaut.ai", "-o", "wide")
    (line,) = (line for line in served.splitlines() if line.startswith("auditstatistics"))
    assert "astat" in line
    assert "get,list" in line


def test_what_is_no_statistic_is_not_found_and_selectors_are_refused(known: Known) -> None:
    here = ("-n", known.namespace)
    said = known.refused("get", "astat", "fastest", *here)
    assert "(NotFound)" in said
    assert "there are selection-rate, low-confidence" in said
    said = known.refused("get", "astat", *here, "-l", "a=b")
    assert "labelSelector: 'a=b' selects no statistics" in said
    path = f"{ROOT}/namespaces/{known.namespace}/auditstatistics"
    assert "since: '7d' is no parameter of a list" in known.refused(
        "get", "--raw", f"{path}?since=7d"
    )


# Who may


def test_statistics_are_events(server: ReadingServer, known: Known, api: Api) -> None:
    """Who may only count sees nothing, and who may only read is stopped by the API server."""
    control_plane, here = server.environment.control_plane, ("-n", known.namespace)
    let_count(api, known.namespace, "only-counts")
    said = known.refused(
        "get", "astat", *here, kubeconfig=control_plane.kubeconfig_for("only-counts")
    )
    assert f'"{TYPE}" is forbidden: User "only-counts" cannot list resource "auditevents"' in said
    let_read(api, known.namespace, "only-reads")
    said = known.refused(
        "get", "astat", *here, kubeconfig=control_plane.kubeconfig_for("only-reads")
    )
    assert 'cannot list resource "auditstatistics"' in said
    let_read(api, known.namespace, "reads-others", types=["other"])
    let_count(api, known.namespace, "reads-others")
    others = control_plane.kubeconfig_for("reads-others")
    assert "is forbidden" in known.refused("get", "astat", "patterns", *here, kubeconfig=others)
    let_read(api, known.namespace, "reads-searches", types=[TYPE])
    let_count(api, known.namespace, "reads-searches")
    searches = control_plane.kubeconfig_for("reads-searches")
    assert "oom" in known.kubectl("get", "astat", "most-selected", *here, kubeconfig=searches)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_reader_of_one_namespace_gets_no_number_of_others(known: Known, statistic: str) -> None:
    path = f"{ANALYTICS}/{statistic}"
    for parameters in ({}, {"namespace": "default"}, {"namespace": f"{known.namespace}' OR 1=1"}):
        detail = problem(known.robot.get(path, **parameters), 403, "forbidden")
        assert 'cannot list resource "auditevents"' in detail
    problem(known.robot.server.get(path), 401, "authentication-failed")
    assert "forbidden" in known.refused("get", "--raw", f"{ROOT}/auditstatistics/{statistic}")
    assert "forbidden" in known.refused("get", "astat", statistic, "-n", "default")
    for place in (("-A",), ("-n", "default")):
        done = known.command(statistic, *place)
        assert (done.returncode, done.stdout) == (1, "")
        assert "is forbidden" in done.stderr


def test_who_may_read_everything_may_count_everything(known: Known, api: Api) -> None:
    user, token = a_service_account(api, known.namespace, "auditor")
    let_read_everywhere(api, user)
    auditor = Program(known.robot.server, user, token)
    try:
        rows = auditor.get(f"{ANALYTICS}/most-selected", by_namespace="true", limit=1000).body[
            "rows"
        ]
        here = [row for row in rows if row["namespace"] == known.namespace]
        assert [row["workflow_id"] for row in here] == ["oom", "foreign", "scale"]
        found = kubectl(known.environment, "get", "--raw", f"{ROOT}/auditstatistics/most-selected")
        assert "namespace" not in json.loads(found)["metadata"]
        done = known.command("most-selected", "-A", kubeconfig=known.environment.kubeconfig)
        assert done.returncode == 0, done.stderr
        assert " searches, " in done.stdout
        listed = kubectl(known.environment, "get", "auditstatistics", "-A")
        assert len(listed.splitlines()) == 6
    finally:
        name = f"read-{user.replace(':', '-')}"
        kubectl(known.environment, "delete", "clusterrolebinding", name)


# What cannot be meant


@pytest.mark.parametrize(
    ("statistic", "query", "field", "said"),
    [
        ("patterns", "workflow_id=x", "workflow_id", "is given to no known parameter"),
        ("low-confidence", "bucket=day", "bucket", "is given to no known parameter"),
        ("most-selected", "threshold=1", "threshold", "is given to no known parameter"),
        ("most-selected", "limit=0", "limit", "greater than or equal to 1"),
        ("most-selected", "limit=1001", "limit", "less than or equal to 1000"),
        ("most-selected", "limit=1&limit=2", "limit", "is given 2 times"),
        ("most-selected", "bucket=year", "bucket", "'hour', 'day', 'week' or 'month'"),
        ("most-selected", "bucket=hour&since=365d", "bucket", "choose a longer bucket"),
        ("most-selected", "by_namespace=perhaps", "by_namespace", "valid boolean"),
        ("most-selected", "since=soon", "since", "is no time; write it as 30m"),
        ("most-selected", "since=1h&until=2h", "since", "is not before `until`"),
        ("most-selected", "until=0001-01-02", "until", "leaves no room before it"),
        ("most-selected", "workflow_id=a%00b", "workflow_id", "cannot be used"),
        ("most-selected", "workflow_id=", "workflow_id", "at least 1 character"),
        ("low-confidence", "threshold=1.1", "threshold", "less than or equal to 1"),
        ("low-confidence", "threshold=nan", "threshold", "finite number"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(
    known: Known, statistic: str, query: str, field: str, said: str
) -> None:
    path = f"{ANALYTICS}/{statistic}?namespace={known.namespace}&{query}"
    detail = problem(known.robot.get(path), 400, "validation-error", field)
    assert detail.startswith(f"{field}: ")
    assert said in detail


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("by_namespace=true", "by_namespace: 'true' is no parameter of most-selected; there are"),
        ("workflowId=a&workflowId=b", "workflowId: 'a, b' is given 2 times"),
        ("byNamespace=perhaps", "byNamespace: "),
        ("bucket=hour&since=365d", "choose a longer bucket, or a shorter period"),
        ("watch=true", "watch: 'true' is no parameter of most-selected"),
    ],
)
def test_kubernetes_parameters_are_named_as_they_were_given(
    known: Known, query: str, said: str
) -> None:
    path = f"{ROOT}/namespaces/{known.namespace}/auditstatistics/most-selected?{query}"
    assert said in known.refused("get", "--raw", path)


INJECTIONS = ["' OR 1=1 --", "x'; DROP TABLE audit_events; --", "%(most)s", "{where}", "$1", '"']


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("value", INJECTIONS)
def test_no_parameter_is_ever_sql(known: Known, statistic: str, value: str) -> None:
    path = f"{ANALYTICS}/{statistic}?namespace={known.namespace}"
    for name in ("since", "until", "limit", "bucket", "by_namespace", "threshold", "totals"):
        assert known.robot.get(f"{path}&{name}={quote(value)}").status == 400, name
    answer = known.robot.get(f"{path}&workflow_id={quote(value)}")
    if statistic == "patterns":
        assert answer.status == 400
    else:
        assert (answer.status, answer.body["rows"]) == (200, [])
    assert known.rest(statistic)["rows"], "everything is still there"


def test_options_that_cannot_be_meant_are_a_wrong_command_line(known: Known) -> None:
    for options in (
        ("most-selected", "--since", "soon"),
        ("most-selected", "--bucket", "year"),
        ("most-selected", "--limit", "0"),
        ("low-confidence", "--threshold", "2"),
        ("patterns", "--workflow", "x"),
        ("slowest",),
    ):
        assert known.command(*options).returncode == 2, options
    done = known.command(
        "most-selected", "-n", known.namespace, "--bucket", "hour", "--since", "90d"
    )
    assert done.returncode == 1
    assert "choose a longer bucket" in done.stderr


def test_nothing_recorded_is_nothing_and_no_error(server: ReadingServer, api: Api) -> None:
    namespace = new_namespace(api)
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
    known.environment.postgres.stop()
    try:
        for statistic in STATISTICS:
            answer = known.robot.get(f"{ANALYTICS}/{statistic}", namespace=known.namespace)
            problem(answer, 503, "service-unavailable")
            assert int(answer.headers["Retry-After"]) >= 1
    finally:
        known.environment.postgres.start()
