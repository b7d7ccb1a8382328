"""Create many searches quickly, as several agents at once would."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from workflow_audit.kube.connecting import api_client, client
from workflow_audit.models.kinds import GROUP, VERSION, WORKFLOW_SEARCH

CONNECTIONS = 8


def create_searches(
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
    with (
        api_client("creating searches", kubeconfig) as api,
        ThreadPoolExecutor(CONNECTIONS) as pool,
    ):
        searches = client.CustomObjectsApi(api)
        futures = [
            pool.submit(
                searches.create_namespaced_custom_object,
                GROUP,
                VERSION,
                manifest["metadata"]["namespace"],
                WORKFLOW_SEARCH.plural,
                manifest,
            )
            for manifest in manifests
        ]
        for number, future in enumerate(as_completed(futures), start=1):
            future.result()
            created(number)
