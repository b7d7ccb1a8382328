"""What the operator has to know of its cluster before it starts."""

from typing import Any
from uuid import UUID

from kubernetes.client.exceptions import ApiException

from workflow_audit.kube.connecting import api_client, client

REQUEST_SECONDS = 10
NOT_FOUND = 404


def cluster_id() -> UUID:
    """Give the cluster's id: the uid of the namespace kube-system, which lives as long as it.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    with api_client("reading the namespace kube-system") as api:
        namespace: Any = client.CoreV1Api(api).read_namespace(
            "kube-system", _request_timeout=REQUEST_SECONDS
        )
    return UUID(namespace.metadata.uid)


def serves(group: str, version: str, plural: str) -> bool:
    """Tell whether the API server knows a resource yet.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    with api_client(f"looking for {plural}.{group}") as api:
        try:
            listed = client.CustomObjectsApi(api).get_api_resources(
                group, version, _request_timeout=REQUEST_SECONDS
            )
        except ApiException as error:
            if error.status == NOT_FOUND:
                return False
            raise
    return any(resource.name == plural for resource in listed.resources)
