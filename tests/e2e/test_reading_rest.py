"""REST gives programs the audit events that RBAC lets them see, and says what is wrong."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from support.api import Api
from support.eventually import eventually
from support.reading import (
    TYPE,
    ReadingServer,
    a_service_account,
    an_event,
    let_read,
    write,
)
from support.rest import EVENTS, Program, problem
from workflow_audit.api.rest_parameters import EventParameters
from workflow_audit.cli.local_apiserver import NAME
from workflow_audit.domain.cursor import LIFETIME, Cursor, sealed
from workflow_audit.models.query import EventQuery, Place
from workflow_audit.store.reader import COLUMNS
from workflow_audit.wiring.reading import _cursor_key
from workflow_audit.wiring.running import utc_now

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]


def names(*numbers: int) -> list[str]:
    return [f"rr-2026-{number:06d}" for number in numbers]


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
    assert program.listed(namespace=namespace, **filters) == names(*expected)


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


def test_a_right_in_one_namespace_shows_that_namespace_only(
    robot: Program, auditor: Program, namespace: str
) -> None:
    here = an_event(namespace, actor_id=namespace, correlation_id="here")
    there = an_event("rest-else", actor_id=namespace, correlation_id="there")
    write(robot.server.environment, [here, there])
    assert robot.listed(namespace=namespace) == ["here"]
    detail = problem(robot.get(namespace="rest-else"), 403, "forbidden")
    assert f'User "{robot.user}" cannot list resource "auditevents"' in detail
    assert 'in the namespace "rest-else"' in detail
    assert "RoleBinding to the ClusterRole workflow-audit-reader there" in detail
    detail = problem(robot.get(), 403, "forbidden")
    assert "at the cluster scope; name a namespace that you may read" in detail
    assert "ClusterRoleBinding to the ClusterRole workflow-audit-reader" in detail
    assert sorted(auditor.listed(service=namespace)) == ["here", "there"]
    assert auditor.listed(service=namespace, namespace="rest-else") == ["there"]


def test_a_reader_of_one_type_names_it(narrow: Program, namespace: str) -> None:
    other = an_event(namespace, 2, event_type="other")
    write(narrow.server.environment, [an_event(namespace, 1), other])
    assert narrow.listed(namespace=namespace, event_type=TYPE) == names(1)
    for parameters in ({}, {"event_type": "other"}, {"event_category": "workflow"}):
        problem(narrow.get(namespace=namespace, **parameters), 403, "forbidden")
    problem(narrow.get(event_type=TYPE), 403, "forbidden")


def test_one_event_is_shown_to_whom_it_may_be(
    robot: Program, narrow: Program, auditor: Program, namespace: str
) -> None:
    typical, other = an_event(namespace, 1), an_event(namespace, 2, event_type="other")
    elsewhere = an_event("rest-else", 3)
    write(robot.server.environment, [typical, other, elsewhere])
    for program, seen in (
        (robot, (typical, other)),
        (narrow, (typical,)),
        (auditor, (typical, other, elsewhere)),
    ):
        for event in (typical, other, elsewhere):
            answer = program.get(f"{EVENTS}/{event.event_id}")
            if event in seen:
                assert answer.body["correlation_id"] == event.correlation_id
            else:
                problem(answer, 404, "not-found")
    within = f"{EVENTS}/{typical.event_id}"
    assert robot.get(within, namespace=namespace).status == 200
    assert auditor.get(within, namespace=namespace).status == 200
    problem(auditor.get(within, namespace="rest-else"), 404, "not-found")
    problem(robot.get(within, namespace="rest-else"), 403, "forbidden")
    problem(robot.get(f"{EVENTS}/nonsense"), 400, "validation-error", "event_id")
    problem(robot.get(within, namespce=namespace), 400, "validation-error", "namespce")


def test_who_may_not_see_an_event_cannot_tell_whether_it_is_there(
    robot: Program, narrow: Program, namespace: str
) -> None:
    hidden, absent = an_event("rest-else", 1), uuid4()
    other = an_event(namespace, 2, event_type="other")
    write(robot.server.environment, [hidden, other])

    def answers(program: Program, event_id: UUID, **where: str) -> tuple[int, str, set[str]]:
        answer = program.get(f"{EVENTS}/{event_id}", **where)
        return (
            answer.status,
            answer.content.decode().replace(str(event_id), "ID"),
            {name for name in answer.headers if name != "date"},
        )

    assert answers(robot, hidden.event_id) == answers(robot, absent)
    assert answers(narrow, other.event_id) == answers(narrow, absent)
    for program, event_id, where in (
        (robot, hidden.event_id, "rest-else"),
        (narrow, other.event_id, namespace),
    ):
        told = answers(program, event_id, namespace=where)
        assert told == answers(program, absent, namespace=where)
        assert told[0] == 403


def test_an_event_that_is_known_already_is_not_sent_again(robot: Program, namespace: str) -> None:
    event = an_event(namespace, 1)
    write(robot.server.environment, [event])
    path = f"{EVENTS}/{event.event_id}"
    tag = robot.get(path).headers["ETag"]
    assert tag.startswith('"')
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = robot.get(path, ("If-None-Match", known))
        assert (answer.status, answer.content, answer.headers["ETag"]) == (304, b"", tag)
    assert robot.get(path, ("If-None-Match", '"x"')).status == 200
    stranger = robot.server.get(path, [("If-None-Match", tag)])
    problem(stranger, 401, "authentication-failed")


@pytest.mark.parametrize("limit", [1, 4, 7])
def test_cursors_lead_through_all_events_whatever_is_recorded_meanwhile(
    robot: Program, namespace: str, limit: int
) -> None:
    write(robot.server.environment, [an_event(namespace, n) for n in range(10)])
    seen: list[str] = []
    for page in robot.pages(namespace=namespace, since="24h", limit=limit):
        assert (page["pagination"]["total"], page["pagination"]["total_is_exact"]) == (10, True)
        seen += [item["correlation_id"] for item in page["data"]]
        write(robot.server.environment, [an_event(namespace, 100 + len(seen))])
    assert seen == names(*reversed(range(10)))


def test_a_cursor_may_follow_an_offset_and_its_pages_may_have_another_size(
    robot: Program, namespace: str
) -> None:
    write(robot.server.environment, [an_event(namespace, n) for n in range(10)])
    first = robot.get(namespace=namespace, limit=2, offset=3).body
    assert (first["pagination"]["total"], first["pagination"]["offset"]) == (10, 3)
    cursor = first["pagination"]["next_cursor"]
    assert robot.listed(namespace=namespace, limit=1000, cursor=cursor) == names(4, 3, 2, 1, 0)


def test_a_cursor_belongs_to_its_list_and_expires(
    robot: Program, auditor: Program, namespace: str
) -> None:
    write(robot.server.environment, [an_event(namespace, n) for n in range(3)])
    cursor = auditor.get(namespace=namespace, limit=1).body["pagination"]["next_cursor"]
    for other in ({}, {"namespace": namespace, "service": "holmesgpt-api"}, {"namespace": "x"}):
        answer = auditor.get(limit=1, cursor=cursor, **other)
        assert "is no cursor for this query" in problem(answer, 400, "validation-error", "cursor")
    answer = auditor.get(namespace=namespace, cursor=cursor, offset=1)
    assert "stands beside a cursor" in problem(answer, 400, "validation-error", "offset")
    key = _cursor_key(robot.server.environment.folder / NAME / "tls.key")
    then = utc_now() - LIFETIME - timedelta(minutes=1)
    old = Cursor(Place(then, uuid4()), 10**9, then)
    answer = robot.get(namespace=namespace, cursor=sealed(old, EventQuery(namespace), key, then))
    assert "list from the beginning" in problem(answer, 410, "cursor-expired", "cursor")


def test_many_events_are_counted_up_to_a_bound_and_skipped_up_to_a_bound(
    robot: Program, namespace: str
) -> None:
    environment = robot.server.environment
    write(environment, [an_event(namespace, n) for n in range(10_000)])
    told = robot.get(namespace=namespace, limit=1).body["pagination"]
    assert (told["total"], told["total_is_exact"]) == (10_000, True)
    write(environment, [an_event(namespace, 10_000)])
    page = robot.get(namespace=namespace, limit=1).body
    assert (page["pagination"]["total"], page["pagination"]["total_is_exact"]) == (10_000, False)
    assert [item["correlation_id"] for item in page["data"]] == names(10_000)
    cursor = page["pagination"]["next_cursor"]
    told = robot.get(namespace=namespace, limit=1, cursor=cursor).body["pagination"]
    assert (told["total"], told["total_is_exact"]) == (10_000, False)
    assert robot.listed(namespace=namespace, offset=10_000) == names(0)
    assert robot.listed(namespace=namespace, offset=9_998, limit=2) == names(2, 1)


@pytest.mark.parametrize("value", ["", "Bearer ", "Bearer x", "Basic YTpi", "bearer"])
def test_who_asks_has_to_be_known(server: ReadingServer, value: str) -> None:
    for path in (EVENTS, f"{EVENTS}/{uuid4()}", f"{EVENTS}?limit=0"):
        answer = server.get(path, [("Authorization", value)])
        problem(answer, 401, "authentication-failed")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_paths_and_methods_that_are_none_are_problems_for_rest_and_statuses_for_kubernetes(
    server: ReadingServer,
) -> None:
    for path in ("/api", "/api/v1/audit", f"{EVENTS}/", f"{EVENTS}/a/b", "/", "/docs", "/redoc"):
        assert "/openapi.json" in problem(server.get(path), 404, "not-found")
    for path in ("/apis/nobody", "/openapi/v4"):
        answer = server.get(path)
        assert (answer.status, answer.body["kind"], answer.body["code"]) == (404, "Status", 404)
    answer = server.get(EVENTS, method="DELETE")
    assert problem(answer, 405, "method-not-allowed").endswith("use GET")
    assert answer.headers["Allow"] == "GET"


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


def test_who_read_what_is_logged(robot: Program, namespace: str) -> None:
    event, hidden = an_event(namespace, 1), an_event("rest-else", 2)
    write(robot.server.environment, [event, hidden])
    robot.get(namespace=namespace, service="holmesgpt-api")
    robot.get(f"{EVENTS}/{event.event_id}")
    robot.get(f"{EVENTS}/{hidden.event_id}")
    lines = [line for line in robot.server.log_lines() if line.get("user") == robot.user]
    assert [(line["endpoint"], line["verb"], line["outcome"], line["rows"]) for line in lines] == [
        ("rest", "list", "answered", 1),
        ("rest", "get", "answered", 1),
        ("rest", "get", "forbidden", 0),
    ]
    assert lines[0]["selector"] == ["actor_id in holmesgpt-api"]
    assert robot.token not in robot.server.log


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
