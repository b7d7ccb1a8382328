"""How a revision runs its SQL file, and says that it takes something away."""

from importlib.resources import files
from typing import Any

from alembic import op
from psycopg import Connection


def run_sql(name: str) -> None:
    """Run one file of `migrations/sql` in the revision's transaction.

    On the driver's own connection and without parameters: PostgreSQL then takes many statements
    at once, and a percent sign in a function's body stays a percent sign.
    """
    _connection().execute(files(__package__).joinpath("sql", name).read_bytes())


def refuse_programs_before(revision: str) -> None:
    """Say that programs which do not know a revision cannot work with the schema any more.

    Every revision that takes something away calls it; programs look at it when they start and
    whenever they are asked whether they are ready.
    """
    connection = _connection()
    connection.execute(
        "ALTER TABLE public.workflow_audit_schema ADD COLUMN IF NOT EXISTS oldest_program text"
    )
    connection.execute("UPDATE public.workflow_audit_schema SET oldest_program = %s", [revision])


def _connection() -> Connection[Any]:
    connection = op.get_bind().connection.driver_connection
    if not isinstance(connection, Connection):
        raise TypeError(f"migrations need psycopg's connection, got {type(connection)}")
    return connection
