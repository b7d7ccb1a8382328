"""The command line of readers: real users, real rights, a real server behind the API server."""

import csv
import io
import itertools
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from support.api import Api
from support.environment import psql
from support.eventually import eventually
from support.faulty_api import Fault, FaultyApi, Request
from support.operator_process import OperatorProcess
from support.reading import (
    RBAC,
    TYPE,
    ReadingServer,
    a_namespace,
    an_event,
    let_read,
    reading_server,
    write,
)
from support.searches import Searches, bundled_specs, search
from workflow_audit.cli.local_apiserver import NAME
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.models.event import AuditEvent
from workflow_audit.wiring.running import utc_now

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

PROGRAM = Path(sys.executable).with_name("workflow-audit")
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "reference" / "command-line-reading.md"
SECONDS = 120
_numbers = itertools.count(1)

Json = dict[str, Any]
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Reader:
    """A user with a client certificate, at our command line."""

    environment: LocalEnvironment
    kubeconfig: Path

    @classmethod
    def named(cls, environment: LocalEnvironment, name: str) -> "Reader":
        return cls(environment, environment.control_plane.kubeconfig_for(name))

    @property
    def variables(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if key.startswith("COV")}
        return {**kept, "KUBECONFIG": str(self.kubeconfig), "HOME": "/nonexistent"}

    def run(self, *arguments: str, **variables: str) -> Done:
        return subprocess.run(
            [PROGRAM, *arguments],
            env=self.variables | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def reads(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fails(self, *arguments: str, code: int = 1, **variables: str) -> str:
        done = self.run(*arguments, **variables)
        assert done.returncode == code, (done.stdout, done.stderr)
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        return " ".join(done.stderr.split())


@pytest.fixture
def ada(server: ReadingServer, api: Api, namespace: str) -> Reader:
    """May read the events of the namespace, and nothing else."""
    name = f"ada-of-{namespace}"
    let_read(api, namespace, name)
    return Reader.named(server.environment, name)


def correlations(listed: str) -> list[int]:
    return [int(event["correlationId"][-6:]) for event in json.loads(listed)]


# What `list` shows


@dataclass(frozen=True)
class Recorded:
    namespace: str
    reader: Reader
    events: Sequence[AuditEvent]


@pytest.fixture(scope="module")
def recorded(server: ReadingServer, api: Api) -> Recorded:
    """Four events that differ in all that can be selected by; for tests that only read."""
    namespace = a_namespace(api)
    name = f"lin-of-{namespace}"
    let_read(api, namespace, name)
    old = utc_now() - timedelta(days=3)
    events = [
        an_event(namespace, 0),
        an_event(namespace, 1, top_workflow_id="restart", actor_id="other", event_action="other"),
        an_event(
            namespace, 2, event_outcome="failure", top_workflow_id=None, top_confidence=None,
            error_code="CatalogueTimeout", correlation_id="a=b,c\\d-000002",
        ),
        an_event(namespace, 3, event_type="other", event_timestamp=old, event_date=old.date()),
    ]  # fmt: skip
    write(server.environment, events)
    return Recorded(namespace, Reader.named(server.environment, name), events)


def moment(days: float) -> str:
    return (utc_now() - timedelta(days=days)).astimezone(UTC).isoformat()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param([], [2, 1, 0, 3], id="newest-first"),
        pytest.param(["--correlation-id", "rr-2026-000001"], [1], id="correlation"),
        pytest.param(["--correlation-id", "a=b,c\\d-000002"], [2], id="what-has-to-be-escaped"),
        pytest.param(["--workflow", "restart"], [1], id="workflow"),
        pytest.param(["--type", TYPE], [2, 1, 0], id="type"),
        pytest.param(["--type", TYPE, "--workflow", "restart"], [1], id="two-demands"),
        pytest.param(["--outcome", "failure"], [2], id="outcome"),
        pytest.param(["--service", "other"], [1], id="service"),
        pytest.param(["--search", "search-0"], [0], id="search"),
        pytest.param(["--date", moment(3)[:10]], [3], id="date"),
        pytest.param(["--since", "24h"], [2, 1, 0], id="since-hours"),
        pytest.param(["--since", "7d", "--until", "2d"], [3], id="since-until-days"),
        pytest.param(["--since", moment(1)], [2, 1, 0], id="since-rfc3339"),
        pytest.param(["--until", moment(2)[:10]], [3], id="until-date"),
        pytest.param(["--field-selector", "eventAction=other"], [1], id="field-selector"),
        pytest.param(
            ["--outcome", "success", "--field-selector", "eventAction!=other"], [0, 3], id="both"
        ),
        pytest.param(["-l", "!auditlog.kubernaut.ai/top-workflow-id"], [2], id="labels"),
        pytest.param(["--limit", "2"], [2, 1], id="limit"),
        pytest.param(["--workflow", "nobody"], [], id="nothing"),
    ],
)
def test_what_is_selected(recorded: Recorded, options: list[str], expected: list[int]) -> None:
    where = ("-n", recorded.namespace, "-o", "json")
    found = correlations(recorded.reader.reads("events", "list", *where, *options))
    assert found == expected


