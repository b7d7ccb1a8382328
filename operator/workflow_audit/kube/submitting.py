"""Create many searches quickly, as several agents at once would."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from workflow_audit.kube.connecting import ApiServer
from workflow_audit.models.kinds import GROUP, VERSION, WORKFLOW_SEARCH

CONNECTIONS = 8


async def create_searches(
    manifests: Sequence[dict[str, Any]], kubeconfig: Path, created: Callable[[int], None]
) -> None:
    """Create all searches, several at a time; their namespaces have to be there.

    Args:
        manifests: of WorkflowSearch objects.
        kubeconfig: of a user who may create them.
        created: told after each one how many are there.

    Raises:
        ClusterError: the API server refuses one, or cannot be reached.
    """
    turns = asyncio.Semaphore(CONNECTIONS)
    number = 0

    async def create(manifest: dict[str, Any]) -> None:
        nonlocal number
        namespace = manifest["metadata"]["namespace"]
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{WORKFLOW_SEARCH.plural}"
        async with turns:
            await api.ask("creating searches", "POST", path, body=manifest)
        number += 1
        created(number)

    async with ApiServer(kubeconfig) as api:
        await asyncio.gather(*map(create, manifests))
