"""Authorities of a local control plane, in files.

A user is a client certificate: its common name is the user name, its organisations are the groups.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from workflow_audit.certificates import KeyPair, Signer
from workflow_audit.local.folders import write_private

LIFETIME = timedelta(days=3650)
"""A local environment keeps its certificates for as long as its data."""

SERVER_NAMES = (
    "localhost",
    "127.0.0.1",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


class Authority:
    """A certificate authority that lives in two files."""

    def __init__(self, certificate_file: Path, key_file: Path) -> None:
        """Read the authority from its files, which `create` has written."""
        self.certificate_file = certificate_file
        pair = KeyPair(certificate_file.read_text(), key_file.read_text())
        self._signer = Signer(pair, LIFETIME)

    @classmethod
    def create(cls, folder: Path, name: str, now: datetime) -> "Authority":
        """Make `<name>.crt` and `<name>.key` in a folder, unless they are there."""
        certificate_file, key_file = folder / f"{name}.crt", folder / f"{name}.key"
        if not certificate_file.is_file():
            pair = Signer.create(name, now, LIFETIME).pair
            write_private(key_file, pair.key)
            # Last: a certificate says that the key is there too.
            write_private(certificate_file, pair.certificate)
        return cls(certificate_file, key_file)

    @property
    def certificate(self) -> str:
        """The authority's own certificate, which others trust."""
        return self._signer.pair.certificate

    def client(self, user: str, groups: Sequence[str], now: datetime) -> KeyPair:
        """Issue a certificate by which a client is a user with groups."""
        return self._signer.client(user, groups, now)

    def server(self, name: str, hosts: Sequence[str], now: datetime) -> KeyPair:
        """Issue a serving certificate.

        Args:
            name: its common name; clients look at the hosts only.
            hosts: names and addresses under which the server is called.
            now: begin of its validity.
        """
        return self._signer.server(name, hosts, now)