def test_every_form_of_output(recorded: Recorded) -> None:
    def listed(output: str) -> str:
        where = ("-n", recorded.namespace, "--outcome", "success", "--type", TYPE)
        return recorded.reader.reads("events", "list", *where, "-o", output)

    _, middle = recorded.events[0], recorded.events[1]
    heading, first, second = (line.split() for line in listed("table").splitlines())
    assert heading == ["NAME", "CORRELATION", "WORKFLOW", "CONFIDENCE", "OUTCOME", "AGE"]
    shown = [str(middle.event_id), "rr-2026-000001", "restart", "0.6597", "success"]
    assert first[:5] == shown
    assert re.fullmatch(r"\d+m", first[5])
    assert second[1] == "rr-2026-000000"
    heading, first, _ = (line.split() for line in listed("wide").splitlines())
    assert heading[6:] == ["SEARCH", "SERVICE", "TYPE", "MILLISECONDS"]
    assert first[6:] == ["search-1", "other", TYPE, "45"]
    as_json = json.loads(listed("json"))
    assert yaml.safe_load(listed("yaml")) == as_json
    rows = list(csv.DictReader(io.StringIO(listed("csv"))))
    assert [row["eventId"] for row in rows] == [event["eventId"] for event in as_json]
    assert json.loads(rows[0]["eventData"]) == as_json[0]["eventData"]
    assert rows[0]["namespace"] == recorded.namespace
    assert "\x1b" not in "".join(map(listed, ("table", "wide", "json", "yaml", "csv")))


def test_nothing_found_is_an_empty_list_and_said(recorded: Recorded) -> None:
    where = ("events", "list", "-n", recorded.namespace, "--workflow", "nobody")
    done = recorded.reader.run(*where)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no events found\n")
    assert recorded.reader.reads(*where, "-o", "yaml") == "[]\n"


def test_get_shows_one_event_whole(recorded: Recorded, api: Api) -> None:
    event = recorded.events[1]
    here = ("-n", recorded.namespace)
    shown = yaml.safe_load(recorded.reader.reads("events", "get", str(event.event_id), *here))
    assert shown["eventData"] == event.event_data
    as_json = recorded.reader.reads("events", "get", str(event.event_id), *here, "-o", "json")
    assert json.loads(as_json) == shown
    said = recorded.reader.fails("events", "get", str(uuid4()), *here, code=3)
    assert said.endswith("not found")
    admin = Reader(recorded.reader.environment, recorded.reader.environment.kubeconfig)
    assert yaml.safe_load(admin.reads("events", "get", str(event.event_id), "-A")) == shown
    admin.fails("events", "get", str(uuid4()), "-A", code=3)


def test_all_namespaces_and_the_namespace_of_the_context(
    recorded: Recorded, tmp_path: Path
) -> None:
    environment = recorded.reader.environment
    admin = Reader(environment, environment.kubeconfig)
    heading, row = admin.reads("events", "list", "-A", "--workflow", "restart").splitlines()
    assert heading.split()[0] == "NAMESPACE"
    assert row.split()[0] == recorded.namespace
    content = yaml.safe_load(recorded.reader.kubeconfig.read_text())
    (context,) = content["contexts"]
    here = {"name": "here", "context": context["context"] | {"namespace": recorded.namespace}}
    content["contexts"].append(here)
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    chosen = ("--kubeconfig", str(path), "--context", "here")
    found = Reader(environment, Path("/nonexistent")).reads("events", "list", *chosen, "-o", "json")
    assert correlations(found) == [2, 1, 0, 3]


