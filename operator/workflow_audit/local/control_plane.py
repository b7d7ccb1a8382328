"""etcd, kube-apiserver and kube-controller-manager as three processes in one folder."""

import http.client
import ssl
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from workflow_audit.certificates import KeyPair
from workflow_audit.local.control_plane_flags import (
    NO_EXTRAS,
    Extras,
    api_server_flags,
    controller_manager_flags,
    etcd_flags,
)
from workflow_audit.local.folders import PRIVATE_FOLDER, write_private
from workflow_audit.local.kubeconfig import certificate_kubeconfig, file_name, token_kubeconfig
from workflow_audit.local.pki import ADMIN, CONTROLLER_MANAGER, ClusterCertificates
from workflow_audit.local.ports import HOST
from workflow_audit.local.processes import Launch
from workflow_audit.local.servers import Server, Servers

ETCD = "etcd"
API_SERVER = "kube-apiserver"
MANAGER = "kube-controller-manager"

KUBECONFIG = "admin.kubeconfig"

READY_SECONDS = 60.0
"""A start takes 3 to 6 s; on a machine that compiles something at the same time, far longer."""

REQUEST_SECONDS = 5.0

DEFAULT_NAMESPACE = "/api/v1/namespaces/default"
DEFAULT_ACCOUNT = f"{DEFAULT_NAMESPACE}/serviceaccounts/default"


class ControlPlane:
    """A Kubernetes API without nodes; `start` begins or repairs it."""

    def __init__(
        self,
        servers: Servers,
        binaries: Path,
        folder: Path,
        *,
        fsync: bool = False,
        extras: Extras = NO_EXTRAS,
    ) -> None:
        """Take the control plane of a folder, which may be new, stopped or running.

        Args:
            servers: starts and stops its processes.
            binaries: folder of its programs.
            folder: everything that it writes is in there; made if need be.
            fsync: whether etcd waits for the disk; off for speed, this is not a test of etcd.
            extras: controllers and flags beyond what a cluster without nodes needs.
        """
        self.folder = folder
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        self._servers = servers
        self._binaries = binaries
        self._fsync = fsync
        self._extras = extras
        self.certificates = ClusterCertificates(folder / "pki")
        self.kubectl = binaries / "kubectl"
        self.kubeconfig = folder / KUBECONFIG

    @property
    def url(self) -> str:
        """Address of the API server, once it was started."""
        return f"https://{HOST}:{self._servers.port(API_SERVER)}"

    @property
    def ca_file(self) -> Path:
        """Certificate of the authority that signed the API server's."""
        return self.certificates.file("ca.crt")

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of what runs, by program."""
        return self._servers.pids(ETCD, API_SERVER, MANAGER)

    def start(self) -> None:
        """Start what does not run, on its old data; returns when all of it works."""
        self._servers.ensure_before(self._etcd(), API_SERVER)
        self.start_api_server()
        self._servers.ensure(self._controller_manager())

    def stop(self) -> None:
        """Stop everything; the data stays."""
        self._servers.stop(MANAGER, API_SERVER)
        self._servers.stop(ETCD)

    def start_api_server(self) -> None:
        """Start the API server, on its old port if it had one; returns when it is ready."""
        self._servers.ensure_before(self._api_server(), MANAGER)
        # The port may have changed if somebody took it while we were down.
        self._write_kubeconfig(self.kubeconfig, ADMIN, self.certificates.admin)

    def stop_api_server(self) -> None:
        """Stop the API server alone."""
        self._servers.stop(API_SERVER)

    def kubeconfig_for(self, user: str, groups: Sequence[str] = ()) -> Path:
        """Give a kubeconfig by which one is that user; rights come from RBAC alone."""
        path = self._kubeconfigs() / file_name(user, tuple(groups))
        self._write_kubeconfig(path, user, self.certificates.client(user, tuple(groups)))
        return path

    def kubeconfig_with_token(self, name: str, token: str) -> Path:
        """Give a kubeconfig for the bearer of a token, e.g. of `kubectl create token`."""
        path = self._kubeconfigs() / file_name(name, ("token",))
        write_private(
            path, token_kubeconfig(self.url, self.certificates.cluster.certificate, name, token)
        )
        return path

    def _etcd(self) -> Server:
        home = self._home(ETCD)
        context = self._context("etcd-ca.crt", "etcd-client")

        def launch(port: int) -> Launch:
            flags = etcd_flags(self.certificates, home / "data", port, fsync=self._fsync)
            return self._launch(ETCD, home, flags)

        return Server(ETCD, launch, lambda port: _ok(port, "/readyz", context), READY_SECONDS)

    def _api_server(self) -> Server:
        home = self._home(API_SERVER)
        etcd_port = self._servers.port(ETCD)
        context = self._admin_context()

        def launch(port: int) -> Launch:
            flags = api_server_flags(self.certificates, port, etcd_port, self._extras)
            return self._launch(API_SERVER, home, flags)

        def ready(port: int) -> bool:
            return all(_ok(port, path, context) for path in ("/readyz", DEFAULT_NAMESPACE))

        return Server(API_SERVER, launch, ready, READY_SECONDS)

    def _controller_manager(self) -> Server:
        home = self._home(MANAGER)
        context = self._admin_context()
        kubeconfig = home / "kubeconfig"
        pair = self.certificates.client(CONTROLLER_MANAGER, ())
        self._write_kubeconfig(kubeconfig, CONTROLLER_MANAGER, pair)

        def launch(port: int) -> Launch:
            flags = controller_manager_flags(self.certificates, port, kubeconfig, self._extras)
            return self._launch(MANAGER, home, flags)

        def ready(port: int) -> bool:
            # Its health says nothing of its controllers; their first work does.
            api_port = self._servers.port(API_SERVER)
            return _ok(port, "/healthz", context) and _ok(api_port, DEFAULT_ACCOUNT, context)

        return Server(MANAGER, launch, ready, READY_SECONDS)

    def _admin_context(self) -> ssl.SSLContext:
        return self._context("ca.crt", "admin")

    def _context(self, authority: str, client: str) -> ssl.SSLContext:
        file = self.certificates.file
        context = ssl.create_default_context(cafile=str(file(authority)))
        context.load_cert_chain(file(f"{client}.crt"), file(f"{client}.key"))
        return context

    def _home(self, name: str) -> Path:
        home = self.folder / name
        home.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        return home

    def _launch(self, name: str, home: Path, flags: list[str]) -> Launch:
        log = self.folder / f"{name}.log"
        return Launch(name, [self._binaries / name, *flags], home, log, environment={})

    def _kubeconfigs(self) -> Path:
        folder = self.folder / "kubeconfigs"
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        return folder

    def _write_kubeconfig(self, path: Path, user: str, pair: KeyPair) -> None:
        authority = self.certificates.cluster.certificate
        write_private(path, certificate_kubeconfig(self.url, authority, user, pair))


def _ok(port: int, path: str, context: ssl.SSLContext) -> bool:
    # Not urllib: it would ask a proxy that the environment names for our own machine.
    connection = http.client.HTTPSConnection(HOST, port, timeout=REQUEST_SECONDS, context=context)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False  # not listening yet, or not ready to talk
    finally:
        connection.close()
