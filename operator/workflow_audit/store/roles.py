"""Let the roles that the migrations make log in: for local servers and tests.

In production an administrator does this, or grants the roles to logins (docs/how-to/database.md).
"""

from collections.abc import Mapping

import psycopg
from psycopg import sql

from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.failures import translated

ALTER = sql.SQL("ALTER ROLE {role} LOGIN PASSWORD {verifier}")


def allow_logins(address: DatabaseAddress, passwords: Mapping[str, str]) -> None:
    """Set the passwords of roles; the server sees and logs SCRAM verifiers only.

    Args:
        address: of a login that may alter the roles.
        passwords: by role.

    Raises:
        DatabaseError: a role is missing, or the login may not alter it.
    """
    try:
        with psycopg.connect(address.conninfo(), autocommit=True) as connection:
            for role, password in passwords.items():
                verifier = connection.pgconn.encrypt_password(
                    password.encode(), role.encode(), b"scram-sha-256"
                )
                statement = ALTER.format(
                    role=sql.Identifier(role), verifier=sql.Literal(verifier.decode())
                )
                connection.execute(statement)
    except psycopg.Error as error:
        raise translated(error) from error