def test_what_events_say_cannot_steer_a_terminal(
    server: ReadingServer, ada: Reader, namespace: str
) -> None:
    data = {"query": {"text": "\x1b[2J\x9b1m hidden"}}
    event = an_event(namespace, 1, correlation_id="rr\x1b[31m\r\n", event_data=data)
    write(server.environment, [event])
    for command in (("events", "list"), ("explain", str(event.event_id))):
        shown = ada.reads(*command, "-n", namespace)
        assert r"rr\x1b[31m\r\n" in shown
        assert not {"\x1b", "\x9b", "\r"} & set(shown)


def test_a_reader_of_one_type_names_it(server: ReadingServer, api: Api, namespace: str) -> None:
    let_read(api, namespace, f"eve-of-{namespace}", types=[TYPE])
    eve = Reader.named(server.environment, f"eve-of-{namespace}")
    write(server.environment, [an_event(namespace, 1), an_event(namespace, 2, event_type="other")])
    said = eve.fails("events", "list", "-n", namespace)
    assert "Who may read events of one type only, names it with --type." in said
    assert correlations(eve.reads("events", "list", "-n", namespace, "--type", TYPE, "-o", "json"))
    eve.fails("events", "list", "-n", namespace, "--type", "other")


# Many events


@dataclass(frozen=True)
class Many:
    namespace: str
    reader: Reader
    ids: list[str]
    """As the database has them, the newest first."""


@pytest.fixture(scope="module")
def many(server: ReadingServer, api: Api) -> Many:
    """2,500 events, many of them of the same moment; for tests that only read."""
    namespace = a_namespace(api)
    name = f"max-of-{namespace}"
    let_read(api, namespace, name)
    write(server.environment, [an_event(namespace, n // 700) for n in range(2500)])
    statement = (
        "SELECT event_id FROM audit_events"
        f" WHERE namespace = '{namespace}' ORDER BY event_timestamp DESC, event_id DESC"
    )
    ids = psql(server.environment.postgres, statement).splitlines()
    assert len(ids) == 2500
    return Many(namespace, Reader.named(server.environment, name), ids)


def ids_of(lines: str) -> list[str]:
    return [json.loads(line)["eventId"] for line in lines.splitlines()]


def test_a_list_goes_over_all_pages(many: Many) -> None:
    where = ("events", "list", "-n", many.namespace, "-o", "json")
    everything = json.loads(many.reader.reads(*where, "--limit", "0"))
    assert [event["eventId"] for event in everything] == many.ids
    some = json.loads(many.reader.reads(*where, "--limit", "1200"))
    assert [event["eventId"] for event in some] == many.ids[:1200]
    assert len(json.loads(many.reader.reads(*where))) == 50


def test_an_export_is_what_the_database_has(many: Many, tmp_path: Path) -> None:
    here = ("events", "export", "-n", many.namespace)
    assert ids_of(many.reader.reads(*here)) == many.ids
    rows = list(csv.DictReader(io.StringIO(many.reader.reads(*here, "-o", "csv"))))
    statement = (
        "SELECT json_agg(json_build_array(event_id, correlation_id, event_data, top_confidence)"
        " ORDER BY event_timestamp DESC, event_id DESC) FROM audit_events"
        f" WHERE namespace = '{many.namespace}'"
    )
    stored = json.loads(psql(many.reader.environment.postgres, statement))
    names = ("eventId", "correlationId", "eventData", "topConfidence")
    shown = [[row[name] for name in names] for row in rows]
    assert shown == [[a, b, json.dumps(c, separators=(",", ":")), str(d)] for a, b, c, d in stored]
    path = tmp_path / "exported.jsonl"
    done = many.reader.run(*here, "--output-file", str(path))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"2500 events are in {path}\n"
    assert ids_of(path.read_text()) == many.ids
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path], "nothing temporary is left"


def test_an_export_that_fails_leaves_the_file_as_it_was(
    server: ReadingServer, namespace: str, tmp_path: Path
) -> None:
    nobody = Reader.named(server.environment, "nobody")
    path = tmp_path / "exported.jsonl"
    path.write_text("before\n")
    said = nobody.fails("events", "export", "-n", namespace, "--output-file", str(path))
    assert "is forbidden" in said
    assert path.read_text() == "before\n"
    assert list(tmp_path.iterdir()) == [path]
    nowhere = str(tmp_path / "none" / "file")
    said = nobody.fails("events", "export", "--output-file", nowhere)
    assert "cannot be written: [Errno 2] No such file or directory" in said
    said = nobody.fails("events", "export", "--output-file", "/dev/null")
    assert "is no regular file" in said


@contextmanager
def troubled(
    many: Many, folder: Path, faults: Sequence[Fault | None]
) -> Iterator[tuple[Reader, FaultyApi]]:
    """Lend a reader whose requests meet one fault after the other; None lets one through."""
    environment = many.reader.environment
    left = iter(faults)

    def choose(request: Request) -> Fault | None:
        return next(left, None) if request.path.endswith("auditevents") else None

    with FaultyApi(environment) as faulty, faulty.answering(choose):
        yield Reader(environment, Path(faulty.kubeconfig(folder))), faulty


EXPIRED = Fault("expired", status=410)
BUSY = Fault("busy", status=429, headers={"Retry-After": "1"})
AWAY = Fault("away", status=503)
CUT = Fault("cut", reset=True)


@pytest.fixture(scope="module")
def operator_may_read(api: Api) -> Iterator[None]:
    """The proxy that makes trouble speaks for the operator, which has no business with events."""
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "trouble"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "workflow-audit-reader",
        },
        "subjects": [
            {
                "kind": "ServiceAccount",
                "namespace": "workflow-audit",
                "name": "workflow-audit-operator",
            }
        ],
    }
    api.apply(f"{RBAC}/clusterrolebindings/trouble", body)
    yield
    api.delete(f"{RBAC}/clusterrolebindings/trouble")


