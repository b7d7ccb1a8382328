"""Audit events are read through the cluster's own RBAC: by kubectl, and by nobody who may not."""

import json
import subprocess
from pathlib import Path

import pytest
import urllib3

from support.api import MERGE_PATCH, Api
from support.eventually import eventually
from support.reader import Reader
from support.reading import (
    ROOT,
    TYPE,
    ReadingServer,
    an_event,
    forged,
    let_read,
    trusted_pair,
    write,
)
from workflow_audit.certificates import KeyPair
from workflow_audit.local.certificates import Authority
from workflow_audit.local.pki import FRONT_PROXY_CLIENT
from workflow_audit.models.event import AuditEvent
from workflow_audit.wiring.running import utc_now

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]


def test_a_role_in_one_namespace_shows_that_namespace_only(
    server: ReadingServer, ada: Reader, namespace: str
) -> None:
    write(server.environment, [an_event(namespace, n) for n in range(25)])
    write(server.environment, [an_event("elsewhere", 99)])
    lines = ada.kubectl("get", "auditevents", "-n", namespace, "--chunk-size=10").splitlines()
    heading, *rows = lines
    assert heading.split() == ["NAME", "CORRELATION", "WORKFLOW", "CONFIDENCE", "OUTCOME", "AGE"]
    shown = [row.split()[1] for row in rows]
    assert shown == [f"rr-2026-{n:06d}" for n in reversed(range(25))], "the newest first, in pages"
    assert rows[0].split()[2:5] == ["pod-oom-gitops", "0.6597", "success"]
    for others in ("elsewhere", "default"):
        said = ada.refused("get", "auditevents", "-n", others)
        assert 'cannot list resource "auditevents"' in said
        assert "(Forbidden)" in said
    assert "at the cluster scope" in ada.refused("get", "auditevents", "-A")


def test_one_event_is_shown_whole_described_and_explained(
    server: ReadingServer, ada: Reader, namespace: str
) -> None:
    event = an_event(namespace, 7)
    write(server.environment, [event])
    name = str(event.event_id)
    shown = json.loads(ada.kubectl("get", "aev", name, "-n", namespace, "-o", "json"))
    assert shown["metadata"]["labels"]["auditlog.kubernaut.ai/correlation-id"] == "rr-2026-000007"
    assert shown["eventData"] == event.event_data
    assert shown["eventMetadata"] == event.event_metadata
    assert shown["topConfidence"] == 0.6597
    described = ada.kubectl("describe", "auditevent", name, "-n", namespace)
    assert "OOMKilled critical" in described
    explained = ada.explained("auditevent.eventData.results.workflows.scoring")
    assert "unattributed" in explained
    assert "what labels add." in explained.lower()
    missing = ada.refused("get", "auditevent", str(an_event(namespace).event_id), "-n", namespace)
    assert "(NotFound)" in missing


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (("--field-selector", "correlationId=rr-2026-000001"), {1}),
        (("--field-selector", "outcome=failure"), {2}),
        (("--field-selector", "outcome!=failure,service=holmesgpt-api"), {0, 1}),
        (("--field-selector", "workflowId=nobody"), set()),
        (("-l", "auditlog.kubernaut.ai/event-outcome in (failure, other)"), {2}),
        (("-l", "!auditlog.kubernaut.ai/top-workflow-id"), {2}),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_selectors(
    server: ReadingServer,
    ada: Reader,
    namespace: str,
    selector: tuple[str, ...],
    expected: set[int],
) -> None:
    failed = an_event(namespace, 2, event_outcome="failure", top_workflow_id=None)
    write(server.environment, [an_event(namespace, 0), an_event(namespace, 1), failed])
    found = ada.kubectl("get", "aev", "-n", namespace, "-o", "json", *selector)
    shown = {int(item["correlationId"][-1]) for item in json.loads(found)["items"]}
    assert shown == expected


def test_bad_selectors_are_named(ada: Reader, namespace: str) -> None:
    said = ada.refused("get", "aev", "-n", namespace, "--field-selector", "spec.x=1")
    assert "fieldSelector: 'spec.x' cannot be selected by; there are" in said
    said = ada.refused("get", "aev", "-n", namespace, "-l", "team=a")
    assert "labelSelector: 'team' is no label of audit events" in said


def test_a_reader_of_one_type_names_it(server: ReadingServer, api: Api, namespace: str) -> None:
    let_read(api, namespace, f"eve-of-{namespace}", types=[TYPE])
    eve = Reader.named(server.environment, f"eve-of-{namespace}")
    write(server.environment, [an_event(namespace, 1), an_event(namespace, 2, event_type="other")])
    assert "(Forbidden)" in eve.refused("get", "aev", "-n", namespace)
    assert "(Forbidden)" in eve.refused(
        "get", "aev", "-n", namespace, "--field-selector", "metadata.name=other"
    )
    found = eve.kubectl(
        "get", "aev", "-n", namespace, "-o", "json", "--field-selector", f"metadata.name={TYPE}"
    )
    assert [item["correlationId"] for item in json.loads(found)["items"]] == ["rr-2026-000001"]


