"""The command line shows events as they come, whatever breaks in between."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.eventually import eventually
from support.faulty_api import Fault, FaultyApi
from support.reader import PROGRAM, Reader
from support.reading import ReadingServer, an_event, write

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

Json = dict[str, Any]


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
    output, cut = tmp_path / "lines", Fault("cut", reset=True)

    def shown() -> list[str]:
        lines = output.read_text().split("\n")[:-1]
        return [json.loads(line)["correlationId"] for line in lines]

    with FaultyApi(server.environment) as faulty:
        reader = Reader(server.environment, Path(faulty.kubeconfig(tmp_path)))
        with watching(reader, output, "-n", namespace, "-o", "json"):
            eventually(lambda: watches_of(server, namespace))
            write(server.environment, [an_event(namespace, 1)])
            eventually(shown, until=lambda found: len(found) == 1)
            with faulty.answering(lambda request: cut if request.watch else None):
                write(server.environment, [an_event(namespace, n) for n in range(2, 5)])
                eventually(lambda: faulty.met["cut"])
            eventually(shown, until=lambda found: len(found) == 4)
            write(server.environment, [an_event(namespace, 5)])
            eventually(shown, until=lambda found: len(found) == 5)
    assert sorted(shown()) == [f"rr-2026-{n:06d}" for n in range(1, 6)]
    assert "asking again in" in output.with_suffix(".err").read_text()