@pytest.mark.usefixtures("operator_may_read")
@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([None, EXPIRED, None, EXPIRED], id="expired-twice"),
        pytest.param([BUSY, None, AWAY, CUT, None, CUT], id="busy-away-and-cut"),
    ],
)
def test_an_export_goes_on_behind_what_it_has(
    many: Many, tmp_path: Path, faults: list[Fault | None]
) -> None:
    with troubled(many, tmp_path, faults) as (reader, faulty):
        assert ids_of(reader.reads("events", "export", "-n", many.namespace)) == many.ids
    assert faulty.met.total() == sum(fault is not None for fault in faults)


@pytest.mark.usefixtures("operator_may_read")
def test_what_fails_at_once_is_said_at_once(many: Many, tmp_path: Path) -> None:
    for fault, words in ((AWAY, "503"), (CUT, "cannot be reached"), (EXPIRED, "made up: expired")):
        with troubled(many, tmp_path, [fault, fault]) as (reader, faulty):
            assert words in reader.fails("events", "export", "-n", many.namespace)
            # Without an answer the client itself asks once more on a new connection.
            assert 1 <= faulty.met.total() <= 2


# What comes


@contextmanager
def watching(reader: Reader, output: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with output.open("wb") as taken, output.with_suffix(".err").open("wb") as said:
        process = subprocess.Popen(
            [PROGRAM, "events", "watch", *arguments],
            env=reader.variables,
            stdout=taken,
            stderr=said,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def test_a_watch_shows_rows_until_it_is_ended(
    server: ReadingServer, ada: Reader, namespace: str, tmp_path: Path
) -> None:
    output = tmp_path / "rows"
    write(server.environment, [an_event(namespace, 0)])
    with watching(ada, output, "-n", namespace, "--outcome", "success") as process:
        eventually(lambda: watches_of(server, namespace))
        failed = an_event(namespace, 2, event_outcome="failure")
        write(server.environment, [an_event(namespace, 1), failed, an_event(namespace, 3)])
        eventually(lambda: len(output.read_text().splitlines()), until=lambda count: count == 3)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    rows = [line.split() for line in output.read_text().splitlines()[1:]]
    assert sorted(row[1] for row in rows) == ["rr-2026-000001", "rr-2026-000003"]
    assert output.with_suffix(".err").read_text() == ""


def watches_of(server: ReadingServer, namespace: str) -> list[Json]:
    lines = [json.loads(line) for line in server.log.splitlines()]
    return [
        line for line in lines if line.get("verb") == "watch" and line.get("namespace") == namespace
    ]


@pytest.mark.usefixtures("operator_may_read")
def test_a_watch_goes_on_when_its_connection_breaks(
    server: ReadingServer, namespace: str, tmp_path: Path
) -> None:
    output = tmp_path / "lines"

    def shown() -> list[str]:
        lines = output.read_text().split("\n")[:-1]
        return [json.loads(line)["correlationId"] for line in lines]

    with FaultyApi(server.environment) as faulty:
        reader = Reader(server.environment, Path(faulty.kubeconfig(tmp_path)))
        with watching(reader, output, "-n", namespace, "-o", "json"):
            eventually(lambda: watches_of(server, namespace))
            write(server.environment, [an_event(namespace, 1)])
            eventually(shown, until=lambda found: len(found) == 1)
            with faulty.answering(lambda request: CUT if request.watch else None):
                write(server.environment, [an_event(namespace, n) for n in range(2, 5)])
                eventually(lambda: faulty.met["cut"])
            eventually(shown, until=lambda found: len(found) == 4)
            write(server.environment, [an_event(namespace, 5)])
            eventually(shown, until=lambda found: len(found) == 5)
    assert sorted(shown()) == [f"rr-2026-{n:06d}" for n in range(1, 6)]
    assert "asking again in" in output.with_suffix(".err").read_text()


# Why did this workflow win?


@dataclass(frozen=True)
class Explained:
    searches: Searches
    reader: Reader

    def by_name(self, identifier: str, *options: str) -> Json:
        (found,) = self.all(identifier, *options)
        return found

    def all(self, identifier: str, *options: str) -> list[Json]:
        here = ("-n", self.searches.namespace, "-o", "json")
        found: list[Json] = json.loads(self.reader.reads("explain", identifier, *here, *options))
        return found

    def words(self, identifier: str) -> str:
        return self.reader.reads("explain", identifier, "-n", self.searches.namespace)


WON, FAILED, EMPTY, DERIVED, REDACTED = 1, 68, 58, 2, 305
"""Lines of the bundled searches."""


@pytest.fixture(scope="module")
def explained(
    server: ReadingServer, api: Api, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Explained]:
    """A few of the bundled searches, really recorded; s-0001 is the first of them."""
    bundled = bundled_specs()
    specs = [bundled[line - 1] for line in (WON, FAILED, EMPTY, DERIVED, REDACTED)]
    specs += [bundled[0] | {"correlationId": "rr-many"}] * 7
    log = tmp_path_factory.mktemp("explained") / "operator.log"
    api_namespace = f"explained-{next(_numbers)}"
    with (
        Searches(server.environment, api, api_namespace) as searches,
        OperatorProcess(server.environment, log) as operator,
    ):
        operator.start().wait_ready()
        searches.create(specs)
        searches.submit(search(bundled[0], "rr-2026-000222-1"))
        searches.wait_recorded(len(specs) + 1)
        assert operator.terminate() == 0
        let_read(api, searches.namespace, f"amy-of-{searches.namespace}")
        body = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "searches"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "workflow-audit-reader",
            },
            "subjects": [{"kind": "User", "name": "may-read-all"}],
        }
        api.apply(f"{RBAC}/namespaces/{searches.namespace}/rolebindings/searches", body)
        yield Explained(searches, Reader.named(server.environment, "may-read-all"))


