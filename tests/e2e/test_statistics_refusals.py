"""What cannot be meant is refused by name, by REST, kubectl and the command line."""

from urllib.parse import quote

import pytest

from support.counting import ANALYTICS, STATISTICS, Known
from support.reading import ROOT
from support.rest import problem

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]


def test_what_is_no_statistic_is_not_found_and_selectors_are_refused(known: Known) -> None:
    here = ("-n", known.namespace)
    said = known.ada.refused("get", "astat", "fastest", *here)
    assert "(NotFound)" in said
    assert "there are selection-rate, low-confidence" in said
    said = known.ada.refused("get", "astat", *here, "-l", "a=b")
    assert "labelSelector: 'a=b' selects no statistics" in said
    path = f"{ROOT}/namespaces/{known.namespace}/auditstatistics"
    assert "since: '7d' is no parameter of a list" in known.ada.refused(
        "get", "--raw", f"{path}?since=7d"
    )


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
    assert said in known.ada.refused("get", "--raw", path)


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
