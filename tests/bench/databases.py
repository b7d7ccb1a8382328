"""Databases of their own on the shared server: migrated, empty, gone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from workflow_audit.local.environment import READER, RETENTION, WRITER, LocalEnvironment
from workflow_audit.store import schema
from workflow_audit.store.address import DatabaseAddress


@dataclass(frozen=True)
class FreshDatabase:
    """A database without rows."""

    administrator: str
    """URL of the superuser."""

    writer: str
    """URL of the role by which the operator writes."""

    reader: str
    """URL of the role by which audit events are read."""

    retention: str
    """URL of the role by which old events are removed."""

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Any]]:
        """Give a session of the superuser, each statement its own transaction."""
        with psycopg.connect(self.administrator, autocommit=True) as connection:
            yield connection


@contextmanager
def fresh_database(environment: LocalEnvironment, name: str) -> Iterator[FreshDatabase]:
    """Give a migrated database; it is dropped when the block ends."""
    with empty_database(environment, name) as fresh:
        schema.migrate(DatabaseAddress(url=fresh.administrator))
        yield fresh


@contextmanager
def empty_database(environment: LocalEnvironment, name: str) -> Iterator[FreshDatabase]:
    """Give a database without schema; it is dropped when the block ends."""
    postgres = environment.postgres
    superuser = postgres.superuser_url.rpartition("/")[0] + f"/{name}"
    passwords = environment.role_passwords
    _execute(environment, "CREATE DATABASE {}", name)
    try:
        yield FreshDatabase(
            superuser,
            writer=postgres.url(WRITER, passwords[WRITER], name),
            reader=postgres.url(READER, passwords[READER], name),
            retention=postgres.url(RETENTION, passwords[RETENTION], name),
        )
    finally:
        _execute(environment, "DROP DATABASE {} WITH (FORCE)", name)


def _execute(environment: LocalEnvironment, statement: LiteralString, name: str) -> None:
    with psycopg.connect(environment.postgres.superuser_url, autocommit=True) as server:
        server.execute(sql.SQL(statement).format(sql.Identifier(name)))