def test_a_search_is_explained_by_name_event_and_correlation(explained: Explained) -> None:
    recorded_search = explained.searches.get("s-0001")
    found = explained.by_name("s-0001")
    assert found == explained.by_name(recorded_search["status"]["eventId"])
    assert found in explained.all(recorded_search["spec"]["correlationId"])
    assert found["eventId"] == recorded_search["status"]["eventId"]
    given = recorded_search["spec"]["results"]["workflows"]
    assert [each["workflowId"] for each in found["candidates"]] == [w["workflowId"] for w in given]
    first, scoring = found["candidates"][0], given[0]["scoring"]
    parts = {part["name"]: part["value"] for part in first["parts"]}
    taken = {key: -value for key, value in scoring["penaltyBreakdown"].items()}
    base = {"base similarity": scoring["baseSimilarity"]}
    assert parts == base | scoring["boostBreakdown"] | taken
    assert sum(parts.values()) == pytest.approx(scoring["confidence"])
    assert found["lowConfidence"] is False


def test_an_explanation_for_people(explained: Explained) -> None:
    shown = explained.words("s-0001")
    assert re.search(r"winner +remove-taint-v1, confidence 0\.660, 0\.042 ahead of", shown)
    assert re.search(r"1 +remove-taint-v1 +base similarity +\+0\.655 +█{16}\n", shown)
    assert re.search(r"environment +\+0\.080 +██\n", shown)
    assert re.search(r"resource-management +-0\.100 +██\n", shown)
    assert re.search(r"= confidence +0\.660", shown)


