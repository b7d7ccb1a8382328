"""A real environment whose owner is killed leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from workflow_audit.errors import LocalError
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.folders import KEEP_LOGS_VARIABLE, temporary_base
from workflow_audit.local.processes import ProcessId
from workflow_audit.local.waiting import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.database]

OWNER = """
import signal
from workflow_audit.local.environment import LocalEnvironment

with LocalEnvironment.temporary() as environment:
    pids = [item.id.pid for item in environment.components.values()]
    print(environment.folder, *pids, flush=True)
    signal.pause()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_owner_is_killed(how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        name, *pids = owner.stdout.readline().split()
        folder, processes = Path(name), [ProcessId.of(int(pid)) for pid in pids]
        assert len(processes) == 4
        owner.send_signal(how)
        wait_until(lambda: not folder.exists(), 60, "the folder is gone")
    assert not any(process.alive for process in processes)


def test_owner_is_interrupted_while_it_starts(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        env={**os.environ, KEEP_LOGS_VARIABLE: str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as owner:
        base = temporary_base()
        wait_until(lambda: started_by(owner.pid, base) != [], 60, "etcd is being started")
        owner.send_signal(signal.SIGINT)
        _, errors = owner.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    kept = [path.name for path in tmp_path.rglob("*.log")]
    assert "etcd.log" in kept


def started_by(pid: int, base: Path) -> list[Path]:
    return [
        Path(child.cwd())
        for child in psutil.Process(pid).children()
        if child.name() == "etcd" and Path(child.cwd()).is_relative_to(base)
    ]


def test_failed_start_says_where_the_logs_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(KEEP_LOGS_VARIABLE, str(tmp_path))

    def broken(environment: LocalEnvironment) -> None:
        raise LocalError("the schema cannot be applied")

    with (
        pytest.raises(LocalError, match="the schema cannot be applied\nThe logs are kept in"),
        LocalEnvironment.temporary([broken]),
    ):
        pytest.fail("it must not be given out")
    assert list(tmp_path.rglob("kube-apiserver.log"))
