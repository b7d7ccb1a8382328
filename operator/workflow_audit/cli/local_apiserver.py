"""The server of readers as a process of a local environment, behind its API server.

There are no pods, so the shipped APIService leads to a Service of type ExternalName, which is this
machine.
"""

import base64
import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from workflow_audit.cli.bundled import bundled
from workflow_audit.cli.prepare import kubectl
from workflow_audit.local.environment import READER, LocalEnvironment
from workflow_audit.local.folders import write_private
from workflow_audit.local.ports import HOST
from workflow_audit.local.processes import Launch
from workflow_audit.local.servers import Server
from workflow_audit.models.auditlog import API_SERVICE, SERVICE

NAME = "apiserver"
NAMESPACE = "workflow-audit"
IDENTITY = f"system:serviceaccount:{NAMESPACE}:{SERVICE}"
GROUPS = ("system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}")
HOSTS = (f"{SERVICE}.{NAMESPACE}.svc", "localhost", HOST)

READY_SECONDS = 60.0
PROBE_SECONDS = 5.0
AVAILABLE_SECONDS = 60

Json = dict[str, Any]


@dataclass(frozen=True)
class Serving:
    """What it shows to those who call."""

    certificate: Path
    key: Path
    authority: str
    """Certificates in PEM by which it is believed."""


@contextmanager
def running_apiserver(
    environment: LocalEnvironment,
    settings: Mapping[str, str] | None = None,
    serving: Serving | None = None,
) -> Iterator[int]:
    """Run it for as long as the block takes, so that kubectl knows audit events; gives its port.

    Args:
        environment: where it runs.
        settings: variables that differ from `apiserver_environment`.
        serving: its certificate; None is one of the environment's authority. Whoever gives one
            also tells the API server of its authority.

    Raises:
        LocalError: it does not become ready; with the end of its log.
    """
    try:
        port = start_apiserver(environment, settings, serving)
        try:
            yield port
        finally:
            unregister(environment)
    finally:
        environment.stop_server(NAME)


def start_apiserver(
    environment: LocalEnvironment,
    settings: Mapping[str, str] | None = None,
    serving: Serving | None = None,
) -> int:
    """Start it, tell the API server of it, and leave it to the environment; gives its port.

    Raises:
        LocalError: it does not become ready; with the end of its log.
    """
    own = serving or serving_of(environment)
    environment.start_server(_server(environment, settings or {}, own))
    port = int(environment.components[NAME].address.rpartition(":")[2])
    register(environment, port, None if serving else own.authority)
    return port


def register(environment: LocalEnvironment, port: int, authority: str | None) -> None:
    """Tell the API server where it is, and wait until it has been reached there.

    Args:
        environment: whose API server.
        port: on this machine.
        authority: by which it is believed; None leaves what is there.
    """
    manifests = yaml.safe_dump_all(registration(port, authority))
    kubectl(environment, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifests)
    wait = ("wait", "--for=condition=Available", f"--timeout={AVAILABLE_SECONDS}s")
    kubectl(environment, *wait, f"apiservice/{API_SERVICE}")


def unregister(environment: LocalEnvironment) -> None:
    """Take that back: an API that is registered and does not answer is in everybody's way."""
    kubectl(environment, "delete", f"apiservice/{API_SERVICE}", "--ignore-not-found")


def registration(port: int, authority: str | None) -> list[Json]:
    """Give the shipped APIService, leading to a port of this machine."""
    path = bundled("manifests/base/apiserver/apiservice.yaml")
    shipped: Json = yaml.safe_load(path.read_text(encoding="utf-8"))
    shipped["spec"]["service"]["port"] = port
    if authority:
        shipped["spec"]["caBundle"] = base64.b64encode(authority.encode()).decode()
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE, "namespace": NAMESPACE},
        "spec": {"type": "ExternalName", "externalName": "localhost"},
    }
    return [service, shipped]


def serving_of(environment: LocalEnvironment) -> Serving:
    """Give its certificate of the environment's authority."""
    certificates = environment.control_plane.certificates
    home = _home(environment)
    serving = Serving(home / "tls.crt", home / "tls.key", certificates.cluster.certificate)
    if not serving.certificate.is_file():
        pair = certificates.serving(SERVICE, HOSTS)
        write_private(serving.key, pair.key)
        write_private(serving.certificate, pair.certificate)
    return serving


def _home(environment: LocalEnvironment) -> Path:
    home = environment.folder / NAME
    home.mkdir(mode=0o700, exist_ok=True)
    return home


def apiserver_environment(environment: LocalEnvironment, serving: Serving) -> dict[str, str]:
    """Give the variables with which it runs under exactly its shipped rights."""
    return {
        "KUBECONFIG": str(environment.control_plane.kubeconfig_for(IDENTITY, GROUPS)),
        "AUDIT_APISERVER_DATABASE_URL": environment.database_url(READER),
        "AUDIT_INGESTION_DATABASE_URL": environment.database_url(),
        "AUDIT_APISERVER_HOST": HOST,
        "AUDIT_APISERVER_TLS_CERTIFICATE": str(serving.certificate),
        "AUDIT_APISERVER_TLS_KEY": str(serving.key),
        "AUDIT_HTTP_HOST": HOST,
        "AUDIT_HTTP_PORT": "0",
    }


def _server(environment: LocalEnvironment, settings: Mapping[str, str], serving: Serving) -> Server:
    home = _home(environment)
    trusted = ssl.create_default_context(cadata=serving.authority)
    trusted.check_hostname = False  # it is asked by its address, which is in no certificate

    def launch(port: int) -> Launch:
        return Launch(
            name=NAME,
            command=[sys.executable, "-m", "workflow_audit", "apiserver", "--port", str(port)],
            folder=home,
            log=home / "log",
            environment={**os.environ, **apiserver_environment(environment, serving), **settings},
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
