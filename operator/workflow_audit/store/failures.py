"""The driver's errors become ours, here and nowhere else.

What always holds: a row is refused only when PostgreSQL, or the driver while packing it, says that
its data cannot be stored. Everything else may pass by itself, also a missing right or a full disk,
which an administrator can mend: events wait rather than being given up. Messages carry PostgreSQL's
primary text only; its DETAIL repeats the row.
"""

import re
from typing import Literal

import psycopg
from psycopg import errors as pg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from workflow_audit.errors import (
    SHOWN_CHARACTERS,
    DatabaseError,
    DatabaseUnavailableError,
    EventRefusedError,
)

RETRY_AFTER_SECONDS = 5.0
"""What callers are told to wait: long enough for a failover, short for people."""

OUT_OF_BOUNDS = "AU002"
"""SQLSTATE of audit_ensure_partition for a day that no partition is made for."""

FailureKind = Literal["validation", "network", "database"]

_ROW_CLASSES = ("22", "23", "54")  # data exception, integrity constraint, program limit
_NETWORK_CLASSES = ("08", "57P")  # connection exception; shutdown, crash, start-up
_DOUBTFUL = ("XX", "57014", "53200")  # internal error, time-out, memory: perhaps a row's doing
_BEFORE_CAUSE = re.compile(r"^.*failed: (?:FATAL: +)?", re.DOTALL)


class PartitionMissingError(DatabaseUnavailableError):
    """No partition takes one of the rows; passes once it is created."""


class StatementFailedError(DatabaseUnavailableError):
    """The server answers, but with an error that is not about a row's data."""

    def __init__(self, message: str, *, doubtful: bool) -> None:
        super().__init__(message, RETRY_AFTER_SECONDS)
        self.doubtful = doubtful
        """Whether one row of the batch may be what the server stumbles over."""


class StatementTimeoutError(StatementFailedError):
    """The server ended a statement that took too long, or somebody had it ended."""


def failure_kind(error: DatabaseError) -> FailureKind:
    """Give the `error_type` of workflow_audit_write_errors_total."""
    if isinstance(error, EventRefusedError):
        return "validation"
    return (
        "database" if isinstance(error, StatementFailedError | PartitionMissingError) else "network"
    )


def translated(error: psycopg.Error, last_trouble: str | None = None) -> DatabaseError:
    """Give our error for one of the driver's or the pool's.

    Args:
        error: as raised by psycopg or psycopg_pool.
        last_trouble: why the last attempt to connect failed; a pool's time-out does not say it.
    """
    if isinstance(error, PoolTimeout | TooManyRequests):
        return unavailable(last_trouble or "all connections are busy")
    if isinstance(error, PoolClosed):
        return unavailable("the connections are closed, because the program stops")
    state = error.sqlstate or ""
    if state and not state.startswith(_NETWORK_CLASSES):
        return _answered(error, state)
    if isinstance(error, psycopg.DataError):
        return EventRefusedError(f"the event cannot be stored: {_cut(str(error))}")
    return unavailable(connect_trouble(error))


def _answered(error: psycopg.Error, state: str) -> DatabaseError:
    """Translate what the server says of a statement."""
    text = _cut(error.diag.message_primary or type(error).__name__)
    if isinstance(error, pg.CheckViolation) and error.diag.constraint_name is None:
        return PartitionMissingError(f"PostgreSQL: {text}", RETRY_AFTER_SECONDS)
    if state.startswith(_ROW_CLASSES) or state == OUT_OF_BOUNDS:
        return EventRefusedError(f"PostgreSQL refuses the event: {text} (SQLSTATE {state})")
    if isinstance(error, pg.ReadOnlySqlTransaction):
        return unavailable("the server is a standby and takes no writes")
    if isinstance(error, pg.InsufficientPrivilege):
        text += "; grant the login the role it needs, see docs/how-to/database.md"
    kind = StatementTimeoutError if isinstance(error, pg.QueryCanceled) else StatementFailedError
    return kind(f"PostgreSQL: {text} (SQLSTATE {state})", doubtful=state.startswith(_DOUBTFUL))


def unavailable(cause: str) -> DatabaseUnavailableError:
    """Give the error for a database that cannot be worked with now."""
    return DatabaseUnavailableError(f"PostgreSQL is not available: {cause}", RETRY_AFTER_SECONDS)


def connect_trouble(error: Exception) -> str:
    """Give the cause in plain words: `connection refused`, `the database system is starting up`.

    libpq wraps it: `connection failed: connection to server at "::1", port 5432 failed: FATAL:  x`,
    and follows it with advice and other hosts in further lines.
    """
    if isinstance(error, OSError):
        file = error.filename or "a file of the address"
        return f"{file} cannot be read ({error.strerror or type(error).__name__})"
    first_line = str(error).strip().partition("\n")[0]
    cause = _BEFORE_CAUSE.sub("", first_line).strip()
    return _cut(cause[0].lower() + cause[1:]) if cause else type(error).__name__


def _cut(text: str) -> str:
    """Give one line of bounded length: some messages quote a value of the row."""
    line = text.partition("\n")[0]
    limit = 2 * SHOWN_CHARACTERS
    return line if len(line) <= limit else f"{line[:limit]}..."
