"""Whatever is asked of the aggregated API: a clear refusal or the right events, never a mistake."""

import json
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from socket import create_connection
from typing import Any, NoReturn
from urllib.parse import quote, urlencode

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.api import Api
from support.environment import psql
from support.reading import (
    ROOT,
    TYPE,
    Answered,
    Ask,
    ReadingServer,
    a_namespace,
    an_event,
    forged,
    let_read,
    trusted_pair,
    write,
)
from workflow_audit.api.limited_http import (
    FAREWELL_SECONDS,
    LONGEST_HEAD_BYTES,
    LONGEST_URL_BYTES,
)
from workflow_audit.domain.selectors import FIELDS, LABELS
from workflow_audit.local.certificates import Authority
from workflow_audit.local.pki import FRONT_PROXY_CLIENT
from workflow_audit.local.ports import HOST
from workflow_audit.wiring.running import utc_now

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

MASTER = forged("admin")
ATTEMPTS = (
    "' OR 1=1 --",
    "'; DROP TABLE audit_events; --",
    "x' UNION SELECT version() --",
    "%s %(p0)s {where} {}",
    "$$; SELECT pg_sleep(9); $$",
    "\\'; TRUNCATE audit_events; --",
    "a\0b",
    "\ud83d".encode(errors="replace").decode() + "\U0001f680",
)


@pytest.fixture(scope="module")
def filled(server: ReadingServer, api: Api) -> str:
    """A namespace with three events."""
    namespace = a_namespace(api)
    write(server.environment, [an_event(namespace, n) for n in range(3)])
    return namespace


@pytest.fixture(scope="module")
def ask(server: ReadingServer) -> Iterator[Ask]:
    """Asks as the API server does, for whom may do everything."""
    with server.connected(trusted_pair(server)) as connection:

        def asked(path: str, headers: Any = (), method: str = "GET") -> Answered:
            return connection(path, [*MASTER, *headers], method)

        yield asked


def refusal(answer: Answered) -> str:
    """Insist on a Status that says what is wrong; gives its words."""
    status = answer.body
    assert (status["kind"], status["apiVersion"], status["status"]) == ("Status", "v1", "Failure")
    assert status["code"] == answer.status
    assert status["reason"] in {"BadRequest", "NotFound", "Expired", "MethodNotAllowed"}
    assert answer.headers["Cache-Control"] == "no-store"
    return str(status["message"])


FIELD_SELECTORS = st.builds(
    lambda key, test, value: f"{key}{test}{value}",
    st.sampled_from([*FIELDS, "metadata.namespace", "spec.x", ""]) | st.text(max_size=10),
    st.sampled_from(["=", "==", "!=", ""]),
    st.text(max_size=20) | st.sampled_from([*ATTEMPTS, TYPE, "2026-11-24"]),
)
LABEL_SELECTORS = st.builds(
    lambda key, test, value: f"{key}{test}{value}",
    st.sampled_from([*LABELS, "team", "!x"]) | st.text(max_size=10),
    st.sampled_from(["=", "!=", " in (", " notin (", ""]),
    st.text(max_size=20) | st.sampled_from(["a)", "a,b)", *ATTEMPTS]),
)
NUMBERS = st.integers(-(10**20), 10**20).map(str) | st.text(max_size=8)
PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "fieldSelector": st.lists(FIELD_SELECTORS, max_size=3).map(",".join) | st.text(),
        "labelSelector": st.lists(LABEL_SELECTORS, max_size=3).map(",".join) | st.text(),
        "limit": NUMBERS,
        "continue": st.text(max_size=130) | st.from_regex(r"[\w-]{113,114}", fullmatch=True),
        "resourceVersion": NUMBERS,
        "resourceVersionMatch": st.sampled_from(["", "Exact", "NotOlderThan"]) | st.text(),
        "since": st.sampled_from(["24h", "2026-01-01", "9" * 30 + "d"]) | st.text(),
        "until": st.sampled_from(["1m", "0001-01-01T00:00:00+14:00"]) | st.text(),
        "includeObject": st.sampled_from(["None", "Metadata", "Object"]) | st.text(),
        "watch": st.sampled_from(["0", "false", "", "no"]),
        "pretty": st.text(),
    },
)
ACCEPTED = st.sampled_from(
    [
        "application/json",
        "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
        "application/vnd.kubernetes.protobuf",
        "*/*",
        ";;;,as=Table",
        "",
    ]
)
NAMESPACES = st.sampled_from(["", "default", *ATTEMPTS]) | st.text(min_size=1, max_size=30)


