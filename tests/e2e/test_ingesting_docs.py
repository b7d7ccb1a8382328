"""The commands of the page about HTTP ingestion do what it says."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from support.reading import ReadingServer
from support.submitting import stored

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "http-ingestion.md"


def test_they_run_one_after_the_other(server: ReadingServer, tmp_path: Path) -> None:
    environment = server.environment
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    variables = {**os.environ, **environment.shell_variables}
    variables["PATH"] = os.pathsep.join((environment.shell_variables["PATH"], os.environ["PATH"]))
    # The role was bound a moment ago; RBAC takes as long as it takes.
    blocks[1] = blocks[1].replace("curl -sS", "curl --retry 9 --retry-all-errors -sS")
    script = "\n".join(["set -eu", *blocks])
    done = subprocess.run(
        ["bash", "-c", script],  # noqa: S607 - that of the system
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = done.stdout[done.stdout.index("{") :]
    single, end = json.JSONDecoder().raw_decode(answers)
    batch = json.loads(answers[end:])
    assert (single["status"], single["message"]) == ("recorded", "the event is recorded")
    assert [each["status"] for each in batch["results"]] == ["replayed", "recorded", "refused"]
    assert batch["results"][0]["event_id"] == single["event_id"]
    assert batch["message"] == "2 of 3 events are recorded"
    assert len(stored(environment, "rr-2026-001", "rr-2026-002")) >= 2