def test_a_reader_of_one_type_gets_one_event_by_type_and_id(
    server: ReadingServer, api: Api, namespace: str
) -> None:
    let_read(api, namespace, f"eve-of-{namespace}", types=[TYPE])
    eve = Reader.named(server.environment, f"eve-of-{namespace}")
    wanted, hidden = an_event(namespace, 1), an_event(namespace, 2, event_type="other")
    write(server.environment, [wanted, an_event(namespace, 3), hidden])
    get = ("get", "aev", "-n", namespace, "-o", "json")

    def demand(event: AuditEvent, of_type: str = TYPE) -> tuple[str, str]:
        return ("--field-selector", f"metadata.name={of_type},eventId={event.event_id}")

    assert "(Forbidden)" in eve.refused(*get, str(wanted.event_id)), "the API server's decision"
    (found,) = json.loads(eve.kubectl(*get, *demand(wanted)))["items"]
    assert found["metadata"]["name"] == str(wanted.event_id)
    assert json.loads(eve.kubectl(*get, *demand(hidden)))["items"] == []
    assert "(Forbidden)" in eve.refused(*get, *demand(hidden, "other"))
    assert "(Forbidden)" in eve.refused(*get, "--field-selector", f"eventId={wanted.event_id}")
    said = eve.refused(*get, "--field-selector", f"metadata.name={TYPE},eventId=x")
    assert "fieldSelector eventId: 'x' is no id" in said


def test_a_watch_goes_on_where_the_list_has_ended(
    server: ReadingServer, ada: Reader, api: Api, namespace: str, tmp_path: Path
) -> None:
    write(server.environment, [an_event(namespace, n) for n in range(3)])
    listed = json.loads(ada.kubectl("get", "--raw", f"{ROOT}/namespaces/{namespace}/auditevents"))
    write(server.environment, [an_event(namespace, n) for n in range(3, 6)])
    write(server.environment, [an_event("elsewhere", 50)])
    version = listed["metadata"]["resourceVersion"]
    query = f"watch=1&resourceVersion={version}&timeoutSeconds=60"
    path = f"{ROOT}/namespaces/{namespace}/auditevents?{query}"
    output = tmp_path / "watched"
    with output.open("wb") as taken:
        command = [str(server.environment.control_plane.kubectl), "get", "--raw", path]
        environment = {"KUBECONFIG": str(ada.kubeconfig), "HOME": "/nonexistent"}
        watching = subprocess.Popen(command, stdout=taken, env=environment)
        try:
            eventually(lambda: len(_watched(output)), until=lambda count: count == 3)
            write(server.environment, [an_event(namespace, n) for n in range(6, 9)])
            eventually(lambda: len(_watched(output)), until=lambda count: count == 6)
        finally:
            watching.kill()
            watching.wait()
    assert sorted(_watched(output)) == [f"rr-2026-{n:06d}" for n in range(3, 9)]


def _watched(output: Path) -> list[str]:
    lines = [line for line in output.read_text().split("\n")[:-1] if line]
    events = [json.loads(line) for line in lines]
    assert {event["type"] for event in events} <= {"ADDED"}
    return [event["object"]["correlationId"] for event in events]


def test_nobody_speaks_for_others_without_the_clusters_own_certificate(
    server: ReadingServer, ada: Reader, namespace: str, tmp_path: Path
) -> None:
    path = f"{ROOT}/namespaces/{namespace}/auditevents"
    certificates = server.environment.control_plane.certificates
    assert server.get(path, forged("admin")).status == 401
    wrong_name = certificates.front_proxy.client("somebody", (), utc_now())
    assert server.get(path, forged("admin"), wrong_name).status == 401
    another = Authority.create(tmp_path, "another", utc_now())
    for authority in (another, certificates.cluster):
        pair = authority.client(FRONT_PROXY_CLIENT, (), utc_now())
        with pytest.raises(urllib3.exceptions.HTTPError):
            server.get(path, forged("admin"), pair)
    trusted = certificates.front_proxy.client(FRONT_PROXY_CLIENT, (), utc_now())
    assert server.get(path, forged("admin"), trusted).status == 200
    assert server.get(path, [], trusted).status == 401, "it names nobody"
    refused = server.get(path, [("X-Remote-User", "bob")], trusted)
    assert refused.status == 403, "rights are looked at once more"
    assert 'User "bob" cannot list resource "auditevents"' in refused.body["message"]
    assert f'in the namespace "{namespace}"' in refused.body["message"]


