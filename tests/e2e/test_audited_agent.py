"""From the agent's search tool to the row, by the shipped examples alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.example_catalogue import example_catalogue
from support.operator_process import StartOperator
from support.searches import Searches
from workflow_audit.cli.bundled import bundled
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database]


def test_what_the_example_agent_was_answered_is_recorded(
    prepared_environment: LocalEnvironment,
    searches: Searches,
    start_operator: StartOperator,
    tmp_path: Path,
) -> None:
    start_operator().wait_ready()
    settings = {
        "KUBECONFIG": str(prepared_environment.kubeconfig),
        "AUDIT_NAMESPACE": searches.namespace,
        "AUDIT_SPOOL_PATH": str(tmp_path / "spool"),
    }
    script = str(bundled("examples/holmesgpt/workflow_search.py"))
    with example_catalogue() as url:
        asked = [f"--catalogue={url}", "--remediation=rr-2026-012", "--filter=severity=critical"]
        done = subprocess.run(
            [sys.executable, script, *asked, "KubeNodeNotReady: cordon and drain it"],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    answered = [
        (found["rank"], found["workflow"]["workflow_id"], found["final_score"])
        for found in json.loads(done.stdout)["workflows"]
    ]
    assert answered[0][1] == "cordon-drain-v1"
    (search,) = searches.wait_recorded(1)
    summary = search["status"]["summary"]["workflows"]
    assert [
        (one["rank"], one["workflowId"], one["scoring"]["confidence"]) for one in summary
    ] == answered
    row = searches.row(search["metadata"]["name"])
    assert (row["correlation_id"], row["top_workflow_id"]) == ("rr-2026-012", "cordon-drain-v1")
