"""What the operator has to know of its cluster before it starts."""

from uuid import UUID

from workflow_audit.kube.connecting import api_client, get_json


def cluster_id() -> UUID:
    """Give the cluster's id: the uid of the namespace kube-system, which lives as long as it.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    with api_client("reading the namespace kube-system") as api:
        namespace = get_json(api, "/api/v1/namespaces/kube-system")
    return UUID(namespace["metadata"]["uid"])


def serves(group: str, version: str, plural: str) -> bool:
    """Tell whether the API server knows a resource yet.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    with api_client(f"looking for {plural}.{group}") as api:
        groups = get_json(api, "/apis")["groups"]
        served = [(known["name"], v["version"]) for known in groups for v in known["versions"]]
        if (group, version) not in served:
            return False
        resources = get_json(api, f"/apis/{group}/{version}")["resources"]
    return plural in [resource["name"] for resource in resources]
