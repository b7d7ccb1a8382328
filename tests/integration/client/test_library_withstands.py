"""What happens to the process of an agent happens to no search: killed, forked, without a disk."""

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.client import (
    SECONDS,
    asked,
    catalogue_answer,
    client_of,
    correlations,
    record,
    taking,
    wait_spooled,
)
from support.eventually import eventually
from support.faulty_server import FaultyServer, after
from workflow_audit.client.snapshot import snapshot

ROOT = Path(__file__).parents[3]
PATHS = os.pathsep.join(str(ROOT / folder) for folder in ("operator", "tests"))

AGENT = """
import logging, os, resource, signal, sys, threading, time, warnings
from pathlib import Path
from support.client import *
from workflow_audit.client import AuditClient, ClientSettings, sending
logging.basicConfig()
folder, url = Path(sys.argv[1]), sys.argv[2]
settings = ClientSettings(
    url=url, spool_path=folder / "spool", namespace="default", timeout_seconds=1
)
"""


def agent(folder: Path, url: str, program: str) -> subprocess.Popen[str]:
    """Start a process that records searches; `program` goes on where `AGENT` ends."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", AGENT + program, folder, url],
        env={**os.environ, "PYTHONPATH": PATHS},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_agent(folder: Path, url: str, program: str, code: int = 0) -> tuple[str, str]:
    """Run such a process to its end; gives what it prints and logs."""
    process = agent(folder, url, program)
    out, err = process.communicate(timeout=100)
    assert process.returncode == code, err
    return out, err


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer(taking) as own:
        yield own


def ids(count: int, first: int = 1) -> list[str]:
    return [asked(n)["correlation_id"] for n in range(first, first + count)]


def send_what_is_left(folder: Path, server: FaultyServer) -> list[str]:
    """Send what the processes before have left, as the next one would."""
    with client_of(folder, server.url) as client:
        assert eventually(lambda: client.flush(0.5), within_seconds=SECONDS)
    return sorted(correlations(server.requests))


def test_a_killed_process_leaves_its_searches_to_the_next(
    tmp_path: Path, server: FaultyServer
) -> None:
    server.refuse()
    program = (
        "client = AuditClient(settings); record(client, 200); wait_spooled(client, 200)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    run_agent(tmp_path, server.url, program, code=-signal.SIGKILL)
    server.behave(taking)
    assert send_what_is_left(tmp_path, server) == ids(200)


def test_of_a_process_that_is_killed_at_work_only_the_last_moment_may_be_lost(
    tmp_path: Path, server: FaultyServer
) -> None:
    server.refuse()
    program = (
        "client = AuditClient(settings)\n"
        "for n in range(1, 10**6):\n"
        "    record(client, first=n); print(n, time.time(), flush=True); time.sleep(0.002)"
    )
    process = agent(tmp_path, server.url, program)
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(500)]
    killed = time.time()
    process.kill()
    lines += process.communicate(timeout=60)[0].splitlines()
    recorded = [line.split() for line in lines if len(line.split()) == 2]
    before = sum(float(at) < killed - 1 for _, at in recorded)
    server.behave(taking)
    found = send_what_is_left(tmp_path, server)
    assert len(set(found)) == len(found)
    assert found[:before] == ids(before)


def test_what_a_process_was_sending_when_it_was_killed_is_sent_by_another(
    tmp_path: Path, server: FaultyServer
) -> None:
    server.behave(after(600, taking))
    program = (
        "sending.LOAN_SPARE_SECONDS = 0.5\n"
        "client = AuditClient(settings); record(client, 3)\n"
        "time.sleep(600)"
    )
    process = agent(tmp_path, server.url, program)
    eventually(lambda: server.requests, within_seconds=SECONDS)
    process.kill()
    process.communicate(timeout=60)
    server.behave(taking)
    assert set(send_what_is_left(tmp_path, server)) == set(ids(3))


def test_the_end_of_the_interpreter_sends_what_is_left(
    tmp_path: Path, server: FaultyServer
) -> None:
    run_agent(tmp_path, server.url, "client = AuditClient(settings); record(client, 20)")
    assert sorted(correlations(server.requests)) == ids(20)


def test_a_hanging_server_holds_up_the_end_for_about_a_second(
    tmp_path: Path, server: FaultyServer
) -> None:
    server.behave(after(600, taking))
    # Callbacks of the end run in reverse order: this one after the library's.
    program = (
        "import atexit; started = []\n"
        "atexit.register(lambda: print(time.monotonic() - started[0]))\n"
        "client = AuditClient(settings); record(client, 5)\n"
        "started.append(time.monotonic()); sys.exit(3)"
    )
    out, log = run_agent(tmp_path, server.url, program, code=3)
    assert "Traceback" not in log
    assert 0.9 < float(out) < 10
    server.behave(taking)
    assert set(send_what_is_left(tmp_path, server)) == set(ids(5))


def test_parent_and_child_of_a_fork_both_go_on(tmp_path: Path, server: FaultyServer) -> None:
    program = """
