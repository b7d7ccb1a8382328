"""REST gives programs the audit events that they ask for, and says what is wrong."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from support.api import Api
from support.eventually import eventually
from support.reading import (
    TYPE,
    ReadingServer,
    a_service_account,
    an_event,
    correlation_ids,
    let_read,
    write,
)
from support.rest import EVENTS, Program, problem
from workflow_audit.api.rest_parameters import EventParameters
from workflow_audit.store.reader import COLUMNS
from workflow_audit.wiring.running import utc_now

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]


def test_an_event_is_given_whole(robot: Program, namespace: str) -> None:
    at = (utc_now() - timedelta(minutes=5)).replace(microsecond=120)
    event = an_event(namespace, 1, event_timestamp=at, event_date=at.date())
    write(robot.server.environment, [event])
    page = robot.get(namespace=namespace).body
    assert page["pagination"] == {
        "limit": 50,
        "offset": 0,
        "total": 1,
        "total_is_exact": True,
        "has_more": False,
        "next_cursor": None,
    }
    (found,) = page["data"]
    assert set(found) == {*COLUMNS, "event_data", "event_metadata"}
    assert found["event_id"] == str(event.event_id)
    assert found["event_timestamp"] == f"{at:%Y-%m-%dT%H:%M:%S}.000120Z"
    assert found["event_data"] == event.event_data
    assert found["event_metadata"] == event.event_metadata
    assert (found["top_confidence"], found["severity"]) == (0.6597, None)
    assert robot.get(f"{EVENTS}/{event.event_id}").body == found


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [3, 2, 1]),
        ({"event_type": TYPE}, [3, 2]),
        ({"event_category": "policy"}, [1]),
        ({"event_action": "changed"}, [1]),
        ({"event_outcome": "failure"}, [3]),
        ({"correlation_id": "rr-2026-000002"}, [2]),
        ({"service": "chat"}, [2]),
        ({"actor_id": "chat"}, [2]),
        ({"actor_id": "chat", "service": "holmesgpt-api"}, []),
        ({"workflow_id": "scale-up"}, [2]),
        ({"top_workflow_id": "scale-up"}, [2]),
        ({"resource_name": "search-3"}, [3]),
        ({"severity": "critical"}, []),
        ({"event_date": "2026-01-02"}, [1]),
        ({"since": "2h"}, [3, 2]),
        ({"until": "2h"}, [1]),
        ({"since": "2026-01-02", "until": "2026-01-03"}, [1]),
        ({"since": "2026-01-02T04:05:06.000007+01:00", "until": "30m"}, [3, 2, 1]),
        ({"since": "2026-01-02T04:05:06.000008+01:00"}, [3, 2]),
        ({"until": "2026-01-02"}, []),
        ({"limit": 2}, [3, 2]),
        ({"limit": 2, "offset": 1}, [2, 1]),
        ({"offset": 3}, []),
    ],
    ids=str,
)
def test_filters(
    filtered: tuple[Program, str], filters: dict[str, Any], expected: list[int]
) -> None:
    program, namespace = filtered
    assert program.listed(namespace=namespace, **filters) == correlation_ids(*expected)


@pytest.fixture(scope="module")
def filtered(server: ReadingServer, api: Api) -> tuple[Program, str]:
    namespace = "rest-filters"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    api.apply(f"/api/v1/namespaces/{namespace}", body)
    user, token = a_service_account(api, namespace, "robot")
    let_read(api, namespace, user)
    then = utc_now().replace(year=2026, month=1, day=2, hour=3, minute=5, second=6, microsecond=7)
    old = an_event(
        namespace,
        1,
        event_timestamp=then,
        event_date=then.date(),
        event_type="audit.policy.changed",
        event_category="policy",
        event_action="changed",
    )
    chat = an_event(namespace, 2, actor_id="chat", top_workflow_id="scale-up")
    failed = an_event(namespace, 3, event_outcome="failure", top_workflow_id=None)
    write(server.environment, [old, chat, failed])
    return Program(server, user, token), namespace


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("namespce=x", "namespce", "is given to no known parameter"),
        ("namespace=", "namespace", "should have at least 1 character"),
        ("service=a%00b", "service", "cannot be used"),
        ("service=a&service=b", "service", "is given 2 times; give one value"),
        ("event_outcome=good", "event_outcome", "'success', 'failure' or 'pending'"),
        ("event_date=yesterday", "event_date", "is no date; write it as 2026-11-24"),
        ("since=soon", "since", "is no time; write it as 30m, 24h, 7d"),
        ("since=1h&until=2h", "since", "is not before `until`"),
        ("since=0001-01-01T00:00:00%2B14:00", "since", "is in no calendar"),
        ("until=999999999d", "until", "is in no calendar"),
        ("limit=0", "limit", "greater than or equal to 1"),
        ("limit=1001", "limit", "less than or equal to 1000"),
        ("limit=ten", "limit", "valid integer"),
        ("offset=-1", "offset", "greater than or equal to 0"),
        ("offset=10001", "offset", "is above 10000; use `cursor`"),
        ("cursor=x", "cursor", "is no cursor for this query"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(
    filtered: tuple[Program, str], query: str, field: str, said: str
) -> None:
    program, _ = filtered
    detail = problem(program.get(f"{EVENTS}?{query}"), 400, "validation-error", field)
    assert detail.startswith(f"{field}: ")
    assert said in detail


def test_paths_and_methods_that_are_none_are_problems_for_rest_and_statuses_for_kubernetes(
    server: ReadingServer,
) -> None:
    for path in ("/api", "/api/v1/audit", f"{EVENTS}/", f"{EVENTS}/a/b", "/", "/docs", "/redoc"):
        assert "/openapi.json" in problem(server.get(path), 404, "not-found")
    for path in ("/apis/nobody", "/openapi/v4"):
        answer = server.get(path)
        assert (answer.status, answer.body["kind"], answer.body["code"]) == (404, "Status", 404)
    answer = server.get(EVENTS, method="DELETE")
    assert problem(answer, 405, "method-not-allowed").endswith("use GET, POST")
    assert answer.headers["Allow"] == "GET, POST"


ATTEMPTS = (
    "' OR 1=1 --",
    "'; DROP TABLE audit_events; --",
    "x' UNION SELECT version() --",
    "%s %(p0)s {where} {}",
    "$$; SELECT pg_sleep(9); $$",
    "\\'; TRUNCATE audit_events; --",
)


@pytest.mark.parametrize("parameter", [*EventParameters.model_fields, "event_id"])
def test_no_parameter_is_ever_sql(auditor: Program, namespace: str, parameter: str) -> None:
    event = an_event(namespace, 1)
    write(auditor.server.environment, [event])
    for attempt in ATTEMPTS:
        if parameter == "event_id":
            answer = auditor.get(f"{EVENTS}/{quote(attempt, safe='')}")
        else:
            answer = auditor.get(**{parameter: attempt})
        assert answer.status in {200, 400}, answer.body
        if answer.status == 200:
            assert answer.body["data"] == []
            assert answer.body["pagination"]["total"] == 0
        else:
            assert answer.body["field"] == parameter
    assert auditor.get(f"{EVENTS}/{event.event_id}").status == 200


def test_a_database_that_is_away_is_said(robot: Program, namespace: str) -> None:
    postgres = robot.server.environment.postgres
    assert robot.listed(namespace=namespace) == []
    postgres.stop()
    try:
        for path in (f"{EVENTS}?namespace={namespace}", f"{EVENTS}/{uuid4()}"):
            answer = robot.get(path)
            problem(answer, 503, "service-unavailable")
            assert int(answer.headers["Retry-After"]) >= 1
    finally:
        postgres.start()
    eventually(lambda: robot.get(namespace=namespace).status, until=lambda status: status == 200)
