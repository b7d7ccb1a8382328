"""A PostgreSQL server of this folder's own, because its tests stop and break it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from store_support import LOGINS, READER, TestDatabase, create_login, new_database
from year_support import record_a_year

from workflow_audit.local.guarded_folder import guarded_folder
from workflow_audit.local.postgres import NAME, SUPERUSER, Postgres
from workflow_audit.local.postgres_programs import postgres_programs
from workflow_audit.local.servers import Servers
from workflow_audit.local.state import StateFile
from workflow_audit.store import schema


def running_server(
    folder: Path, programs: Path, kind: type[Postgres] = Postgres
) -> Iterator[Postgres]:
    state = StateFile(folder)
    state.set_passwords({SUPERUSER: "a password of the superuser"})
    servers = Servers(folder, state)
    server = kind(servers, state, programs, folder / "postgres")
    server.start()
    try:
        yield server
    finally:
        servers.stop(NAME)


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """PostgreSQL 18 with a login for each role."""
    with guarded_folder(print) as folder:
        yield from running_server(folder, postgres_programs(print))


@pytest.fixture(scope="session")
def start_server() -> Callable[..., Iterator[Postgres]]:
    return running_server


def migrated(database: TestDatabase) -> TestDatabase:
    schema.migrate(database.address("postgres"))
    for role, login in LOGINS.items():
        create_login(database.server, login, f"IN ROLE {role}")
    with database.connected() as connection:
        connection.execute("SELECT audit_ensure_partition(current_date)")
    return database


@pytest.fixture
def empty_database(server: Postgres) -> Iterator[TestDatabase]:
    """A database with nothing in it."""
    with new_database(server) as database:
        yield database


@pytest.fixture
def database(empty_database: TestDatabase) -> TestDatabase:
    """A migrated database with the partition of this month."""
    return migrated(empty_database)


@pytest.fixture(scope="module")
def shared_database(server: Postgres) -> Iterator[TestDatabase]:
    """The same for a whole module, whose tests leave it as it was."""
    with new_database(server) as database:
        yield migrated(database)


@pytest.fixture(scope="session")
def year(server: Postgres) -> Iterator[TestDatabase]:
    """A database with a year of events, for tests that only read."""
    with new_database(server) as database:
        record_a_year(migrated(database))
        yield database


@pytest.fixture(scope="module")
def reader(year: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    """A session of the reading role in that year."""
    with year.connected(READER) as connection:
        yield connection
