"""The bundled searches: submit them as an agent's tool would, wait until all are done."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workflow_audit.cli.prepare import kubectl
from workflow_audit.kube.submitting import create_searches
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.progress import reported
from workflow_audit.local.waiting import wait_until
from workflow_audit.models.kinds import GROUP, VERSION, WORKFLOW_SEARCH

FINAL_SECONDS = 300.0

Manifest = dict[str, Any]


def bundled_searches(path: Path) -> list[Manifest]:
    """Give the manifests of the bundled searches, in the namespace of their environment."""
    with path.open(encoding="utf-8") as lines:
        return [manifest(json.loads(line), number) for number, line in enumerate(lines, start=1)]


def manifest(spec: dict[str, Any], number: int) -> Manifest:
    """Give the resource that reports one search."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": WORKFLOW_SEARCH.name,
        "metadata": {
            "name": f"{spec['correlationId']}-{number}",
            "namespace": spec["query"].get("filters", {}).get("environment", "default"),
        },
        "spec": spec,
    }


def submit(environment: LocalEnvironment, searches: Sequence[Manifest]) -> None:
    """Create all searches, and their namespaces.

    Raises:
        LocalError: a namespace cannot be made.
        ClusterError: the API server refuses a search.
    """
    for namespace in sorted({search["metadata"]["namespace"] for search in searches} - {"default"}):
        kubectl(environment, "create", "namespace", namespace)
    with reported("submitting searches") as report:
        asyncio.run(
            create_searches(
                searches,
                environment.kubeconfig,
                created=lambda n: report.update(f"{n} of {len(searches)}", n, len(searches)),
            )
        )


def wait_until_final(environment: LocalEnvironment, expected: int) -> list[Manifest]:
    """Wait until every search is recorded or skipped, and give all of them.

    Raises:
        LocalError: it takes too long.
    """
    unfinished = "--field-selector=status.phase!=Recorded,status.phase!=Skipped"
    with reported("recording searches") as report:

        def all_final() -> bool:
            names = kubectl(environment, "get", "workflowsearches", "-A", "-o", "name", unfinished)
            left = len(names.splitlines())
            report.update(f"{expected - left} of {expected}", expected - left, expected)
            return left == 0

        wait_until(all_final, FINAL_SECONDS, "all searches are recorded")
    listed = json.loads(kubectl(environment, "get", "workflowsearches", "-A", "-o", "json"))
    found: list[Manifest] = listed["items"]
    return found
