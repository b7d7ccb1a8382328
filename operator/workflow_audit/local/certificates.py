"""Certificates of a local control plane: authorities, servers, users.

A user is a client certificate: its common name is the user name, its organisations are the
groups. Keys are ECDSA P-256, which take a millisecond each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from workflow_audit.local.folders import write_private

LIFETIME = timedelta(days=3650)
"""A local environment keeps its certificates for as long as its data."""

CLOCK_SKEW = timedelta(minutes=5)
"""Certificates are valid a little before they are made."""

SERVER_NAMES = (
    "localhost",
    "127.0.0.1",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, in PEM."""

    certificate: str
    key: str


class Authority:
    """A certificate authority that lives in two files."""

    def __init__(self, certificate_file: Path, key_file: Path) -> None:
        """Read the authority from its files, which `create` has written."""
        self.certificate_file = certificate_file
        self._certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - `create` wrote it
        self._key = key

    @classmethod
    def create(cls, folder: Path, name: str, now: datetime) -> "Authority":
        """Make `<name>.crt` and `<name>.key` in a folder, unless they are there."""
        certificate_file, key_file = folder / f"{name}.crt", folder / f"{name}.key"
        if not certificate_file.is_file():
            key = ec.generate_private_key(ec.SECP256R1())
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
            builder = _builder(subject, subject, key, now)
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)  # noqa: FBT003
            builder = builder.add_extension(_usage(authority=True), critical=True)
            identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
            builder = builder.add_extension(identifier, critical=False)
            write_private(key_file, _pem_key(key))
            # Last: a certificate says that the key is there too.
            write_private(certificate_file, _pem(builder.sign(key, hashes.SHA256())))
        return cls(certificate_file, key_file)

    @property
    def certificate(self) -> str:
        """The authority's own certificate, which others trust."""
        return _pem(self._certificate)

    def client(self, user: str, groups: Sequence[str], now: datetime) -> KeyPair:
        """Issue a certificate by which a client is a user with groups."""
        names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        names.append(x509.NameAttribute(NameOID.COMMON_NAME, user))
        return self._issue(names, ExtendedKeyUsageOID.CLIENT_AUTH, (), now)

    def server(self, name: str, hosts: Sequence[str], now: datetime) -> KeyPair:
        """Issue a serving certificate.

        Args:
            name: its common name; clients look at the hosts only.
            hosts: names and addresses under which the server is called.
            now: begin of its validity.
        """
        names = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        return self._issue(names, ExtendedKeyUsageOID.SERVER_AUTH, hosts, now)

    def _issue(
        self,
        names: list[x509.NameAttribute[str]],
        purpose: x509.ObjectIdentifier,
        hosts: Sequence[str],
        now: datetime,
    ) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(x509.Name(names), self._certificate.subject, key, now)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)  # noqa: FBT003
        builder = builder.add_extension(_usage(authority=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        # Python 3.13 refuses certificates that do not say which key signed them.
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        if hosts:
            alternatives = x509.SubjectAlternativeName([_alternative(host) for host in hosts])
            builder = builder.add_extension(alternatives, critical=False)
        return KeyPair(_pem(builder.sign(self._key, hashes.SHA256())), _pem_key(key))


def signing_keys() -> tuple[str, str]:
    """Make the key pair that signs service account tokens: private and public half in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return _pem_key(key), public.decode()


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + LIFETIME)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _pem_key(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
