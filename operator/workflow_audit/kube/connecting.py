"""A client of the API server, whose errors are ours.

The Kubernetes client is synchronous, so that callers in an event loop use a thread.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError
from yaml import YAMLError

from workflow_audit.errors import ClusterError

REQUEST_SECONDS = 10
OK, REDIRECT = 200, 300


@contextmanager
def api_client(doing: str, kubeconfig: Path | None = None) -> Iterator[client.ApiClient]:
    """Lend a client of the API server, with credentials that are read anew.

    Args:
        doing: what it is for, as messages say it.
        kubeconfig: None takes the pod's service account, or else that of KUBECONFIG.

    Raises:
        ClusterError: whatever the API server refuses, or that it cannot be reached.
    """
    configuration = client.Configuration()
    configuration.retries = False  # who asks knows better when to ask again
    try:
        _load(configuration, kubeconfig)
    except (ConfigException, YAMLError) as error:
        raise ClusterError(
            f"{doing}: neither a service account nor a kubeconfig is there ({error}); "
            "set KUBECONFIG, or run in a cluster"
        ) from error
    try:
        with client.ApiClient(configuration) as api:
            yield api
    except ApiException as error:
        if not error.status:  # the client's way of saying that TLS failed
            reason = " ".join(str(error.reason).split())
            raise ClusterError(f"{doing}: the API server cannot be reached: {reason}") from error
        raise ClusterError(
            f"{doing}: the API server answers {error.status} {error.reason}"
        ) from error
    except (HTTPError, OSError) as error:
        raise ClusterError(f"{doing}: the API server cannot be reached") from error


def get_json(api: client.ApiClient, path: str) -> Any:
    """Give what the API server answers to a GET, as plain JSON.

    The client's typed calls import some 900 models: 70 MiB beside the operator's own 95.

    Raises:
        ApiException: it answers anything but 2xx.
    """
    request = api.param_serialize("GET", path, auth_settings=["BearerToken"])
    answer = api.call_api(*request, _request_timeout=REQUEST_SECONDS)
    body = answer.read()  # type: ignore[no-untyped-call]
    if not OK <= answer.status < REDIRECT:
        raise ApiException(http_resp=answer)
    return json.loads(body)


def _load(configuration: client.Configuration, kubeconfig: Path | None) -> None:
    if kubeconfig is None and in_cluster():
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        path = str(kubeconfig) if kubeconfig else None
        config.load_kube_config(path, client_configuration=configuration)  # type: ignore[no-untyped-call]


def in_cluster() -> bool:
    """Tell whether this is a pod; kubelet sets the variable in each."""
    return "KUBERNETES_SERVICE_HOST" in os.environ


__all__ = ["api_client", "client", "get_json"]
