"""Children, servers and the guardian, with small programs instead of real servers."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from workflow_audit.errors import LocalError
from workflow_audit.local.folders import KEEP_LOGS_VARIABLE
from workflow_audit.local.guarded_folder import guarded_folder
from workflow_audit.local.guardian import is_guarded
from workflow_audit.local.ports import free_port, is_free
from workflow_audit.local.processes import (
    Child,
    Launch,
    ProcessId,
    marked_processes,
    stop_processes,
)
from workflow_audit.local.servers import Server, Servers
from workflow_audit.local.state import Component, StateFile
from workflow_audit.local.waiting import wait_until

LISTENER = """
import os, pathlib, socket, sys, time
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen()
pathlib.Path("listening").write_text(str(os.getpid()))
time.sleep(600)
"""


def launch(folder: Path, *command: str) -> Launch:
    return Launch("child", command, folder, folder / "child.log", {"PATH": os.environ["PATH"]})


@pytest.fixture
def started() -> Iterator[list[Child]]:
    children: list[Child] = []
    yield children
    for child in children:
        stop_processes([(child.id, signal.SIGKILL)])
        child.reap()


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder for temporary folders, which other runs do not share."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / f"workflow-audit-{os.geteuid()}"


def test_child_that_ends_shows_the_end_of_its_own_log(tmp_path: Path) -> None:
    (tmp_path / "child.log").write_text("of an earlier run\n")
    child = Child(launch(tmp_path, "sh", "-c", "echo no disk left; exit 7"), tmp_path)
    with pytest.raises(LocalError) as caught:
        child.wait_ready(lambda: False, within_seconds=10)
    assert "child has ended with exit code 7" in str(caught.value)
    assert str(tmp_path / "child.log") in str(caught.value)
    assert "  no disk left" in str(caught.value)
    assert "earlier" not in str(caught.value)


def test_child_that_is_never_ready(tmp_path: Path, started: list[Child]) -> None:
    started.append(Child(launch(tmp_path, "sleep", "600"), tmp_path))
    with pytest.raises(LocalError, match=r"child is not ready after 0\.1 s"):
        started[0].wait_ready(lambda: False, within_seconds=0.1)


def test_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"child cannot be started: .*no-such-program"):
        Child(launch(tmp_path, "no-such-program"), tmp_path)


def test_log_is_private(tmp_path: Path, started: list[Child]) -> None:
    started.append(Child(launch(tmp_path, "sleep", "600"), tmp_path))
    assert (tmp_path / "child.log").stat().st_mode & 0o777 == 0o600


def test_deaf_process_is_killed(tmp_path: Path, started: list[Child]) -> None:
    script = "trap '' TERM; echo deaf; while :; do sleep 1; done"
    started.append(Child(launch(tmp_path, "sh", "-c", script), tmp_path))
    started[0].wait_ready(lambda: "deaf" in (tmp_path / "child.log").read_text(), 10)
    stop_processes([(started[0].id, signal.SIGTERM)], grace_seconds=0.2)
    assert not started[0].id.alive


def test_children_of_a_child_stop_with_it(tmp_path: Path, started: list[Child]) -> None:
    started.append(Child(launch(tmp_path, "sh", "-c", "sleep 600 & echo $!; wait"), tmp_path))
    started[0].wait_ready(lambda: (tmp_path / "child.log").read_text().strip() != "", 10)
    grandchild = ProcessId.of(int((tmp_path / "child.log").read_text()))
    stop_processes([(started[0].id, signal.SIGTERM)])
    wait_until(lambda: not grandchild.alive, 5, "the grandchild is gone")


def test_recycled_pid_is_never_signalled(tmp_path: Path, started: list[Child]) -> None:
    started.append(Child(launch(tmp_path, "sleep", "600"), tmp_path))
    now = started[0].id
    earlier = ProcessId(now.pid, now.created - 60)
    stop_processes([(earlier, signal.SIGKILL)])
    assert now.alive
    assert not earlier.alive


def test_unrecorded_child_is_found_by_its_mark(tmp_path: Path, started: list[Child]) -> None:
    started.append(Child(launch(tmp_path, "sleep", "600"), tmp_path))
    assert marked_processes(tmp_path) == [started[0].id]
    assert marked_processes(tmp_path / "other") == []


def listener(folder: Path, ready: bool = True) -> Server:
    def command(port: int) -> Launch:
        return launch(folder, sys.executable, "-c", LISTENER, str(port))

    return Server("child", command, lambda port: ready and listens(folder), 10)


def listens(folder: Path) -> bool:
    file = folder / "listening"
    return file.is_file() and file.read_text() != "" and psutil.pid_exists(int(file.read_text()))


def test_server_keeps_its_port(tmp_path: Path) -> None:
    servers = Servers(tmp_path, StateFile(tmp_path))
    servers.ensure(listener(tmp_path))
    port, pids = servers.port("child"), servers.pids("child")
    servers.ensure(listener(tmp_path))
    assert servers.pids("child") == pids
    servers.stop("child")
    assert servers.pids("child") == {}
    servers.ensure(listener(tmp_path))
    assert servers.port("child") == port
    servers.stop("child")


def test_taken_port_is_exchanged_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[Child]
) -> None:
    taken = free_port()
    other = tmp_path / "other"
    other.mkdir()
    started.append(Child(launch(other, sys.executable, "-c", LISTENER, str(taken)), tmp_path))
    started[0].wait_ready(lambda: not is_free(taken), 10)
    choices = iter([taken, taken, free_port()])
    # As if somebody took the port between our choice and the start.
    monkeypatch.setattr("workflow_audit.local.servers.free_port", lambda but_not: next(choices))
    monkeypatch.setattr("workflow_audit.local.servers.is_free", lambda port: port != taken)
    servers = Servers(tmp_path, StateFile(tmp_path))
    servers.ensure(listener(tmp_path))
    assert servers.port("child") != taken
    servers.stop("child")


def test_running_server_that_does_not_answer_is_told(tmp_path: Path) -> None:
    servers = Servers(tmp_path, StateFile(tmp_path))
    servers.ensure(listener(tmp_path))
    server = listener(tmp_path, ready=False)
    with pytest.raises(LocalError, match=r"child \(process \d+\) answers: not so within 0\.1 s"):
        servers.ensure(Server(server.name, server.launch, server.ready, ready_seconds=0.1))
    servers.stop("child")


def test_who_calls_a_server_stops_when_it_moves(tmp_path: Path) -> None:
    state = StateFile(tmp_path)
    servers = Servers(tmp_path, state)
    servers.ensure_before(listener(tmp_path), "client")
    client = Child(launch(tmp_path, "sleep", "600"), tmp_path)
    state.add(Component("client", client.id, "", "SIGTERM"))
    servers.ensure_before(listener(tmp_path), "client")
    assert client.id.alive
    servers.stop("child")
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", servers.port("child")))
        servers.ensure_before(listener(tmp_path), "client")
    assert not client.id.alive
    client.reap()
    servers.stop("child")


def test_server_that_does_not_become_ready_is_stopped(tmp_path: Path) -> None:
    state = StateFile(tmp_path)
    servers = Servers(tmp_path, state)
    server = listener(tmp_path, ready=False)
    impatient = Server(server.name, server.launch, server.ready, ready_seconds=0.3)
    with pytest.raises(LocalError, match="not ready"):
        servers.ensure(impatient)
    assert state.components == {}
    assert marked_processes(tmp_path) == []


def test_given_up_start_ends_soon(tmp_path: Path) -> None:
    servers = Servers(tmp_path, StateFile(tmp_path))
    servers.give_up()
    with pytest.raises(LocalError, match="given up"):
        servers.ensure(listener(tmp_path))


def test_server_without_a_port_yet(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="child was not started yet"):
        Servers(tmp_path, StateFile(tmp_path)).port("child")


def test_guarded_folder_ends_with_its_block(temporary: Path) -> None:
    with guarded_folder(pytest.fail) as folder:
        child = Child(launch(folder, "sleep", "600"), folder)
        assert folder.parent == temporary
    assert not folder.exists()
    assert not child.id.alive
    child.reap()


OWNER = """
import os, signal, sys
from pathlib import Path
from workflow_audit.local.guarded_folder import guarded_folder
from workflow_audit.local.processes import Child, Launch
from workflow_audit.local.state import Component, StateFile

