"""The database as its users meet it: passwords, durability, restart."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_urlsafe

import psutil
import pytest

from support.environment import psql
from workflow_audit.local.environment import ROLES, WRITER, LocalEnvironment
from workflow_audit.local.waiting import wait_until

pytestmark = pytest.mark.database


def refusal(environment: LocalEnvironment, user: str, password: str) -> str:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        psql(environment.postgres, "SELECT 1", environment.postgres.url(user, password, "audit"))
    return caught.value.stderr


def test_right_password_is_accepted(local_environment: LocalEnvironment) -> None:
    assert psql(local_environment.postgres, "SELECT current_database()") == "audit"


@pytest.mark.parametrize("password", ["wrong", ""])
def test_wrong_password_is_refused(local_environment: LocalEnvironment, password: str) -> None:
    said = refusal(local_environment, "postgres", password)
    assert "password" in said


def test_socket_asks_for_the_password_too(local_environment: LocalEnvironment) -> None:
    postgres = local_environment.postgres
    assert postgres.socket_folder is not None
    command = [postgres.psql, "-wXAtq", "-h", postgres.socket_folder, "-p", str(postgres.port)]
    command += ["-U", "postgres", "-c", "SELECT 1", "audit"]
    refused = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    assert "no password supplied" in refused.stderr
    environment = {"PGPASSFILE": str(postgres.pgpass)}
    accepted = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert accepted.stdout == "1\n"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("password_encryption", "scram-sha-256"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
        ("listen_addresses", "127.0.0.1"),
    ],
)
def test_settings(local_environment: LocalEnvironment, setting: str, value: str) -> None:
    assert psql(local_environment.postgres, f"SHOW {setting}") == value


def test_version_is_18(local_environment: LocalEnvironment) -> None:
    assert psql(local_environment.postgres, "SHOW server_version_num").startswith("18")


def test_it_does_not_run_as_root(local_environment: LocalEnvironment) -> None:
    pid = local_environment.postgres.pid
    assert pid is not None
    assert psutil.Process(pid).uids().effective != 0


def test_data_is_closed_to_others(local_environment: LocalEnvironment) -> None:
    data = local_environment.postgres.folder / "data"
    assert data.stat().st_mode & 0o777 == 0o700
    assert local_environment.postgres.pgpass.stat().st_mode & 0o777 == 0o600
    assert not local_environment.folder.stat().st_mode & 0o066


def test_roles_have_passwords_to_be_set(local_environment: LocalEnvironment) -> None:
    passwords = local_environment.role_passwords
    assert set(passwords) == set(ROLES)
    assert len(set(passwords.values())) == len(ROLES)
    url = local_environment.database_url()
    assert url == local_environment.postgres.url(WRITER, passwords[WRITER], "audit")


def test_passwords_are_neither_in_arguments_nor_in_logs(
    local_environment: LocalEnvironment,
) -> None:
    postgres = local_environment.postgres
    secret = token_urlsafe()
    with pytest.raises(subprocess.CalledProcessError):
        psql(postgres, f"ALTER ROLE nobody_there LOGIN PASSWORD '{secret}'")
    assert secret not in postgres.log.read_text()
    passwords = local_environment.role_passwords.values()
    arguments = [" ".join(process.cmdline()) for process in psutil.Process().children()]
    texts = [log.read_text() for log in local_environment.folder.rglob("*.log")]
    assert texts
    assert not any(password in text for password in passwords for text in [*arguments, *texts])


@pytest.fixture(scope="module")
def own_environment() -> Iterator[LocalEnvironment]:
    """One that may be stopped: the shared one serves other tests at the same time."""
    with LocalEnvironment.temporary() as environment:
        yield environment


def test_committed_rows_survive_a_crash(own_environment: LocalEnvironment) -> None:
    postgres = own_environment.postgres
    url = postgres.superuser_url
    psql(postgres, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    for mode in ("immediate", "fast"):
        before = postgres.pid
        postgres.stop(mode)
        assert postgres.pid is None
        postgres.start()
        assert postgres.pid != before
        assert psql(postgres, "SELECT count(*) FROM kept") == "1000"
    assert postgres.superuser_url == url


def test_killed_server_starts_again_while_its_sessions_end(
    own_environment: LocalEnvironment,
) -> None:
    postgres = own_environment.postgres
    with sleeping_client(own_environment) as client:
        assert postgres.pid is not None
        psutil.Process(postgres.pid).kill()
        wait_until(lambda: postgres.pid is None, 5, "the server is dead")
        postgres.start()
        assert client.wait(10) != 0
    assert psql(postgres, "SELECT 1") == "1"


def test_restart_cuts_connections(own_environment: LocalEnvironment) -> None:
    with sleeping_client(own_environment) as client:
        own_environment.postgres.restart()
        assert client.wait(10) != 0
    assert psql(own_environment.postgres, "SELECT 1") == "1"


@contextmanager
def sleeping_client(environment: LocalEnvironment) -> Iterator[subprocess.Popen[str]]:
    postgres = environment.postgres
    command = [postgres.psql, "-XAtq", "-h", "127.0.0.1", "-p", str(postgres.port)]
    command += ["-U", "postgres", "-c", "SELECT pg_sleep(600)", "audit"]
    with subprocess.Popen(
        command, env={"PGPASSFILE": str(postgres.pgpass)}, stderr=subprocess.PIPE, text=True
    ) as client:
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)'"
        wait_until(lambda: psql(postgres, sleeping) == "1", 10, "the client is connected")
        yield client
