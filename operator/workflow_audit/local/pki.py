"""All certificates and keys of one control plane, in files as its programs want them."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from workflow_audit.certificates import KeyPair, signing_keys
from workflow_audit.local.certificates import SERVER_NAMES, Authority
from workflow_audit.local.folders import PRIVATE_FOLDER, write_private

FRONT_PROXY_CLIENT = "front-proxy-client"
"""Common name by which the API server shows itself to aggregated APIs."""

ADMIN = "workflow-audit-admin"
ADMINISTRATORS = "system:masters"
CONTROLLER_MANAGER = "system:kube-controller-manager"


class ClusterCertificates:
    """Made once per control plane; kept as long as its data."""

    def __init__(self, folder: Path) -> None:
        """Make what is missing in the folder; what is there stays valid."""
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        self.folder = folder
        now = _now()
        self.cluster = Authority.create(folder, "ca", now)
        self.front_proxy = Authority.create(folder, "front-proxy-ca", now)
        self.etcd = Authority.create(folder, "etcd-ca", now)
        self._keep("apiserver", lambda: self.cluster.server("kube-apiserver", SERVER_NAMES, now))
        self._keep("front-proxy", lambda: self.front_proxy.client(FRONT_PROXY_CLIENT, (), now))
        self._keep("etcd", lambda: self.etcd.server("etcd", SERVER_NAMES, now))
        self._keep("etcd-client", lambda: self.etcd.client("kube-apiserver", (), now))
        self._keep("admin", lambda: self.cluster.client(ADMIN, (ADMINISTRATORS,), now))
        if not self.file("service-account.pub").is_file():
            private, public = signing_keys()
            write_private(self.file("service-account.key"), private)
            write_private(self.file("service-account.pub"), public)

    def file(self, name: str) -> Path:
        """Give the path of a file, e.g. `apiserver.crt`."""
        return self.folder / name

    @property
    def admin(self) -> KeyPair:
        """The administrator's certificate; RBAC lets its group do everything."""
        return KeyPair(self.file("admin.crt").read_text(), self.file("admin.key").read_text())

    def client(self, user: str, groups: tuple[str, ...]) -> KeyPair:
        """Issue a certificate by which a client is a user with groups."""
        return self.cluster.client(user, groups, _now())

    def serving(self, name: str, hosts: tuple[str, ...]) -> KeyPair:
        """Issue a serving certificate that clients of the cluster's authority accept."""
        return self.cluster.server(name, hosts, _now())

    def _keep(self, name: str, issue: Callable[[], KeyPair]) -> None:
        certificate_file = self.file(f"{name}.crt")
        if certificate_file.is_file():
            return
        pair = issue()
        write_private(self.file(f"{name}.key"), pair.key)
        # Last: a certificate says that its key is there too.
        write_private(certificate_file, pair.certificate)


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)
