"""`workflow-audit local` from `up` to `down --purge`, as a user runs it."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from workflow_audit.local import background
from workflow_audit.local.folders import STATE_VARIABLE
from workflow_audit.local.processes import ProcessId, marked_processes
from workflow_audit.local.waiting import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

WITHOUT_HOOKS = """
import sys
import workflow_audit.cli.local as local
from workflow_audit.errors import AuditError

local._hooks = list
try:
    local.app()
except AuditError as error:
    sys.exit(f"error: {error}")
"""


class Local:
    """Runs `workflow-audit local ...` with a state folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_HOOKS, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def pids(self) -> dict[str, int | None]:
        return {item.component: item.pid for item in background.status()}


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[Local]:
    # Not below pytest's own folder: that one is closed to the user as whom PostgreSQL runs.
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o711)
        run = Local(Path(parent) / "state")
        monkeypatch.setenv(STATE_VARIABLE, str(run.folder))
        try:
            yield run
        finally:
            run("down", "--purge")
        assert not run.folder.exists()


def through_shell(local: Local, command: str) -> str:
    exports = local("env")
    done = subprocess.run(
        ["/bin/sh", "-c", f"{exports}\n{command}"],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def test_from_up_to_purge(local: Local) -> None:
    assert "run `workflow-audit local up`" in local("env", code=1)
    assert "ready in" in local("up")
    shown = json.loads(local("status", "--output", "json"))
    first = local.pids()
    assert {item["component"]: item["pid"] for item in shown} == first
    assert set(first) == {"etcd", "kube-apiserver", "kube-controller-manager", "postgres"}
    assert all(psutil.pid_exists(pid) for pid in first.values() if pid)

    assert "already running" in local("up")
    assert local.pids() == first

    address = next(item["address"] for item in shown if item["component"] == "postgres")
    sql = f"psql -h 127.0.0.1 -p {address.split(':')[1]} -U postgres -XAtq audit -c"
    through_shell(local, f"kubectl create configmap kept && {sql} 'CREATE TABLE kept ()'")

    killed = first["kube-apiserver"]
    assert killed is not None
    psutil.Process(killed).kill()
    wait_until(lambda: local.pids()["kube-apiserver"] is None, 5, "the API server is dead")
    assert "stopped" in local("status", code=3)
    assert "not running: kube-apiserver" in local("env", code=1)
    assert "starting the rest" in local("up")
    repaired = local.pids()
    assert repaired["kube-apiserver"] not in {killed, None}
    assert repaired["postgres"] == first["postgres"]

    assert "stopped: etcd, kube-apiserver" in local("down")
    assert set(local.pids().values()) == {None}
    assert marked_processes(local.folder) == []

    local("up")
    kept = through_shell(local, f"kubectl get cm kept -o name; {sql} \"SELECT 'kept'::regclass\"")
    assert kept.split() == ["configmap/kept", "kept"]

    last = [ProcessId.of(pid) for pid in local.pids().values() if pid]
    local("down", "--purge")
    assert not local.folder.exists()
    assert len(last) == 4
    assert not any(process.alive for process in last)


def test_damaged_state_can_be_purged(local: Local) -> None:
    local("up")
    (local.folder / "state.json").write_text("{")
    assert "local down --purge" in local("status", code=1)
    local("down", "--purge")
    assert marked_processes(local.folder) == []
