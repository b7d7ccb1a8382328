"""The server of readers as a process of a local environment, behind its API server.

There are no pods, so the APIService leads to a Service of type ExternalName, which is this machine.
"""

import base64
import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from workflow_audit.cli.prepare import kubectl
from workflow_audit.local.environment import READER, LocalEnvironment
from workflow_audit.local.folders import write_private
from workflow_audit.local.ports import HOST
from workflow_audit.local.processes import Launch
from workflow_audit.local.servers import Server
from workflow_audit.models.auditlog import AUDIT_EVENT

NAME = "apiserver"
NAMESPACE = SERVICE = "workflow-audit"
SERVICE_NAME = "workflow-audit-apiserver"
IDENTITY = f"system:serviceaccount:{NAMESPACE}:{SERVICE_NAME}"
GROUPS = ("system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}")
HOSTS = (f"{SERVICE_NAME}.{NAMESPACE}.svc", "localhost", HOST)
API_SERVICE = f"{AUDIT_EVENT.version}.{AUDIT_EVENT.group}"

READY_SECONDS = 60.0
PROBE_SECONDS = 5.0
AVAILABLE_SECONDS = 60

Json = dict[str, Any]


@contextmanager
def running_apiserver(
    environment: LocalEnvironment, settings: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run it for as long as the block takes, so that kubectl knows audit events; gives its port.

    Raises:
        LocalError: it does not become ready; with the end of its log.
    """
    environment.start_server(_server(environment, settings or {}))
    try:
        port = int(environment.components[NAME].address.rpartition(":")[2])
        register(environment, port)
        try:
            yield port
        finally:
            unregister(environment)
    finally:
        environment.stop_server(NAME)


def register(environment: LocalEnvironment, port: int) -> None:
    """Tell the API server where it is, and wait until it has been reached there."""
    manifests = yaml.safe_dump_all(_manifests(environment, port))
    kubectl(environment, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifests)
    wait = ("wait", "--for=condition=Available", f"--timeout={AVAILABLE_SECONDS}s")
    kubectl(environment, *wait, f"apiservice/{API_SERVICE}")


def unregister(environment: LocalEnvironment) -> None:
    """Take that back: an API that is registered and does not answer is in everybody's way."""
    kubectl(environment, "delete", f"apiservice/{API_SERVICE}", "--ignore-not-found")


def _manifests(environment: LocalEnvironment, port: int) -> list[Json]:
    authority = environment.control_plane.certificates.cluster.certificate
    service = {"name": SERVICE_NAME, "namespace": NAMESPACE}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": service,
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": API_SERVICE},
            "spec": {
                "group": AUDIT_EVENT.group,
                "version": AUDIT_EVENT.version,
                "service": service | {"port": port},
                "caBundle": base64.b64encode(authority.encode()).decode(),
                "groupPriorityMinimum": 1000,
                "versionPriority": 10,
            },
        },
    ]


def apiserver_environment(environment: LocalEnvironment, home: Path) -> dict[str, str]:
    """Give the variables with which it runs under exactly its shipped rights."""
    certificate, key = home / "tls.crt", home / "tls.key"
    if not certificate.is_file():
        pair = environment.control_plane.certificates.serving(SERVICE_NAME, HOSTS)
        write_private(key, pair.key)
        write_private(certificate, pair.certificate)
    return {
        "KUBECONFIG": str(environment.control_plane.kubeconfig_for(IDENTITY, GROUPS)),
        "AUDIT_APISERVER_DATABASE_URL": environment.database_url(READER),
        "AUDIT_APISERVER_HOST": HOST,
        "AUDIT_APISERVER_TLS_CERTIFICATE": str(certificate),
        "AUDIT_APISERVER_TLS_KEY": str(key),
        "AUDIT_HTTP_HOST": HOST,
        "AUDIT_HTTP_PORT": "0",
    }


def _server(environment: LocalEnvironment, settings: Mapping[str, str]) -> Server:
    home = environment.folder / NAME
    home.mkdir(mode=0o700, exist_ok=True)
    trusted = ssl.create_default_context(
        cadata=environment.control_plane.certificates.cluster.certificate
    )

    def launch(port: int) -> Launch:
        return Launch(
            name=NAME,
            command=[sys.executable, "-m", "workflow_audit", "apiserver", "--port", str(port)],
            folder=home,
            log=home / "log",
            environment={**os.environ, **apiserver_environment(environment, home), **settings},
        )

    def ready(port: int) -> bool:
        """It listens once it can do its work, and without credentials it must answer 401."""
        url = f"https://{HOST}:{port}/apis"
        try:
            with urllib.request.urlopen(url, timeout=PROBE_SECONDS, context=trusted):
                return False
        except urllib.error.HTTPError as error:
            with error:
                return error.code == 401  # noqa: PLR2004
        except (urllib.error.URLError, OSError):
            return False

    return Server(NAME, launch, ready, READY_SECONDS)
