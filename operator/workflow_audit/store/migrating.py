"""Run the migrations: one at a time, as workflow_audit_owner, again and again without harm."""

from importlib.resources import files

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy.pool import StaticPool

from workflow_audit.errors import DatabaseError
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.failures import connect_trouble, translated, unavailable
from workflow_audit.store.schema import NEEDED_REVISION, checked
from workflow_audit.store.sql import QUERIES

_MIGRATIONS = files(f"{__package__}.migrations")

PREPARE_SQL = _MIGRATIONS.joinpath("sql", "prepare.sql").read_text(encoding="utf-8")
"""What an administrator runs where the migrating login may not: docs/how-to/database.md has it."""


def migrated(address: DatabaseAddress) -> bool:
    """See `workflow_audit.store.schema.migrate`."""
    try:
        conninfo = address.conninfo(
            application_name="workflow-audit-migrate", target_session_attrs="read-write"
        )
    except OSError as error:
        raise unavailable(connect_trouble(error)) from error
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(QUERIES["lock_migrations"])
            found = _revision(connection)
            _prepare(connection)
            if found == NEEDED_REVISION:
                return False
            connection.execute(QUERIES["become_owner"])
            _upgrade(connection)
            return True
    except psycopg.Error as error:
        raise translated(error) from error
    except sqlalchemy.exc.DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise translated(error.orig) from error
        raise


def _revision(connection: psycopg.Connection) -> str | None:
    versions, events = connection.execute(QUERIES["schema_is_there"]).fetchone() or (False, False)
    found = connection.execute(QUERIES["schema_revision"]).fetchone() if versions else None
    return checked(found[0] if found else None, table_exists=events)


def _prepare(connection: psycopg.Connection) -> None:
    """Create roles and grant rights where they are lacking.

    PostgreSQL only warns when a login may not grant something, so look again afterwards.
    """
    if not _lacking(connection):
        return
    refusal = ""
    try:
        connection.execute(PREPARE_SQL.encode())
    except psycopg.errors.InsufficientPrivilege as error:
        refusal = f"{error.diag.message_primary}; "
    if lacking := _lacking(connection):
        raise DatabaseError(
            f"the database is not prepared, and this login may not prepare it: {refusal}"
            f"{'; '.join(lacking)}. Let an administrator run in this database:\n\n{PREPARE_SQL}\n"
            f"GRANT workflow_audit_owner TO {_login(connection)};\n"
        )


def _lacking(connection: psycopg.Connection) -> list[str]:
    return [text for (text,) in connection.execute(QUERIES["lacking_preparations"])]


def _login(connection: psycopg.Connection) -> str:
    return psycopg.sql.Identifier(connection.info.user).as_string(connection)


def _upgrade(connection: psycopg.Connection) -> None:
    """Let Alembic run what is missing on this connection, which keeps its lock and its role."""
    connection.autocommit = False
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool
    )
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.connect() as shared:
        config.attributes["connection"] = shared
        command.upgrade(config, "head")
    engine.dispose()
