"""The driver's errors become ours: what waits, what is refused, what is said."""

import psycopg
import pytest
from psycopg import errors as pg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from workflow_audit.errors import DatabaseError, DatabaseUnavailableError, EventRefusedError
from workflow_audit.store.failures import (
    PartitionMissingError,
    StatementFailedError,
    connect_trouble,
    failure_kind,
    translated,
)


class BoundsError(psycopg.Error):
    sqlstate = "AU002"


@pytest.mark.parametrize(
    ("error", "kind", "expected"),
    [
        pytest.param(
            psycopg.OperationalError("gone"), "network", DatabaseUnavailableError, id="cut"
        ),
        pytest.param(PoolTimeout("x"), "network", DatabaseUnavailableError, id="pool-timeout"),
        pytest.param(TooManyRequests("x"), "network", DatabaseUnavailableError, id="pool-full"),
        pytest.param(PoolClosed("x"), "network", DatabaseUnavailableError, id="pool-closed"),
        pytest.param(pg.AdminShutdown("x"), "network", DatabaseUnavailableError, id="shutdown"),
        pytest.param(pg.CannotConnectNow("x"), "network", DatabaseUnavailableError, id="starting"),
        pytest.param(
            pg.ReadOnlySqlTransaction("x"), "network", DatabaseUnavailableError, id="standby"
        ),
        pytest.param(pg.TooManyConnections("x"), "database", StatementFailedError, id="too-many"),
        pytest.param(
            pg.SerializationFailure("x"), "database", StatementFailedError, id="serialization"
        ),
        pytest.param(pg.DeadlockDetected("x"), "database", StatementFailedError, id="deadlock"),
        pytest.param(pg.DiskFull("x"), "database", StatementFailedError, id="disk-full"),
        pytest.param(
            pg.InsufficientPrivilege("x"), "database", StatementFailedError, id="no-right"
        ),
        pytest.param(pg.UndefinedTable("x"), "database", StatementFailedError, id="no-table"),
        pytest.param(pg.CheckViolation("x"), "database", PartitionMissingError, id="no-partition"),
        pytest.param(pg.NotNullViolation("x"), "validation", EventRefusedError, id="not-null"),
        pytest.param(
            pg.StringDataRightTruncation("x"), "validation", EventRefusedError, id="too-long"
        ),
        pytest.param(pg.UntranslatableCharacter("x"), "validation", EventRefusedError, id="NUL"),
        pytest.param(pg.ProgramLimitExceeded("x"), "validation", EventRefusedError, id="limit"),
        pytest.param(BoundsError("x"), "validation", EventRefusedError, id="out-of-bounds"),
        pytest.param(psycopg.DataError("x"), "validation", EventRefusedError, id="packing"),
    ],
)
def test_translation(error: psycopg.Error, kind: str, expected: type[DatabaseError]) -> None:
    ours = translated(error)
    assert type(ours) is expected
    assert failure_kind(ours) == kind
    if isinstance(ours, DatabaseUnavailableError):
        assert ours.retry_after_seconds > 0


@pytest.mark.parametrize(
    ("error", "doubtful"),
    [
        (pg.InternalError_("x"), True),
        (pg.QueryCanceled("x"), True),
        (pg.OutOfMemory("x"), True),
        (pg.DiskFull("x"), False),
        (pg.InsufficientPrivilege("x"), False),
    ],
)
def test_a_row_is_suspected_only_where_it_may_be_the_cause(
    error: psycopg.Error, *, doubtful: bool
) -> None:
    ours = translated(error)
    assert isinstance(ours, StatementFailedError)
    assert ours.doubtful is doubtful


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            'connection failed: connection to server at "127.0.0.1", port 1 failed: '
            "Connection refused\n\tIs the server running on that host and accepting connections?",
            "connection refused",
            id="refused",
        ),
        pytest.param(
            'connection failed: connection to server at "::1", port 5 failed: FATAL:  the database '
            "system is starting up",
            "the database system is starting up",
            id="starting",
        ),
        pytest.param(
            "server closed the connection unexpectedly\n\tThis probably means ...",
            "server closed the connection unexpectedly",
            id="closed",
        ),
        pytest.param("connection timeout expired", "connection timeout expired", id="time-out"),
        pytest.param("", "OperationalError", id="silent"),
    ],
)
def test_causes_are_said_in_plain_words(text: str, words: str) -> None:
    assert connect_trouble(psycopg.OperationalError(text)) == words


def test_a_message_is_one_line_of_bounded_length() -> None:
    assert len(str(translated(psycopg.DataError("x" * 10_000 + "\nsecond line")))) < 250


def test_a_pools_timeout_repeats_why_connecting_failed() -> None:
    assert "connection refused" in str(translated(PoolTimeout("x"), "connection refused"))
