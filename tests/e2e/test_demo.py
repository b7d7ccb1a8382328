"""The demo is the first thing that a new user runs."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.eventually import eventually
from workflow_audit.local.processes import FOLDER_VARIABLE

DEMO = [sys.executable, "-m", "workflow_audit", "demo"]

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files that the unprivileged account of PostgreSQL may pass."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def test_the_demo_records_every_bundled_search_and_leaves_nothing_behind(temporary: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--exit"],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    counted = {
        line.rpartition(" ")[0].strip(): line.rpartition(" ")[2]
        for line in map(str.strip, done.stdout.splitlines())
    }
    assert counted["phase Recorded"] == "615"
    assert counted["outcome success"] == "600"
    assert counted["outcome failure"] == "15"
    assert re.search(r"^ *616 +recorded, with their audit event$", done.stdout, re.MULTILINE)
    assert "everything is there: all that is compared of searches and audit events" in done.stdout
    assert re.search(r"NAMESPACE +NAME +CORRELATION +QUERY +WORKFLOW +CONFIDENCE", done.stdout)
    assert "= confidence" in done.stdout
    assert "kubectl create --filename examples/search-to-run.yaml" in done.stdout
    assert re.search(
        r"^1 +pod-oom-gitops +0\.\d{3} +\+0\.180 +0\.000 +0\.\d{3}", done.stdout, re.MULTILINE
    )
    assert re.search(r"clusterauditpolicy\S*/default +True", done.stdout)
    assert re.search(r"auditpolicy\S*/payments +True", done.stdout)
    for kind in ("Role", "RoleBinding"):
        assert re.search(
            rf"^{kind} +default/audit-policy-payments +InPlace", done.stdout, re.MULTILINE
        )
    assert re.search(r"^dry run +would remove +0 events", done.stdout, re.MULTILINE)
    assert re.search(
        r"^NAME +CORRELATION +WORKFLOW +CONFIDENCE +OUTCOME +AGE", done.stdout, re.MULTILINE
    )
    assert 'User "a-stranger" cannot list resource "auditevents"' in done.stdout
    assert_nothing_is_left(temporary)


def test_ctrl_c_ends_a_demo_that_stays_up_in_order(temporary: Path) -> None:
    output = temporary / "output"
    with output.open("w") as file:
        demo = subprocess.Popen(
            DEMO,
            env={**os.environ, "TMPDIR": str(temporary)},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: "export KUBECONFIG=" in output.read_text(), within_seconds=240)
        eventually(lambda: "psql" in output.read_text(), within_seconds=10)
        assert processes_of(temporary), "nothing runs although the demo says that it stays up"
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=60) == 0
    finally:
        demo.kill()
    assert_nothing_is_left(temporary)


def assert_nothing_is_left(temporary: Path) -> None:
    eventually(lambda: processes_of(temporary) == [], within_seconds=30)
    assert [
        path for path in temporary.rglob("*") if path.is_dir() and path.parent != temporary
    ] == []


def processes_of(temporary: Path) -> list[str]:
    """Give the commands that run for environments below a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(FOLDER_VARIABLE, "").startswith(str(temporary)):
                found.append(process.name())
        except psutil.Error:
            continue
    return found
