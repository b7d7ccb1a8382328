"""Lists and single events at the command line: what is selected and how it is shown."""

import csv
import io
import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from support.api import Api
from support.reader import PROGRAM, SECONDS, Done, Reader
from support.reading import TYPE, ReadingServer, a_namespace, an_event, let_read, write
from workflow_audit.models.event import AuditEvent
from workflow_audit.wiring.running import utc_now

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]


def correlations(listed: str) -> list[int]:
    return [int(event["correlationId"][-6:]) for event in json.loads(listed)]


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
    admin = Reader.administrator(recorded.reader.environment)
    assert yaml.safe_load(admin.reads("events", "get", str(event.event_id), "-A")) == shown
    admin.fails("events", "get", str(uuid4()), "-A", code=3)


def test_all_namespaces_and_the_namespace_of_the_context(
    recorded: Recorded, tmp_path: Path
) -> None:
    environment = recorded.reader.environment
    admin = Reader.administrator(environment)
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


def test_kubectl_finds_it(recorded: Recorded) -> None:
    def kubectl(*arguments: str) -> Done:
        path = os.pathsep.join((str(PROGRAM.parent), "/usr/bin", "/bin"))
        return subprocess.run(
            [recorded.reader.environment.control_plane.kubectl, "workflow-audit", *arguments],
            env={**recorded.reader.variables, "PATH": path, "COLUMNS": "200"},
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