def test_what_went_otherwise_is_said_in_plain_words(explained: Explained) -> None:
    failure = explained.searches.get("s-0002")["spec"]["failure"]
    assert f"- the search failed: {failure['code']}: " in explained.words("s-0002")
    assert "- the catalogue found no workflow" in explained.words("s-0003")
    assert "follow from the policy's weights" in explained.words("s-0004")
    assert "- replaced before anything was stored: email (3)" in explained.words("s-0005")


def test_a_correlation_id_shows_the_newest_few(explained: Explained) -> None:
    found = explained.all("rr-many")
    times = [each["searchedAt"] for each in found]
    assert len(found) == 5
    assert times == sorted(times, reverse=True)
    assert len(explained.all("rr-many", "--limit", "7")) == 7
    assert explained.words("rr-many").count("= confidence") == 15
    here = ("-n", explained.searches.namespace)
    as_yaml = explained.reader.reads("explain", "rr-many", *here, "-o", "yaml")
    assert yaml.safe_load(as_yaml) == found
    assert len(explained.all("rr-many", "--type", TYPE)) == 5


def test_who_may_not_read_searches_gets_what_events_say(explained: Explained) -> None:
    namespace = explained.searches.namespace
    amy = Reader.named(explained.reader.environment, f"amy-of-{namespace}")
    (found,) = json.loads(amy.reads("explain", "s-0001", "-n", namespace, "-o", "json"))
    assert found == explained.by_name("s-0001") | {"lowConfidence": None}


def test_a_search_that_is_not_recorded_says_why(explained: Explained) -> None:
    (name,) = explained.searches.create([bundled_specs()[0]], prefix="waits")
    assert "- not recorded: Pending: the operator has not taken it up yet" in explained.words(name)


def test_nothing_of_this_name_has_its_own_exit_code(explained: Explained) -> None:
    for identifier in ("nobody", str(uuid4()), "../x", "A B"):
        here = ("-n", explained.searches.namespace)
        said = explained.reader.fails("explain", identifier, *here, code=3)
        assert f"is called {identifier!r}" in said


