"""Many events at the command line: all pages of a list, and exports that survive trouble."""

import csv
import io
import json
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.api import Api
from support.environment import psql
from support.faulty_api import Fault, FaultyApi, Request
from support.reader import Reader
from support.reading import ReadingServer, a_namespace, an_event, let_read, write

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]


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