warnings.simplefilter("ignore")  # of forking a process with threads, which is the point
client = AuditClient(settings)
record(client, 10)
assert client.flush(20)
children = []
for number in range(3):
    record(client, 5, first=1000 + 10 * number)  # in the queue or the spool while it forks
    child = os.fork()
    if child == 0:
        assert client.stats().sent == 0
        record(client, 20, first=100 + 20 * number)
        assert client.flush(20), client.stats()
        sys.exit(0)
    children.append(child)
record(client, 10, first=11)
for child in children:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
record(client, 10, first=21)
assert client.flush(20), client.stats()
"""
    run_agent(tmp_path, server.url, program)
    expected = ids(30) + ids(60, 100) + [i for n in range(3) for i in ids(5, 1000 + 10 * n)]
    found = correlations(server.requests)
    assert sorted(found) == sorted(expected)


def test_a_child_of_multiprocessing_leaves_nothing_behind(
    tmp_path: Path, server: FaultyServer
) -> None:
    """Such a child ends without the interpreter's usual end."""
    program = """
import multiprocessing
warnings.simplefilter("ignore")
client = AuditClient(settings)
def work(number):
    record(client, 5, first=number)
processes = [
    multiprocessing.get_context("fork").Process(target=work, args=(10 * n,)) for n in range(1, 4)
]
for process in processes:
    process.start()
for process in processes:
    process.join(); assert process.exitcode == 0
"""
    run_agent(tmp_path, server.url, program)
    assert set(send_what_is_left(tmp_path, server)) == {
        i for n in range(1, 4) for i in ids(5, 10 * n)
    }


def test_with_a_full_disk_searches_wait_in_memory_until_there_is_room(
    tmp_path: Path, server: FaultyServer
) -> None:
    server.refuse()
    program = """
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, most))
client = AuditClient(settings)
record(client, 200)
wait_spooled(client, 200)
assert client.stats().dropped == {}, client.stats()
assert client.keeping_in_memory() > 50
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
record(client, 1, first=201)
wait_spooled(client, 201)
assert client.keeping_in_memory() == 0
os.kill(os.getpid(), signal.SIGKILL)
"""
    program = program.replace(
        "client.keeping_in_memory()", "client._lifetime.running.keeping._memory.waiting()"
    )
    process = agent(tmp_path, server.url, program)
    _, log = process.communicate(timeout=100)
    assert process.returncode == -signal.SIGKILL, log
    assert log.count("AUDIT_SPOOL_PATH: ") == 1
    assert "searches wait in memory only" in log
    server.behave(taking)
    assert send_what_is_left(tmp_path, server) == ids(201)


