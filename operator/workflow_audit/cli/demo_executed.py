"""What the demo shows of a search that came without an answer: the operator runs it itself."""

import json
import time
from typing import Any

from rich.console import Console
from rich.table import Table

from workflow_audit.cli.bundled import bundled
from workflow_audit.cli.prepare import kubectl
from workflow_audit.cli.text import printable
from workflow_audit.errors import LocalError
from workflow_audit.local.environment import LocalEnvironment

EXAMPLE = "examples/search-to-run.yaml"
READY_SECONDS = 30

Search = dict[str, Any]


def show_executed(environment: LocalEnvironment, console: Console) -> Search:
    """Submit a search without an answer, wait until it has one, and show it; gives the search.

    Raises:
        LocalError: the API server refuses it, or it does not become ready.
    """
    console.rule("a search without an answer: the operator asks the catalogue")
    began = time.monotonic()
    created = ("create", "--filename", str(bundled(EXAMPLE)), "--output=name")
    name = kubectl(environment, *created).strip()
    wait = ("wait", "--for=condition=Ready", f"--timeout={READY_SECONDS}s", name)
    for command in (("create", "--filename", EXAMPLE), wait):
        line = f"kubectl {' '.join(command)}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    kubectl(environment, *wait)
    console.print(f"ready after {time.monotonic() - began:.1f} s", style="dim")
    search: Search = json.loads(kubectl(environment, "get", name, "--output=json"))
    workflows = found_workflows(search)
    console.print(answer(workflows))
    console.print(f"{workflows[0]['title']}\n", markup=False, highlight=False)
    return search


def found_workflows(search: Search) -> list[dict[str, Any]]:
    """Give what the catalogue found.

    Raises:
        LocalError: it gave no answer, or nothing.
    """
    status = search["status"]
    if found := status.get("results", {}).get("workflows"):
        workflows: list[dict[str, Any]] = found
        return workflows
    messages = {each["type"]: each["message"] for each in status["conditions"]}
    raise LocalError(f"the operator searched and found nothing: {messages['Searched']}")


def answer(workflows: list[dict[str, Any]]) -> Table:
    """Give what `status.results` lists, the winner first."""
    table = Table(box=None, pad_edge=False)
    for heading in ("RANK", "WORKFLOW"):
        table.add_column(heading)
    for heading in ("BASE", "BOOST", "PENALTY", "CONFIDENCE"):
        table.add_column(heading, justify="right")
    for workflow in workflows:
        scoring = workflow["scoring"]
        table.add_row(
            str(workflow["rank"]),
            printable(workflow["workflowId"]),
            f"{scoring['baseSimilarity']:.3f}",
            _signed(scoring["labelBoost"]),
            _signed(-scoring["labelPenalty"]),
            f"{scoring['confidence']:.3f}",
        )
    return table


def _signed(value: float) -> str:
    return f"{value:+.3f}" if value else "0.000"