def test_every_documented_command_runs(explained: Explained, tmp_path: Path) -> None:
    environment = explained.reader.environment
    content = yaml.safe_load(environment.kubeconfig.read_text())
    content["contexts"][0]["context"]["namespace"] = explained.searches.namespace
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(content))
    blocks = re.findall(r"```sh\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)
    assert len(blocks) >= 4
    kubectl = environment.control_plane.kubectl.parent
    path = os.pathsep.join((str(PROGRAM.parent), str(kubectl), "/usr/bin", "/bin"))
    done = subprocess.run(
        ["/bin/bash", "-eux", "-c", "\n".join(blocks)],
        env=explained.reader.variables | {"KUBECONFIG": str(tmp_path / "kubeconfig"), "PATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert "= confidence" in done.stdout
    assert (
        len((tmp_path / "events.jsonl").read_text().splitlines()) == explained.searches.row_count()
    )


# What is refused


def test_who_has_no_right_is_told_what_to_ask_for(server: ReadingServer, namespace: str) -> None:
    nobody = Reader.named(server.environment, "nobody")
    commands = (
        ("events", "list"), ("events", "get", str(uuid4())), ("events", "export"),
        ("events", "watch"), ("explain", "anything"),
    )  # fmt: skip
    for command in commands:
        said = nobody.fails(*command, "-n", namespace)
        assert said.startswith("workflow-audit: auditevents.auditlog.kubernaut.ai")
        assert 'User "nobody" cannot' in said
        assert f'in the namespace "{namespace}"' in said
        assert "spec.access.readers" in said
        assert "RoleBinding to the ClusterRole workflow-audit-reader" in said
    assert "at the cluster scope" in nobody.fails("events", "list", "-A")


def test_bad_selectors_are_answered_in_the_servers_words(ada: Reader, namespace: str) -> None:
    here = ("events", "list", "-n", namespace)
    said = ada.fails(*here, "--field-selector", "spec.x=1")
    assert "fieldSelector: 'spec.x' cannot be selected by; there are" in said
    said = ada.fails(*here, "-l", "team=a")
    assert "labelSelector: 'team' is no label of audit events" in said


def test_credentials_that_do_not_work(ada: Reader, namespace: str, tmp_path: Path) -> None:
    content = yaml.safe_load(ada.kubeconfig.read_text())

    def changed(change: Json, where: str) -> str:
        (only,) = content[f"{where}s"]
        path = tmp_path / f"{where}.kubeconfig"
        path.write_text(yaml.safe_dump(content | {f"{where}s": [only | {where: change}]}))
        return str(path)

    wrong = changed({"token": "correct-horse"}, "user")
    said = ada.fails("events", "list", KUBECONFIG=wrong)
    assert "The API server does not accept these credentials: log in" in said
    assert "correct-horse" not in said
    cluster = content["clusters"][0]["cluster"]
    away = changed(cluster | {"server": "https://127.0.0.1:1"}, "cluster")
    said = ada.fails("events", "list", KUBECONFIG=away)
    assert "the API server cannot be reached: Cannot connect to host 127.0.0.1:1" in said
    assert "Is the cluster up" in said
    said = ada.fails("events", "list", "--context", "elsewhere")
    assert "there is no context 'elsewhere' in the kubeconfig" in said
    said = ada.fails("events", "list", KUBECONFIG="")
    assert "there is no kubeconfig" in said
    said = ada.fails("events", "list", "--kubeconfig", "/nonexistent/config")
    assert "the kubeconfig /nonexistent/config does not exist" in said


def test_a_wrong_command_line(ada: Reader) -> None:
    for arguments, words in (
        (("events", "list", "--since", "yesterday"), "'yesterday' is no time"),
        (("events", "list", "--date", "24.11."), "is no date"),
        (("events", "list", "-n", "../x"), "'../x' is no namespace"),
        (("events", "list", "-n", "a", "-A"), "not both"),
        (("events", "list", "-o", "xml"), "xml"),
        (("events", "get", "x"), "x"),
        (("explain",), "ID"),
    ):
        assert words in ada.fails(*arguments, code=2, COLUMNS="200")


# As kubectl's plugin


def test_kubectl_finds_it(recorded: Recorded) -> None:
    def kubectl(*arguments: str) -> Done:
        path = os.pathsep.join((str(PROGRAM.parent), "/usr/bin", "/bin"))
        return subprocess.run(
            [recorded.reader.environment.control_plane.kubectl, "workflow-audit", *arguments],
            env=recorded.reader.variables | {"PATH": path, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    here = ("-n", recorded.namespace)
    done = kubectl("events", "list", *here, "-o", "json")
    assert correlations(done.stdout) == [2, 1, 0, 3], done.stderr
    assert "Usage: kubectl workflow-audit events" in kubectl("events", "--help").stdout
    done = kubectl("explain", "nobody", *here)
    assert done.returncode == 3
    assert done.stderr.startswith("kubectl workflow-audit: ")


# Must be the last one: it takes the server away.


def test_an_api_that_is_not_there(prepared_environment: LocalEnvironment) -> None:
    admin = Reader(prepared_environment, prepared_environment.kubeconfig)
    hint = "`kubectl get apiservice v1alpha1.auditlog.kubernaut.ai`"
    with reading_server(prepared_environment):
        prepared_environment.stop_server(NAME)
        said = eventually(lambda: admin.fails("events", "list", "-A"), until=lambda words: words)
        assert "the API server does not serve audit events (503)" in said
        assert hint in said
    said = eventually(lambda: admin.fails("explain", "x"), until=lambda words: "(404)" in words)
    assert hint in said
