"""The gate: which schema is there, and can this version work with it?

What always holds (docs/decisions/0026-schema-and-program-versions.md):
- A schema that is too old is refused by name until somebody migrates it.
- A newer one is worked with for as long as the revisions after ours have only added: during an
  upgrade and after a rollback, programs of the version before run on it.
- The first revision that takes something away says which programs still work with it.
"""

from dataclasses import dataclass
from typing import Any

from workflow_audit.errors import SchemaBehindError, SchemaVersionError
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.pool import Connection, Database
from workflow_audit.store.sql import QUERIES

VERSION_TABLE = "workflow_audit_schema"
"""Alembic's version table; its name says whose it is."""

KNOWN_REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
"""All revisions in order; the last one is what this version needs. A test holds it to Alembic's."""

NEEDED_REVISION = KNOWN_REVISIONS[-1]


@dataclass(frozen=True, slots=True)
class FoundSchema:
    """What a database says of its schema."""

    revision: str | None
    """The last one that it got; None: none."""

    oldest_program: str | None
    """The oldest revision whose programs still work with it; None: those of every revision."""

    table_exists: bool
    """Whether there is a table audit_events, whoever made it."""


def migrate(address: DatabaseAddress) -> bool:
    """Bring the schema up to date; blocks, and may be run by several at once.

    Returns:
        Whether anything had to be done. A newer schema that this version can work with is left
        as it is, so that a rollback can run its migration too.

    Raises:
        DatabaseUnavailableError: no connection.
        SchemaVersionError: this version cannot work with the schema any more, or it is not ours.
        DatabaseError: the login may not do it, or others hold the tables for too long; the message
            says what to do.
    """
    # Here and not above: Alembic and SQLAlchemy take 25 MiB, which the operator does not need.
    from workflow_audit.store.migrating import migrated  # noqa: PLC0415

    return migrated(address)


async def check(database: Database, *, seconds: float | None = None) -> str:
    """Give the schema's revision when this version can work with it.

    Args:
        database: where to look.
        seconds: longest wait; None is the pool's own.

    Raises:
        SchemaBehindError: it is too old, or missing; the message says what to run.
        SchemaVersionError: it has left this version behind, or is not ours.
        DatabaseUnavailableError: no connection.
    """
    async with database.connection(seconds=seconds) as connection:
        versions, events = await _one(connection, "schema_is_there") or (False, False)
        row = await _one(connection, "schema_revision") if versions else None
    revision = checked(found_schema(row, table_exists=events))
    if is_behind(revision):
        raise SchemaBehindError(
            f"the database has schema {revision or 'none'}, this version needs {NEEDED_REVISION}; "
            "run `workflow-audit migrate` with a login that may become workflow_audit_owner"
        )
    return str(revision)


def found_schema(row: tuple[Any, ...] | None, *, table_exists: bool) -> FoundSchema:
    """Give what the query schema_revision has found; None when it found nothing."""
    revision, oldest_program = row or (None, None)
    return FoundSchema(revision, oldest_program, table_exists)


def checked(found: FoundSchema) -> str | None:
    """Give the revision found, unless neither we nor a migration of ours can work with it.

    Raises:
        SchemaVersionError: our programs are too old for it, or a table audit_events is not ours.
    """
    if found.revision is None and found.table_exists:
        raise SchemaVersionError(
            "the database has a table public.audit_events that Workflow Audit did not make; "
            "give it a database of its own, or rename that table"
        )
    if found.oldest_program is not None and found.oldest_program > NEEDED_REVISION:
        raise SchemaVersionError(
            f"the database has schema {found.revision}, with which only programs work that know "
            f"schema {found.oldest_program}, but this version knows only up to {NEEDED_REVISION}; "
            "run the version of workflow-audit that migrated it, or a later one"
        )
    return found.revision


def is_behind(revision: str | None) -> bool:
    """Tell whether a revision has to be migrated; numbers of four digits compare as text."""
    return revision is None or revision < NEEDED_REVISION


async def _one(connection: Connection, name: str) -> tuple[Any, ...] | None:
    cursor = await connection.execute(QUERIES[name])
    return await cursor.fetchone()
