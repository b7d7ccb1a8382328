"""Command lines and settings: what makes the environment honest, and what keeps it closed."""

from pathlib import Path

import pytest

from workflow_audit.local.control_plane_flags import (
    api_server_flags,
    controller_manager_flags,
    etcd_flags,
)
from workflow_audit.local.pki import ClusterCertificates
from workflow_audit.local.ports import PORTS, free_port, says_taken
from workflow_audit.local.postgres import server_settings


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> ClusterCertificates:
    return ClusterCertificates(tmp_path_factory.mktemp("cluster") / "pki")


def test_api_server_is_as_strict_as_a_real_one(certificates: ClusterCertificates) -> None:
    flags = api_server_flags(certificates, 20001, 20002)
    assert {
        "--authorization-mode=RBAC",
        "--anonymous-auth=false",
        "--bind-address=127.0.0.1",
        "--enable-aggregator-routing=false",
        "--requestheader-allowed-names=front-proxy-client",
    } <= set(flags)


def test_namespace_controller_acts_with_its_own_rights(certificates: ClusterCertificates) -> None:
    flags = controller_manager_flags(certificates, 20003, Path("/kubeconfig"))
    assert "--use-service-account-credentials" in flags


@pytest.mark.parametrize("fsync", [True, False])
def test_etcd_waits_for_the_disk_if_asked_to(
    certificates: ClusterCertificates, fsync: bool
) -> None:
    flags = etcd_flags(certificates, Path("/data"), 20002, fsync=fsync)
    assert ("--unsafe-no-fsync" in flags) is not fsync
    assert "--client-cert-auth" in flags


def test_every_file_in_a_flag_exists(certificates: ClusterCertificates) -> None:
    flags = [
        *etcd_flags(certificates, Path("/data"), 1, fsync=True),
        *api_server_flags(certificates, 1, 2),
        *controller_manager_flags(certificates, 3, Path("/kubeconfig")),
    ]
    files = [flag.partition("=")[2] for flag in flags if str(certificates.folder) in flag]
    assert files
    assert all(Path(file).is_file() for file in files)


def test_database_is_durable_closed_and_silent_about_statements() -> None:
    settings = server_settings(20004, Path("/s"))
    assert {settings[name] for name in ("fsync", "synchronous_commit", "full_page_writes")} == {
        "on"
    }
    assert settings["listen_addresses"] == "127.0.0.1"
    assert settings["log_min_error_statement"] == "panic"
    assert server_settings(20004, None)["unix_socket_directories"] == ""


def test_ports_are_not_those_of_outgoing_connections() -> None:
    assert free_port() in PORTS
    assert PORTS.stop <= 30000


@pytest.mark.parametrize(
    ("message", "taken"),
    [
        ("listen tcp 127.0.0.1:20001: bind: address already in use", True),
        ('could not bind IPv4 address "127.0.0.1"', True),
        ("certificate has expired", False),
    ],
)
def test_taken_port_is_told_from_other_failures(message: str, taken: bool) -> None:
    assert says_taken(message) is taken
