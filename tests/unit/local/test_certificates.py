import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from workflow_audit.local.certificates import LIFETIME, SERVER_NAMES, Authority
from workflow_audit.local.pki import FRONT_PROXY_CLIENT, ClusterCertificates

NOW = datetime(2026, 11, 23, 10, 31, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path, "ca", NOW)


def values(name: x509.Name, oid: x509.ObjectIdentifier) -> list[str | bytes]:
    return [attribute.value for attribute in name.get_attributes_for_oid(oid)]


def parsed(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def test_client_certificate_says_user_and_groups(authority: Authority) -> None:
    certificate = parsed(authority.client("jane", ("sre", "dev"), NOW).certificate)
    assert values(certificate.subject, NameOID.COMMON_NAME) == ["jane"]
    assert values(certificate.subject, NameOID.ORGANIZATION_NAME) == ["sre", "dev"]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate.verify_directly_issued_by(parsed(authority.certificate))


def test_serving_certificate_names_every_host(authority: Authority) -> None:
    certificate = parsed(authority.server("kube-apiserver", SERVER_NAMES, NOW).certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == set(SERVER_NAMES) - {"127.0.0.1"}
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_certificates_are_valid_from_a_little_before_now(authority: Authority) -> None:
    certificate = parsed(authority.client("jane", (), NOW).certificate)
    assert timedelta() < NOW - certificate.not_valid_before_utc < timedelta(hours=1)
    assert certificate.not_valid_after_utc == NOW + LIFETIME


def test_authority_stays_the_same(tmp_path: Path, authority: Authority) -> None:
    assert Authority.create(tmp_path, "ca", NOW).certificate == authority.certificate


def test_only_authorities_may_sign(authority: Authority) -> None:
    for pem, is_authority in (
        (authority.certificate, True),
        (authority.client("jane", (), NOW).certificate, False),
    ):
        constraints = parsed(pem).extensions.get_extension_for_class(x509.BasicConstraints).value
        assert constraints.ca is is_authority


def test_cluster_certificates_are_private_and_kept(tmp_path: Path) -> None:
    first = ClusterCertificates(tmp_path / "pki")
    before = {path: path.read_bytes() for path in first.folder.iterdir()}
    assert {path.suffix for path in before} == {".crt", ".key", ".pub"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in before)
    assert stat.S_IMODE(first.folder.stat().st_mode) == 0o700
    again = ClusterCertificates(tmp_path / "pki")
    assert {path: path.read_bytes() for path in again.folder.iterdir()} == before


def test_front_proxy_has_an_authority_of_its_own(tmp_path: Path) -> None:
    certificates = ClusterCertificates(tmp_path / "pki")
    client = parsed(certificates.file("front-proxy.crt").read_text())
    assert values(client.subject, NameOID.COMMON_NAME) == [FRONT_PROXY_CLIENT]
    client.verify_directly_issued_by(parsed(certificates.front_proxy.certificate))
    with pytest.raises(ValueError, match="not match"):
        client.verify_directly_issued_by(parsed(certificates.cluster.certificate))


def test_serving_certificates_for_others_are_of_the_cluster(tmp_path: Path) -> None:
    certificates = ClusterCertificates(tmp_path / "pki")
    pair = certificates.serving("auditlog", ("auditlog.audit.svc",))
    parsed(pair.certificate).verify_directly_issued_by(parsed(certificates.cluster.certificate))
