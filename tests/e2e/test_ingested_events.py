"""Programs record searches by HTTP: one event each, in their own name, in the database."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3

from support.api import Api
from support.eventually import eventually
from support.policies import Policies
from support.reading import ReadingServer, a_namespace, a_service_account
from support.rest import EVENTS, Program, problem
from support.submitting import BATCH, Sender, a_failure, a_submission, let_send, stored
from workflow_audit.local.ports import HOST
from workflow_audit.wiring.running import utc_now

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

KEY = "Idempotency-Key"


def test_a_search_becomes_one_event_however_often_it_is_sent(
    sender: Sender, robot: Program, namespace: str
) -> None:
    event = a_submission()
    first, second = sender.post(event), sender.post(event)
    assert (first.status, first.body["status"]) == (201, "recorded")
    assert (second.status, second.body["status"]) == (200, "replayed")
    assert first.body["event_id"] == second.body["event_id"]
    assert first.body["event_timestamp"] == event["event_timestamp"]
    assert first.body["message"] == "the event is recorded"
    (row,) = stored(sender.server.environment, event["correlation_id"])
    assert str(row["event_id"]) == first.body["event_id"]
    assert (row["namespace"], row["event_outcome"], row["duration_ms"]) == (
        namespace,
        "success",
        45,
    )
    assert (row["top_workflow_id"], row["top_confidence"]) == ("pod-oom-gitops", 0.98)
    assert row["event_data"]["results"]["workflows"][0]["scoring"]["confidence"] == 0.98
    assert robot.get(f"{EVENTS}/{first.body['event_id']}").status == 200


def test_a_failure_is_an_event_too_however_it_is_told(sender: Sender) -> None:
    whole = a_failure()
    parts = a_failure(error_code="CatalogueTimeout", error_message="no answer within 5 s")
    del parts["event_data"]["failure"]
    for event in (whole, parts):
        assert sender.post(event).status == 201
    rows = stored(sender.server.environment, whole["correlation_id"], parts["correlation_id"])
    for row in rows:
        assert (row["event_outcome"], row["error_code"]) == ("failure", "CatalogueTimeout")
        assert row["event_data"]["failure"]["message"] == "no answer within 5 s"
    assert len(rows) == 2


def test_secrets_are_not_stored(sender: Sender) -> None:
    event = a_submission(actor_id="jane.doe@example.com", actor_ip="10.1.2.3")
    event["event_data"]["query"]["text"] = "password=hunter2demo for jane.doe@example.com"
    assert sender.post(event).status == 201
    (row,) = stored(sender.server.environment, event["correlation_id"])
    assert "hunter2demo" not in str(row)
    assert "jane.doe" not in str(row)
    assert row["event_data"]["redactions"] == {"password": 1, "email": 1}


def test_nobody_writes_in_the_name_of_another(sender: Sender) -> None:
    claims = {
        "actor_type": "user",
        "actor_id": "system:admin",
        "service": "somebody-else",
        "requested_by": "system:admin",
        "cluster_id": "another",
    }
    event = a_submission(**claims, event_metadata={"requested_by": "system:admin"})
    answer = sender.post(event, ("X-Remote-User", "system:admin"), ("X-Remote-Group", "a"))
    assert answer.status == 201
    (row,) = stored(sender.server.environment, event["correlation_id"])
    assert (row["actor_type"], row["actor_id"]) == ("service", sender.user)
    assert row["event_metadata"]["requested_by"] == sender.user
    assert row["event_metadata"]["claimed"] == {
        name: claims[name] for name in ("service", "actor_type", "actor_id", "cluster_id")
    }
    assert row["cluster_id"] != "another"


def test_a_key_names_one_search(sender: Sender) -> None:
    event, key = a_submission(), (KEY, "call-1")
    assert sender.post(event, key).status == 201
    assert sender.post(event, key).status == 200
    assert sender.post(event | {"idempotency_key": "call-1"}).status == 200
    for other in (
        event | {"correlation_id": "rr-another"},
        event | {"event_timestamp": (utc_now() - timedelta(seconds=1)).isoformat()},
        event | {"event_timestamp": (utc_now() - timedelta(days=3)).isoformat()},
    ):
        problem(sender.post(other, key), 409, "conflict")
    assert sender.post(event, (KEY, "call-2")).status == 201
    assert len(stored(sender.server.environment, event["correlation_id"], "rr-another")) == 2


def test_a_key_belongs_to_its_sender(sender: Sender, api: Api, namespace: str) -> None:
    user, token = a_service_account(api, namespace, "another")
    let_send(api, namespace, user)
    event, key = a_submission(), (KEY, "call-1")
    ids = {
        each.post(event, key).body["event_id"]
        for each in (sender, Sender(sender.server, user, token))
    }
    assert len(ids) == 2


def test_each_event_of_a_batch_stands_for_itself(sender: Sender, api: Api) -> None:
    foreign = a_namespace(api)
    old = a_submission()
    assert sender.post(old).status == 201
    new, keyed = a_submission(), a_submission(idempotency_key="batch-1")
    wrong = a_submission()
    del wrong["event_data"]["results"]["workflows"][1]["scoring"]
    moved = keyed | {"event_timestamp": (utc_now() - timedelta(days=2)).isoformat()}
    events = [new, old, wrong, a_submission(namespace=foreign), keyed, moved, new, "nothing"]
    answer = sender.post_batch(events)
    assert answer.status == 207
    results = answer.body["results"]
    assert [each["index"] for each in results] == list(range(len(events)))
    assert [each["status"] for each in results] == [
        "recorded", "replayed", "refused", "refused", "recorded", "refused", "replayed", "refused",
    ]  # fmt: skip
    problems = [each["problem"] for each in results]
    assert [each and each["status"] for each in problems] == [
        None, None, 400, 403, None, 409, None, 400,
    ]  # fmt: skip
    assert problems[2]["field"] == "event_data.results.workflows[1].scoring"
    assert problems[2]["detail"].startswith("missing required field: scoring (event_data.results")
    assert "workflow-audit-searcher" in problems[3]["detail"]
    assert results[0]["event_id"] == results[6]["event_id"]
    assert answer.body["event_ids"] == [each["event_id"] for each in results if each["event_id"]]
    correlation_ids = {event["correlation_id"] for event in events if isinstance(event, dict)}
    assert len(stored(sender.server.environment, *correlation_ids)) == 3


def test_a_batch_says_whether_anything_is_new(sender: Sender) -> None:
    events = [a_submission() for _ in range(1000)]
    first = sender.post_batch(events)
    assert (first.status, len(first.body["event_ids"])) == (201, 1000)
    assert first.body["message"] == "1000 of 1000 events are recorded"
    again = sender.post_batch(events)
    assert (again.status, again.body["event_ids"]) == (200, first.body["event_ids"])
    correlation_ids = [event["correlation_id"] for event in events]
    assert len(stored(sender.server.environment, *correlation_ids)) == 1000


def test_a_policy_switches_it_off(sender: Sender, api: Api, namespace: str) -> None:
    with Policies(api, namespace) as policies:
        policies.apply("off", enabled=False)
        answer = eventually(
            lambda: sender.post(a_submission()), until=lambda each: each.body["status"] == "skipped"
        )
        assert (answer.status, answer.body["event_id"]) == (200, None)
        event = a_submission()
        (result,) = sender.post_batch([event]).body["results"]
        assert (result["status"], result["event_id"], result["problem"]) == ("skipped", None, None)
    assert stored(sender.server.environment, event["correlation_id"]) == []


def test_who_may_not_is_told_what_is_missing(
    server: ReadingServer, api: Api, namespace: str, robot: Program
) -> None:
    stranger = Sender(server, robot.user, robot.token)
    detail = problem(stranger.post(a_submission()), 403, "forbidden")
    assert 'cannot create resource "auditevents"' in detail
    assert "RoleBinding to the ClusterRole workflow-audit-searcher" in detail
    unknown = Sender(server, "nobody", "no-token")
    for path in (EVENTS, BATCH):
        answer = unknown.post(a_submission(), path=path)
        problem(answer, 401, "authentication-failed")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"event_type": "other"}, "event_type", "'workflow.catalog.search_completed'"),
        ({"event_data": None}, "event_data", "missing required field: event_data"),
        ({"event_outcome": "failure"}, "event_data.failure", "missing required field: failure"),
        ({"event_outcome": "pending"}, "event_outcome", "'success' or 'failure'"),
        ({"event_timestamp": "yesterday"}, "event_timestamp", "is no time"),
        ({"event_timestamp": "2020-01-01T00:00:00Z"}, "event_timestamp", "30 days ago"),
        ({"event_timestamp": "2999-01-01T00:00:00Z"}, "event_timestamp", "5 minutes ahead"),
        ({"duration_ms": 46}, "duration_ms", "is another one than in event_data"),
        ({"namespace": "Production"}, "namespace", "is refused"),
    ],
)
def test_what_is_wrong_is_named(
    sender: Sender, changes: dict[str, Any], field: str, said: str
) -> None:
    assert said in problem(sender.post(a_submission(**changes)), 400, "validation-error", field)


def test_a_namespace_that_is_none_is_refused(
    server: ReadingServer, sender: Sender, api: Api
) -> None:
    _, token = a_service_account(api, "workflow-audit", f"everywhere-{sender.user[-5:]}")
    admin = Sender(server, "admin", token)
    user = f"system:serviceaccount:workflow-audit:everywhere-{sender.user[-5:]}"
    group = "rbac.authorization.k8s.io"
    api.apply(
        f"/apis/{group}/v1/clusterrolebindings/send-everywhere",
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "send-everywhere"},
            "roleRef": {
                "apiGroup": group,
                "kind": "ClusterRole",
                "name": "workflow-audit-searcher",
            },
            "subjects": [{"kind": "User", "name": user, "apiGroup": group}],
        },
    )
    events = [a_submission(namespace="not-there"), a_submission(namespace="default")]
    answer = admin.post_batch(events)
    assert [each["status"] for each in answer.body["results"]] == ["refused", "recorded"]
    assert answer.body["results"][0]["problem"]["field"] == "namespace"


def test_what_is_no_body_is_refused(sender: Sender) -> None:
    for body in (b"", b"{", b"[1,", b"\xff", b'{"a": NaN}', b"[" * 5000, b"{}" * 2):
        problem(sender.post(body), 400, "validation-error", "body")
    for body in (b"1", b'"text"', b"null", b"[]"):
        problem(sender.post(body), 400, "validation-error", "body")
    for events in ({}, [], [a_submission()] * 1001):
        problem(sender.post_batch(events), 400, "validation-error", "body")
    problem(
        sender.post(a_submission(), path=f"{EVENTS}?namespace=x"),
        400,
        "validation-error",
        "namespace",
    )
    for key in ("", "a b", "é".encode().decode("latin-1"), "k" * 256):
        problem(sender.post(a_submission(), (KEY, key)), 400, "validation-error", KEY)
    two = ((KEY, "a"), (KEY, "b"))
    problem(sender.post(a_submission(), *two), 400, "validation-error", KEY)
    problem(sender.post(a_submission(), kind="text/plain"), 415, "unsupported-body")
    problem(sender.post(a_submission(), kind=""), 415, "unsupported-body")
    zipped = ("Content-Encoding", "gzip")
    problem(sender.post(a_submission(), zipped), 415, "unsupported-body")


def test_odd_characters_are_stored_as_those_of_a_resource_are(sender: Sender) -> None:
    event = a_submission()
    event["event_data"]["query"]["text"] = "TEXT"
    body = json.dumps(event).replace("TEXT", r"a\u0000b\ud800c\ud83d\ude80\\ud800")
    assert sender.post(body.encode()).status == 201
    (row,) = stored(sender.server.environment, event["correlation_id"])
    assert row["event_data"]["query"]["text"] == "a\ufffdb\ufffdc\U0001f680\\ud800"
    assert row["event_data"]["search_metadata"]["replaced_characters"] == 1


def test_times_are_kept_to_the_microsecond(sender: Sender) -> None:
    at = utc_now().replace(microsecond=123456)
    event = a_submission(at)
    event["event_timestamp"] = at.isoformat().replace("+00:00", "999+00:00")
    assert sender.post(event).status == 201
    (row,) = stored(sender.server.environment, event["correlation_id"])
    assert row["event_timestamp"] == at
    assert datetime.fromisoformat(row["event_data"]["search_metadata"]["searched_at"]) == at
    assert row["event_date"] == at.astimezone(UTC).date()


def test_one_line_is_logged_for_a_request_without_any_text(sender: Sender) -> None:
    sender.post_batch([a_submission(), {"event_data": "hunter2demo"}])
    lines = [each for each in sender.server.log_lines() if each.get("user") == sender.user]
    assert [each["message"] for each in lines] == ["events came by HTTP"]
    assert lines[0]["events"] == {"recorded": 1, "refused": 1}
    assert lines[0]["errors"] == {"MissingField": 1}
    assert "hunter2demo" not in sender.server.log


def test_readiness_and_metrics_cover_it(sender: Sender) -> None:
    assert sender.post(a_submission()).status == 201
    # The log goes on where a server before this one has ended.
    *_, port = [line["port"] for line in sender.server.log_lines() if "/readyz" in line["message"]]
    ready = urllib3.request("GET", f"http://{HOST}:{port}/readyz")
    assert ready.status == 200
    assert {"ingestion-database: ok", "policies: ok"} <= set(ready.data.decode().splitlines())
    shown = urllib3.request("GET", f"http://{HOST}:{port}/metrics").data.decode()
    for name, labels in (
        ("requests_total", 'code="201",endpoint="single"'),
        ("events_total", 'status="recorded"'),
        ("duration_seconds_count", 'endpoint="single"'),
    ):
        series = f"workflow_audit_ingest_{name}{{{labels}}}"
        (found,) = re.findall(rf"^{re.escape(series)} (.*)$", shown, re.MULTILINE)
        assert float(found) >= 1
