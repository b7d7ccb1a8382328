"""Run the migrations: one at a time, as workflow_audit_owner, again and again without harm.

Each revision is a transaction of its own: a migration that is killed leaves the last finished one.
None of them waits long for a lock, because everybody who records would wait behind it: it gives up,
lets the others go on, and tries again.
"""

import logging
import time
from importlib.resources import files

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy.pool import StaticPool

from workflow_audit.errors import DatabaseError
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.failures import connect_trouble, translated, unavailable
from workflow_audit.store.schema import checked, found_schema, is_behind
from workflow_audit.store.sql import QUERIES

log = logging.getLogger(__name__)

LOCK_WAIT_SECONDS = 0.5
"""How long a revision waits for one lock, and all who record behind it."""

LOCK_PAUSE_SECONDS = 2.0
"""How long the others then have the tables to themselves."""

LOCK_PATIENCE_SECONDS = 300.0
"""For how long this is tried: longer than any read of ours takes, shorter than a dump may."""

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
            if not is_behind(found):
                return False
            connection.execute(QUERIES["become_owner"])
            _upgrade_between_others(connection)
            return True
    except psycopg.Error as error:
        raise translated(error) from error
    except sqlalchemy.exc.DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise translated(error.orig) from error
        raise


def _revision(connection: psycopg.Connection) -> str | None:
    versions, events = connection.execute(QUERIES["schema_is_there"]).fetchone() or (False, False)
    row = connection.execute(QUERIES["schema_revision"]).fetchone() if versions else None
    return checked(found_schema(row, table_exists=events))


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


def _upgrade_between_others(connection: psycopg.Connection) -> None:
    """Upgrade, and begin again for as long as others hold the tables."""
    milliseconds = str(int(LOCK_WAIT_SECONDS * 1000))
    connection.execute(QUERIES["limit_lock_waits"], {"milliseconds": milliseconds})
    give_up = time.monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        try:
            _upgrade(connection)
        except (psycopg.Error, sqlalchemy.exc.DBAPIError) as error:
            if not _others_are_in_the_way(error):
                raise
            connection.rollback()
            connection.autocommit = True
            _wait_for_others(connection, give_up)
        else:
            return


def _others_are_in_the_way(error: psycopg.Error | sqlalchemy.exc.DBAPIError) -> bool:
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    return isinstance(cause, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected)


def _wait_for_others(connection: psycopg.Connection, give_up: float) -> None:
    rows = connection.execute(QUERIES["sessions_in_the_way"])
    sessions = ", ".join(f"{pid} ({login}, {program or 'unnamed'})" for pid, login, program in rows)
    if time.monotonic() > give_up:
        raise DatabaseError(
            f"the schema is at {_revision(connection)} and goes no further: within "
            f"{LOCK_PATIENCE_SECONDS:g} s other sessions did not let go of its tables: {sessions}; "
            "wait for them or end them with pg_terminate_backend, then run `workflow-audit migrate`"
        )
    log.warning("waiting for the tables, which other sessions use: %s", sessions)
    time.sleep(LOCK_PAUSE_SECONDS)


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
