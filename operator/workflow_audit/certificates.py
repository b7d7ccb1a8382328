"""Keys and certificates in PEM, made in memory. Keys are ECDSA P-256: a millisecond each.

A private key is never part of a representation, a message or a log line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLOCK_SKEW = timedelta(minutes=5)
"""Certificates are valid a little before they are made."""


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, in PEM."""

    certificate: str
    key: str = field(repr=False)


class Signer:
    """A certificate authority."""

    def __init__(self, pair: KeyPair, lifetime: timedelta) -> None:
        """Take an authority that `create` has made.

        Args:
            pair: its certificate and key.
            lifetime: of the certificates that it issues.

        Raises:
            ValueError: that is no certificate, or no key of ours.
        """
        self.pair, self._lifetime = pair, lifetime
        self._subject = x509.load_pem_x509_certificate(pair.certificate.encode()).subject
        self._key = _loaded(pair.key)

    @classmethod
    def create(cls, name: str, now: datetime, lifetime: timedelta) -> "Signer":
        """Make an authority, whose certificate lasts as long as one that it issues now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(subject, subject, key, now, lifetime)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)  # noqa: FBT003
        builder = builder.add_extension(_usage(authority=True), critical=True)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(identifier, critical=False)
        return cls(KeyPair(_pem(builder.sign(key, hashes.SHA256())), _pem_key(key)), lifetime)

    def client(self, user: str, groups: Sequence[str], now: datetime) -> KeyPair:
        """Issue a certificate by which a client is a user with groups."""
        names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        names.append(x509.NameAttribute(NameOID.COMMON_NAME, user))
        return self._issue(names, ExtendedKeyUsageOID.CLIENT_AUTH, (), now, new_key())

    def server(self, name: str, hosts: Sequence[str], now: datetime, key: str = "") -> KeyPair:
        """Issue a serving certificate.

        Args:
            name: its common name; clients look at the hosts only.
            hosts: names and addresses under which the server is called.
            now: begin of its validity.
            key: in PEM; empty makes a new one.

        Raises:
            ValueError: the key is none of ours.
        """
        names = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        return self._issue(names, ExtendedKeyUsageOID.SERVER_AUTH, hosts, now, key or new_key())

    def _issue(
        self,
        names: list[x509.NameAttribute[str]],
        purpose: x509.ObjectIdentifier,
        hosts: Sequence[str],
        now: datetime,
        pem_key: str,
    ) -> KeyPair:
        key = _loaded(pem_key)
        builder = _builder(x509.Name(names), self._subject, key, now, self._lifetime)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)  # noqa: FBT003
        builder = builder.add_extension(_usage(authority=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        # Python 3.13 refuses certificates that do not say which key signed them.
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        if hosts:
            alternatives = x509.SubjectAlternativeName([_alternative(host) for host in hosts])
            builder = builder.add_extension(alternatives, critical=False)
        return KeyPair(_pem(builder.sign(self._key, hashes.SHA256())), pem_key)


def new_key() -> str:
    """Make a private key."""
    return _pem_key(ec.generate_private_key(ec.SECP256R1()))


def signing_keys() -> tuple[str, str]:
    """Make the key pair that signs service account tokens: private and public half in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return _pem_key(key), public.decode()


def _loaded(pem_key: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem_key.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the private key is not one for ECDSA")  # noqa: TRY004 - as cryptography does
    return key


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + lifetime)
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
