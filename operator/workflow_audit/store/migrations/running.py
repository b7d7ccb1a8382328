"""How a revision runs its SQL file."""

from importlib.resources import files

from alembic import op
from psycopg import Connection


def run_sql(name: str) -> None:
    """Run one file of `migrations/sql` in the revision's transaction.

    On the driver's own connection and without parameters: PostgreSQL then takes many statements
    at once, and a percent sign in a function's body stays a percent sign.
    """
    text = files(__package__).joinpath("sql", name).read_bytes()
    connection = op.get_bind().connection.driver_connection
    if not isinstance(connection, Connection):
        raise TypeError(f"migrations need psycopg's connection, got {type(connection)}")
    connection.execute(text)
