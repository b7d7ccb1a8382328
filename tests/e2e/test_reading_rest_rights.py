"""REST gives programs the audit events that RBAC lets them see, and notes who read what."""

from uuid import UUID, uuid4

import pytest

from support.reading import TYPE, ReadingServer, an_event, correlation_ids, write
from support.rest import EVENTS, Program, problem

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]


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
    assert narrow.listed(namespace=namespace, event_type=TYPE) == correlation_ids(1)
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


@pytest.mark.parametrize("value", ["", "Bearer ", "Bearer x", "Basic YTpi", "bearer"])
def test_who_asks_has_to_be_known(server: ReadingServer, value: str) -> None:
    for path in (EVENTS, f"{EVENTS}/{uuid4()}", f"{EVENTS}?limit=0"):
        answer = server.get(path, [("Authorization", value)])
        problem(answer, 401, "authentication-failed")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


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