def test_whatever_is_asked_is_answered_or_refused_by_name(ask: Ask, filled: str) -> None:
    answered: Counter[int] = Counter()

    @settings(
        max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(parameters=PARAMETERS, accept=ACCEPTED, namespace=NAMESPACES | st.just(filled))
    def asked(parameters: dict[str, str], accept: str, namespace: str) -> None:
        within = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        query = urlencode(parameters, errors="replace")
        answer = ask(f"{ROOT}{within}/auditevents?{query}", [("Accept", accept)])
        answered[answer.status] += 1
        assert answer.status in {200, 400, 404, 410}, (answer.status, answer.content)
        if answer.status == 200:
            assert answer.body["kind"] in {"AuditEventList", "Table"}
        elif answer.status != 404:
            name = refusal(answer).partition(":")[0].partition(" ")[0]
            missing = {"resourceVersion"} if "resourceVersionMatch" in parameters else set()
            assert name in {*parameters, "namespace", *missing}, answer.body

    asked()
    assert answered[200] > 20, answered
    assert answered[400] > 20, answered


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("resourceVersion=x", "resourceVersion"),
        ("resourceVersion=-1", "resourceVersion"),
        ("timeoutSeconds=soon", "timeoutSeconds"),
        ("sendInitialEvents=true", "sendInitialEvents"),
        ("fieldSelector=x", "fieldSelector"),
        ("labelSelector=team=a", "labelSelector"),
        ("includeObject=All", "includeObject"),
        ("since=soon", "since"),
    ],
)
def test_a_watch_is_refused_by_name_too(ask: Ask, query: str, named: str) -> None:
    answer = ask(f"{ROOT}/auditevents?watch=1&timeoutSeconds=1&{query}")
    if query.startswith("timeoutSeconds"):
        answer = ask(f"{ROOT}/auditevents?watch=1&{query}")
    assert answer.status == 400
    assert refusal(answer).startswith(named)


@pytest.mark.parametrize("name", ["x", *ATTEMPTS])
def test_no_name_is_ever_sql(ask: Ask, filled: str, name: str) -> None:
    answer = ask(f"{ROOT}/namespaces/{filled}/auditevents/{quote(name, safe='')}")
    assert answer.status in {400, 404}
    refusal(answer)


def test_nothing_that_is_asked_is_ever_sql(ask: Ask, server: ReadingServer, filled: str) -> None:
    postgres = server.environment.postgres
    rows = psql(postgres, "SELECT count(*) FROM audit_events")
    names = [f"fieldSelector={field}%3D" for field in (*FIELDS, "metadata.namespace")]
    names += [f"labelSelector={quote(label, safe='')}%3D" for label in LABELS]
    names += ["continue=", "limit=", "resourceVersion=", "since=", "until=", "includeObject="]
    for name in names:
        for attempt in ATTEMPTS:
            answer = ask(f"{ROOT}/namespaces/{filled}/auditevents?{name}{quote(attempt, safe='')}")
            assert answer.status in {200, 400}, (name, attempt, answer.content)
            if answer.status == 200:
                assert answer.body["items"] == [], (name, attempt)
            else:
                assert refusal(answer).startswith(name.partition("=")[0]), (name, attempt)
    for attempt in ATTEMPTS:
        answer = ask(f"{ROOT}/namespaces/{quote(attempt, safe='')}/auditevents")
        assert answer.status in {200, 400}
        assert answer.status == 400 or answer.body["items"] == []
    assert psql(postgres, "SELECT count(*) FROM audit_events") == rows


