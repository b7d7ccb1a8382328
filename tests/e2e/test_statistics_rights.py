"""Statistics are events: whoever may not read those gets no number of them."""

import json

import pytest

from support.api import Api
from support.counting import ANALYTICS, STATISTICS, Known
from support.reader import Reader
from support.reading import (
    ROOT,
    TYPE,
    ReadingServer,
    a_service_account,
    let_count,
    let_read,
    let_read_everywhere,
    stop_reading_everywhere,
)
from support.rest import Program, problem

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]


def test_statistics_are_events(server: ReadingServer, known: Known, api: Api) -> None:
    """Who may only count sees nothing, and who may only read is stopped by the API server."""
    here = ("-n", known.namespace)

    def named(name: str) -> Reader:
        return Reader.named(server.environment, name)

    let_count(api, known.namespace, "only-counts")
    said = named("only-counts").refused("get", "astat", *here)
    assert f'"{TYPE}" is forbidden: User "only-counts" cannot list resource "auditevents"' in said
    let_read(api, known.namespace, "only-reads")
    said = named("only-reads").refused("get", "astat", *here)
    assert 'cannot list resource "auditstatistics"' in said
    let_read(api, known.namespace, "reads-others", types=["other"])
    let_count(api, known.namespace, "reads-others")
    assert "is forbidden" in named("reads-others").refused("get", "astat", "patterns", *here)
    let_read(api, known.namespace, "reads-searches", types=[TYPE])
    let_count(api, known.namespace, "reads-searches")
    assert "oom" in named("reads-searches").kubectl("get", "astat", "most-selected", *here)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_reader_of_one_namespace_gets_no_number_of_others(known: Known, statistic: str) -> None:
    path = f"{ANALYTICS}/{statistic}"
    for parameters in ({}, {"namespace": "default"}, {"namespace": f"{known.namespace}' OR 1=1"}):
        detail = problem(known.robot.get(path, **parameters), 403, "forbidden")
        assert 'cannot list resource "auditevents"' in detail
    problem(known.robot.server.get(path), 401, "authentication-failed")
    assert "forbidden" in known.ada.refused("get", "--raw", f"{ROOT}/auditstatistics/{statistic}")
    assert "forbidden" in known.ada.refused("get", "astat", statistic, "-n", "default")
    for place in (("-A",), ("-n", "default")):
        done = known.command(statistic, *place)
        assert (done.returncode, done.stdout) == (1, "")
        assert "is forbidden" in done.stderr


def test_who_may_read_everything_may_count_everything(known: Known, api: Api) -> None:
    user, token = a_service_account(api, known.namespace, "auditor")
    let_read_everywhere(api, user)
    auditor = Program(known.robot.server, user, token)
    admin = Reader.administrator(known.ada.environment)
    try:
        rows = auditor.get(f"{ANALYTICS}/most-selected", by_namespace="true", limit=1000).body[
            "rows"
        ]
        here = [row for row in rows if row["namespace"] == known.namespace]
        assert [row["workflow_id"] for row in here] == ["oom", "foreign", "scale"]
        found = admin.kubectl("get", "--raw", f"{ROOT}/auditstatistics/most-selected")
        assert "namespace" not in json.loads(found)["metadata"]
        assert " searches, " in admin.reads("stats", "most-selected", "-A")
        assert len(admin.kubectl("get", "auditstatistics", "-A").splitlines()) == 6
    finally:
        stop_reading_everywhere(api, user)
