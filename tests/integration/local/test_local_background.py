"""`workflow-audit local` from `up` to `down --purge`, as a user runs it."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from workflow_audit.local.folders import STATE_VARIABLE
from workflow_audit.local.processes import marked_processes

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
            env={**os.environ, STATE_VARIABLE: str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def status(self, code: int = 0) -> dict[str, int | None]:
        found = json.loads(self("status", "--output", "json", code=code))
        return {item["component"]: item["pid"] for item in found}


@pytest.fixture
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    # Not below pytest's own folder: that one is closed to the user as whom PostgreSQL runs.
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o711)
        run = Local(Path(parent) / "state")
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


def database_port(local: Local) -> str:
    found = json.loads(local("status", "-o", "json"))
    return next(item["address"] for item in found if item["component"] == "postgres").split(":")[1]


def test_from_up_to_purge(local: Local) -> None:
    assert "run `workflow-audit local up`" in local("env", code=1)
    assert "ready in" in local("up")
    first = local.status()
    assert all(psutil.pid_exists(pid) for pid in first.values() if pid)
    assert set(first) == {"etcd", "kube-apiserver", "kube-controller-manager", "postgres"}

    assert "already running" in local("up")
    assert local.status() == first

    through_shell(local, "kubectl create configmap kept")
    sql = f"psql -h 127.0.0.1 -p {database_port(local)} -U postgres -XAtq audit -c"
    through_shell(local, f"{sql} 'CREATE TABLE kept ()'")

    killed = first["kube-apiserver"]
    assert killed is not None
    psutil.Process(killed).kill()
    assert local.status(code=3)["kube-apiserver"] is None
    assert "not running: kube-apiserver" in local("env", code=1)
    assert "starting the rest" in local("up")
    repaired = local.status()
    assert repaired["kube-apiserver"] != killed
    assert repaired["postgres"] == first["postgres"]

    assert "stopped: etcd, kube-apiserver" in local("down")
    assert set(local.status(code=3).values()) == {None}
    assert marked_processes(local.folder) == []
    assert "nothing was running" in local("down")
    assert "stopped" in local("status", code=3)

    local("up")
    assert "configmap/kept" in through_shell(local, "kubectl get configmap kept -o name")
    assert through_shell(local, f"{sql} \"SELECT 'kept'::regclass\"") == "kept\n"

    local("down", "--purge")
    assert not local.folder.exists()
    assert not any(psutil.pid_exists(pid) for pid in repaired.values() if pid)


def test_damaged_state_can_be_purged(local: Local) -> None:
    local("up")
    (local.folder / "state.json").write_text("{")
    assert "local down --purge" in local("status", code=1)
    local("down", "--purge")
    assert marked_processes(local.folder) == []