def test_nobody_speaks_for_others_by_headers(
    server: ReadingServer, filled: str, tmp_path: Path
) -> None:
    paths = (
        f"{ROOT}/auditevents",
        f"{ROOT}/namespaces/{filled}/auditevents",
        f"{ROOT}/namespaces/{filled}/auditevents/x",
        f"{ROOT}/auditevents?watch=1",
        f"/api/v1/audit/events?namespace={filled}",
        "/api/v1/audit/events/export",
    )
    certificates = server.environment.control_plane.certificates
    now = utc_now()
    not_allowed = [
        certificates.front_proxy.client(name, ("system:masters",), now)
        for name in ("somebody", FRONT_PROXY_CLIENT.upper(), f"{FRONT_PROXY_CLIENT} ")
    ]
    for path in paths:
        for pair in (None, *not_allowed):
            answer = server.get(path, MASTER, pair)
            assert answer.status == 401, path
            assert answer.body.get("code", answer.body["status"]) == 401
    others = (Authority.create(tmp_path, "another", now), certificates.cluster)
    for authority in others:
        with pytest.raises(urllib3.exceptions.HTTPError):
            server.get(paths[0], MASTER, authority.client(FRONT_PROXY_CLIENT, (), now))


def test_a_user_cannot_name_another_through_the_api_server(
    server: ReadingServer, api: Api, filled: str
) -> None:
    name = f"mel-of-{filled}"
    let_read(api, filled, name)
    with Api(server.environment, name) as mel:
        url = f"{server.environment.control_plane.url}{ROOT}/auditevents"
        headers = dict(MASTER) | {"X-Remote-Extra-Scopes": "all", "X-Remote-Uid": "0"}
        answer = mel._pool.request("GET", url, headers=headers)
    assert answer.status == 403
    assert f'User "{name}" cannot list' in json.loads(answer.data)["message"]


def test_a_head_that_is_too_long_is_refused_whoever_sends_it(
    server: ReadingServer, ask: Ask
) -> None:
    long_url = f"{ROOT}/auditevents?x={'x' * LONGEST_URL_BYTES}"
    answer = ask(long_url)
    assert (answer.status, answer.content) == (414, b"the URL is longer than 32768 bytes")
    parts = LONGEST_HEAD_BYTES // 1000 + 1
    for headers in (
        [("X-Long", "x" * LONGEST_HEAD_BYTES)],
        [("X-Many", "x" * 1000)] * parts,
        [("Authorization", f"Bearer {'x' * LONGEST_HEAD_BYTES}")],
    ):
        for get in (ask, server.get):
            answer = get(f"{ROOT}/auditevents", headers)
            assert answer.status == 431
            assert answer.content.endswith(b"are longer than 131072 bytes")
    many = "&".join(f"p{n}=1" for n in range(3000))
    assert ask(f"{ROOT}/auditevents?limit=1&{many}").status == 200, "as Kubernetes, ignored"
    assert ask(f"{ROOT}/auditevents?{'limit=1&' * 3000}").status == 200
    groups = [("X-Remote-Group", f"group-{n}") for n in range(1000)]
    assert ask(f"{ROOT}/auditevents?limit=1", groups).status == 200, "some are in very many"


def send_without_end(connection: ssl.SSLSocket) -> NoReturn:
    while True:
        connection.sendall(b"x" * 8192)


def test_a_head_that_never_ends_is_cut_off(server: ReadingServer) -> None:
    authority = server.environment.control_plane.certificates.cluster.certificate
    context = ssl.create_default_context(cadata=authority)
    with (
        create_connection((HOST, server.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nX-Endless: ")
        began = time.monotonic()
        with pytest.raises(OSError, match=r"pipe|reset|EOF|closed"):
            send_without_end(connection)
    # TLS alone would give up after 30 s.
    assert time.monotonic() - began < 20 * FAREWELL_SECONDS
    assert server.get("/openapi.json").status == 200, "others are served as before"


def test_what_is_no_request_is_refused(server: ReadingServer) -> None:
    authority = server.environment.control_plane.certificates.cluster.certificate
    context = ssl.create_default_context(cadata=authority)
    for sent in (b"\0\0\0\0\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nno header\r\n\r\n"):
        with (
            create_connection((HOST, server.port), timeout=30) as plain,
            context.wrap_socket(plain, server_hostname=HOST) as connection,
        ):
            connection.sendall(sent)
            assert connection.recv(100).startswith(b"HTTP/1.1 400")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = server.get(f"{ROOT}/auditevents", MASTER, trusted_pair(server), method)
        assert answer.status == 405
        refusal(answer)
