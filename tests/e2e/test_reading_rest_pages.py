"""Lists by REST go page by page, are counted, and are not sent twice for nothing."""

from datetime import timedelta
from uuid import uuid4

import pytest

from support.reading import Answered, an_event, correlation_ids, write
from support.rest import EVENTS, Program, problem
from workflow_audit.cli.local_apiserver import NAME
from workflow_audit.domain.cursor import LIFETIME, Cursor, sealed
from workflow_audit.models.query import FARTHEST_OFFSET, MOST_COUNTED, EventQuery, Place
from workflow_audit.wiring.reading import _cursor_key
from workflow_audit.wiring.running import utc_now

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]


def total(answer: Answered) -> tuple[int, bool]:
    told = answer.body["pagination"]
    return told["total"], told["total_is_exact"]


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
    assert seen == correlation_ids(*reversed(range(10)))


def test_a_cursor_may_follow_an_offset_and_its_pages_may_have_another_size(
    robot: Program, namespace: str
) -> None:
    write(robot.server.environment, [an_event(namespace, n) for n in range(10)])
    first = robot.get(namespace=namespace, limit=2, offset=3).body
    assert (first["pagination"]["total"], first["pagination"]["offset"]) == (10, 3)
    cursor = first["pagination"]["next_cursor"]
    assert robot.listed(namespace=namespace, limit=1000, cursor=cursor) == correlation_ids(
        4, 3, 2, 1, 0
    )


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
    write(environment, [an_event(namespace, n) for n in range(MOST_COUNTED)])
    assert total(robot.get(namespace=namespace, limit=1)) == (MOST_COUNTED, True)
    write(environment, [an_event(namespace, n) for n in range(MOST_COUNTED, FARTHEST_OFFSET + 1)])
    first = robot.get(namespace=namespace, limit=1)
    assert total(first) == (MOST_COUNTED, False)
    assert [item["correlation_id"] for item in first.body["data"]] == correlation_ids(
        FARTHEST_OFFSET
    )
    cursor = first.body["pagination"]["next_cursor"]
    assert total(robot.get(namespace=namespace, limit=1, cursor=cursor)) == (MOST_COUNTED, False)
    deep = robot.get(namespace=namespace, offset=FARTHEST_OFFSET - 2, limit=2)
    assert total(deep) == (FARTHEST_OFFSET + 1, False), "there is one more"
    assert [item["correlation_id"] for item in deep.body["data"]] == correlation_ids(2, 1)
    assert robot.listed(namespace=namespace, offset=FARTHEST_OFFSET) == correlation_ids(0)