def test_without_a_folder_searches_are_sent_all_the_same(
    tmp_path: Path, server: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    server.refuse()
    with client_of(tmp_path, server.url, spool_path=tmp_path / "file" / "spool") as client:
        record(client, 30)
        wait_spooled(client, 30)
        assert caplog.text.count("AUDIT_SPOOL_PATH: ") == 1
        server.behave(taking)
        assert eventually(lambda: client.flush(0.5), within_seconds=SECONDS)
    assert sorted(correlations(server.requests)) == ids(30)


def test_what_is_only_in_memory_at_the_end_is_counted_as_lost(
    tmp_path: Path, server: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    server.refuse()
    with client_of(tmp_path, server.url, spool_path=tmp_path / "file" / "spool") as client:
        record(client, 3)
        wait_spooled(client, 3)
    assert client.stats().dropped == {"memory_lost": 3}
    assert "3 searches are lost" in caplog.text


def test_a_damaged_spool_is_set_aside(tmp_path: Path, server: FaultyServer) -> None:
    server.refuse()
    with client_of(tmp_path, server.url) as client:
        record(client)
        wait_spooled(client, 1)
    (file,) = (tmp_path / "spool").glob("*.db")
    file.write_bytes(b"no database" * 1000)
    with client_of(tmp_path, server.url) as client:
        record(client, 2, first=2)
        wait_spooled(client, 2)
        server.behave(taking)
        assert eventually(lambda: client.flush(0.5), within_seconds=SECONDS)
    assert [path.read_bytes()[:11] for path in (tmp_path / "spool").glob("*.damaged-*")] == [
        b"no database"
    ]


def test_a_full_spool_keeps_the_oldest_and_counts_the_others(
    tmp_path: Path, server: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.refuse()
    with client_of(tmp_path, server.url, spool_events=10) as client:
        record(client, 25)
        wait_spooled(client, 10)
        eventually(lambda: client.stats().dropped, until=lambda seen: seen == {"spool_full": 15})
        server.behave(taking)
        assert eventually(lambda: client.flush(0.5), within_seconds=SECONDS)
    assert sorted(correlations(server.requests)) == ids(10)
    assert "the spool is full" in caplog.text


def test_a_full_queue_drops_and_never_waits(
    tmp_path: Path, server: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    with client_of(tmp_path, server.url, queue_events=5) as client:
        assert client._lifetime.running
        with client._lifetime.running.keeping._file._lock:  # as a disk that takes its time
            record(client, 500)
            assert client.stats().dropped["queue_full"] >= 200
        assert client.flush(SECONDS)
        stats = client.stats()
        assert stats.sent + stats.dropped["queue_full"] == 500
    assert "the queue is full" in caplog.text


def test_after_close_calls_are_counted_and_dropped(tmp_path: Path, server: FaultyServer) -> None:
    with client_of(tmp_path, server.url) as client:
        record(client)
    for _ in range(2):
        client.close()
        record(client)
    assert client.stats().dropped == {"closed": 2}
    assert sorted(correlations(server.requests)) == ids(1)


def test_many_threads_record_and_nothing_is_lost(tmp_path: Path, server: FaultyServer) -> None:
    with client_of(tmp_path, server.url, queue_events=100_000) as client:
        threads = [
            threading.Thread(target=record, args=(client, 100, 1 + 100 * n)) for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert client.flush(60)
    assert sorted(correlations(server.requests)) == ids(800)


async def test_an_event_loop_goes_on_while_it_waits(tmp_path: Path, server: FaultyServer) -> None:
    server.behave(after(0.3, taking))
    turns = 0

    async def turning() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.01)

    task = asyncio.create_task(turning())
    with client_of(tmp_path, server.url) as client:
        async with client:
            async with client.search(**asked()) as search:
                await asyncio.sleep(0.01)
                search.response = catalogue_answer()
            assert await client.aflush(SECONDS)
    task.cancel()
    assert turns > 5
    (request,) = server.requests
    assert request.json()["duration_ms"] >= 10


@pytest.mark.parametrize("state", ["up", "hanging", "dead"])
def test_a_call_costs_little_more_than_taking_its_arguments(
    tmp_path: Path, server: FaultyServer, state: str
) -> None:
    """By ratio, because the machine may be busy; figures are in docs/explanation/performance.md."""
    if state == "hanging":
        server.behave(after(600, taking))
    if state == "dead":
        server.refuse()
    arguments = {**asked(), "response": catalogue_answer(), "duration_ms": 12.3}
    with client_of(tmp_path, server.url) as client:
        record(client)
        calls, snapshots = [], []
        for _ in range(300):
            begin = time.perf_counter()
            client.search_completed(**arguments)
            middle = time.perf_counter()
            snapshot(arguments, 0)
            snapshots.append(time.perf_counter() - middle)
            calls.append(middle - begin)
            time.sleep(0.002)
        assert client.stats().dropped == {}
    assert statistics.median(calls) < 10 * statistics.median(snapshots)
    assert max(calls) < 0.5, "an attempt may take a second, and nobody waits for it"