def test_a_token_is_as_good_as_its_owner(server: ReadingServer, api: Api, namespace: str) -> None:
    let_read(api, namespace, f"system:serviceaccount:{namespace}:robot")
    api.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "robot"}})
    tokens = f"/api/v1/namespaces/{namespace}/serviceaccounts/robot/token"
    token = api.create(tokens, {"spec": {}})["status"]["token"]
    bearer = [("Authorization", f"Bearer {token}")]
    write(server.environment, [an_event(namespace, 1)])
    answer = server.get(f"{ROOT}/namespaces/{namespace}/auditevents", bearer)
    assert [item["correlationId"] for item in answer.body["items"]] == ["rr-2026-000001"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert server.get(f"{ROOT}/auditevents", bearer).status == 403
    beside = [*bearer, *forged("admin")]
    assert server.get(f"{ROOT}/auditevents", beside).status == 403, "headers are nobody's word"
    for wrong in ("Bearer x", "Bearer ", "Basic YTpi", "bearer"):
        refused = server.get(f"{ROOT}/auditevents", [("Authorization", wrong)])
        assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert token not in server.log


def test_who_read_what_is_logged(server: ReadingServer, ada: Reader, namespace: str) -> None:
    write(server.environment, [an_event(namespace, n) for n in range(3)])
    ada.kubectl("get", "aev", "-n", namespace, "--field-selector", "outcome=success")
    lines = [json.loads(line) for line in server.log.splitlines()]
    line = [each for each in lines if each["message"] == "audit events were read"][-1]
    assert line["user"] == f"ada-of-{namespace}"
    assert (line["namespace"], line["rows"], line["verb"]) == (namespace, 3, "list")
    assert line["selector"] == ["event_outcome in success"]
    assert line["seconds"] > 0


def test_a_span_counts_from_the_first_page_on(
    server: ReadingServer, ada: Reader, namespace: str
) -> None:
    write(server.environment, [an_event(namespace, n) for n in range(3)])
    path = f"{ROOT}/namespaces/{namespace}/auditevents?since=24h&until=1m&limit=1"
    shown, cursor = [], ""
    while len(shown) < 3:
        page = json.loads(ada.kubectl("get", "--raw", f"{path}&continue={cursor}"))
        shown += [item["correlationId"][-1] for item in page["items"]]
        cursor = page["metadata"].get("continue", "")
    assert (shown, cursor) == (["2", "1", "0"], "")
    assert "is no time" in ada.refused("get", "--raw", path.replace("24h", "soon"))


@pytest.mark.parametrize("cursor", ["x", "AAAA", "ä", "%00"])
def test_cursors_that_were_made_up_are_refused(ada: Reader, namespace: str, cursor: str) -> None:
    path = f"{ROOT}/namespaces/{namespace}/auditevents?limit=1&continue={cursor}"
    assert "is no cursor for this query" in ada.refused("get", "--raw", path)


def test_a_database_that_is_away_is_said_and_a_watch_goes_on(
    server: ReadingServer, ada: Reader, namespace: str
) -> None:
    postgres = server.environment.postgres
    write(server.environment, [an_event(namespace, 1)])
    path = f"{ROOT}/namespaces/{namespace}/auditevents"
    trusted = trusted_pair(server)
    postgres.stop()
    try:
        answer = server.get(path, forged("admin"), trusted)
        assert answer.status == 503
        assert answer.body["reason"] == "ServiceUnavailable"
        assert int(answer.headers["Retry-After"]) >= 1
    finally:
        postgres.start()
    eventually(lambda: server.get(path, forged("admin"), trusted).status == 200)


def test_a_front_proxys_authority_that_was_exchanged_counts_at_once(
    server: ReadingServer, api: Api, namespace: str, tmp_path: Path
) -> None:
    """Also on connections that were made before; and the API server itself goes on afterwards."""
    path = f"{ROOT}/namespaces/{namespace}/auditevents"
    config_map = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
    certificates = server.environment.control_plane.certificates
    another = Authority.create(tmp_path, "another", utc_now())
    old = certificates.front_proxy.client(FRONT_PROXY_CLIENT, (), utc_now())
    new = another.client(FRONT_PROXY_CLIENT, (), utc_now())

    def trust(*authorities: Authority) -> None:
        bundle = "".join(authority.certificate for authority in authorities)
        body = {"data": {"requestheader-client-ca-file": bundle}}
        assert api.request("PATCH", config_map, body, MERGE_PATCH).ok

    def answers(pair: KeyPair) -> int:
        try:
            return server.get(path, forged("admin"), pair).status
        except urllib3.exceptions.HTTPError:
            return 0

    assert (answers(old), answers(new)) == (200, 0)
    trust(certificates.front_proxy, another)
    try:
        eventually(lambda: answers(new), until=lambda status: status == 200)
        assert answers(old) == 200
        with server.connected(new) as kept:
            assert kept(path, forged("admin")).status == 200
            trust(certificates.front_proxy)
            eventually(lambda: answers(new), until=lambda status: status == 0)
            with pytest.raises(urllib3.exceptions.HTTPError):
                kept(path, forged("admin"))
    finally:
        trust(certificates.front_proxy)
    assert api.get(path)["kind"] == "AuditEventList", "the API server has connected anew"
