"""What the operator has to know of its cluster before it starts."""

from uuid import UUID

from workflow_audit.kube.connecting import ApiServer


async def cluster_id(api: ApiServer) -> UUID:
    """Give the cluster's id: the uid of the namespace kube-system, which lives as long as it.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    doing = "reading the namespace kube-system"
    namespace = await api.ask(doing, "GET", "/api/v1/namespaces/kube-system")
    return UUID(namespace["metadata"]["uid"])


async def serves(api: ApiServer, group: str, version: str, plural: str) -> bool:
    """Tell whether the API server knows a resource yet.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    doing = f"looking for {plural}.{group}"
    groups = (await api.ask(doing, "GET", "/apis"))["groups"]
    served = [(known["name"], v["version"]) for known in groups for v in known["versions"]]
    if (group, version) not in served:
        return False
    resources = (await api.ask(doing, "GET", f"/apis/{group}/{version}"))["resources"]
    return plural in [resource["name"] for resource in resources]
