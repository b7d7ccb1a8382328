"""What the operator has to know of its cluster before it starts.

The Kubernetes client is synchronous, so callers run these in a thread; each is one short request.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from workflow_audit.errors import ClusterError

REQUEST_SECONDS = 10
NOT_FOUND = 404


def cluster_id() -> UUID:
    """Give the cluster's id: the uid of the namespace kube-system, which lives as long as it.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    with _api_client("reading the namespace kube-system") as api:
        namespace: Any = client.CoreV1Api(api).read_namespace(
            "kube-system", _request_timeout=REQUEST_SECONDS
        )
    return UUID(namespace.metadata.uid)


def serves(group: str, version: str, plural: str) -> bool:
    """Tell whether the API server knows a resource yet.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    with _api_client(f"looking for {plural}.{group}") as api:
        try:
            listed = client.CustomObjectsApi(api).get_api_resources(
                group, version, _request_timeout=REQUEST_SECONDS
            )
        except ApiException as error:
            if error.status == NOT_FOUND:
                return False
            raise
    return any(resource.name == plural for resource in listed.resources)


@contextmanager
def _api_client(doing: str) -> Iterator[client.ApiClient]:
    """Lend a client with the pod's service account, or else the kubeconfig, read anew."""
    configuration = client.Configuration()
    try:
        try:
            config.load_incluster_config(  # type: ignore[no-untyped-call]
                client_configuration=configuration
            )
        except ConfigException:
            config.load_kube_config(  # type: ignore[no-untyped-call]
                client_configuration=configuration
            )
    except ConfigException as error:
        raise ClusterError(
            f"{doing}: neither a service account nor a kubeconfig is there ({error}); "
            "set KUBECONFIG, or run in a cluster"
        ) from error
    configuration.retries = False
    try:
        with client.ApiClient(configuration) as api:
            yield api
    except ApiException as error:
        raise ClusterError(
            f"{doing}: the API server answers {error.status} {error.reason}"
        ) from error
    except (HTTPError, OSError) as error:
        raise ClusterError(f"{doing}: the API server cannot be reached") from error
