"""The gate: which schema is there, and can this version work with it?

A database that is too old or too new is refused by name, with the command that helps; working on
would mean errors in the middle of the night instead of one at start.
"""

from typing import Any

from workflow_audit.errors import SchemaVersionError
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.pool import Connection, Database
from workflow_audit.store.sql import QUERIES

VERSION_TABLE = "workflow_audit_schema"
"""Alembic's version table; its name says whose it is."""

KNOWN_REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
"""All revisions in order; the last one is what this version needs. A test holds it to Alembic's."""

NEEDED_REVISION = KNOWN_REVISIONS[-1]


def migrate(address: DatabaseAddress) -> bool:
    """Bring the schema up to date; blocks, and may be run by several at once.

    Returns:
        Whether anything had to be done.

    Raises:
        DatabaseUnavailableError: no connection.
        SchemaVersionError: the schema is newer than this version, or not ours.
        DatabaseError: the login may not do it; the message says what an administrator must run.
    """
    # Here and not above: Alembic and SQLAlchemy take 25 MiB, which the operator does not need.
    from workflow_audit.store.migrating import migrated  # noqa: PLC0415

    return migrated(address)


async def check(database: Database) -> str:
    """Give the schema's revision when this version can work with it.

    Raises:
        SchemaVersionError: it cannot; the message says what to run.
        DatabaseUnavailableError: no connection.
    """
    async with database.connection() as connection:
        versions, events = await _one(connection, "schema_is_there")
        found = await _one(connection, "schema_revision") if versions else None
    revision = checked(found[0] if found else None, table_exists=events)
    if revision != NEEDED_REVISION:
        raise SchemaVersionError(
            f"the database has schema {revision or 'none'}, this version needs {NEEDED_REVISION}; "
            "run `workflow-audit migrate` with a login that may become workflow_audit_owner"
        )
    return revision


def checked(revision: str | None, *, table_exists: bool) -> str | None:
    """Give the revision found, unless it is none of ours.

    Raises:
        SchemaVersionError: newer than this version, or a table audit_events of somebody else.
    """
    if revision is None and table_exists:
        raise SchemaVersionError(
            "the database has a table public.audit_events that Workflow Audit did not make; "
            "give it a database of its own, or rename that table"
        )
    if revision is not None and revision not in KNOWN_REVISIONS:
        raise SchemaVersionError(
            f"the database has schema {revision}, but this version knows only up to "
            f"{NEEDED_REVISION}; run the version of workflow-audit that migrated it, or a later one"
        )
    return revision


async def _one(connection: Connection, name: str) -> tuple[Any, ...]:
    cursor = await connection.execute(QUERIES[name])
    return await cursor.fetchone() or (None,)