with guarded_folder(print) as folder:
    def child(name):
        log = folder / f"{name}.log"
        return Child(Launch(name, ["sleep", "600"], folder, log, dict(os.environ)), folder)
    recorded, unrecorded = child("recorded"), child("unrecorded")
    StateFile(folder).add(Component("recorded", recorded.id, "", "SIGTERM"))
    print(folder, recorded.id.pid, unrecorded.id.pid, flush=True)
    if sys.argv[1] == "both":
        import json
        os.kill(json.loads((folder / "guardian.json").read_text())["pid"], signal.SIGKILL)
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
    signal.pause()
"""


def killed_owner(who: str, how: str, temporary: Path) -> tuple[Path, list[ProcessId]]:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(OWNER), who, how],
        env={**os.environ, "TMPDIR": str(temporary.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode < 0, done.stderr
    folder, *pids = done.stdout.split()
    alive = [ProcessId.of(int(pid)) for pid in pids if psutil.pid_exists(int(pid))]
    return Path(folder), alive


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM", "SIGHUP"])
def test_guardian_cleans_up_after_a_killed_owner(temporary: Path, how: str) -> None:
    folder, children = killed_owner("owner", how, temporary)
    # Seconds on a machine with nothing else to do; others compile while the tests run.
    wait_until(lambda: not folder.exists(), 60, "the folder is gone")
    assert not any(child.alive for child in children)


def test_next_run_cleans_up_after_a_killed_guardian(temporary: Path) -> None:
    folder, children = killed_owner("both", "SIGKILL", temporary)
    wait_until(lambda: not is_guarded(folder), 10, "the guardian is dead")
    assert folder.is_dir()
    assert len(children) == 2
    said: list[str] = []
    with guarded_folder(said.append):
        assert not folder.exists()
        assert not any(child.alive for child in children)
    assert str(folder) in said[0]


def test_folder_of_a_running_owner_is_left_alone(temporary: Path) -> None:
    with guarded_folder(pytest.fail) as first, guarded_folder(pytest.fail) as second:
        assert first.is_dir()
        assert second.is_dir()


def test_logs_are_kept_on_request(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(KEEP_LOGS_VARIABLE, str(tmp_path / "logs"))
    with guarded_folder(pytest.fail) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "etcd.log").write_text("all is well\n")
    assert (tmp_path / "logs" / folder.name / "deep" / "etcd.log").read_text() == "all is well\n"
