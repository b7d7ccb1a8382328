"""Connections to PostgreSQL: opened explicitly, limited, replaced after a failure.

What always holds:
- `open` returns at once, also without a database: the operator starts, and says what is missing.
- A connection that met an error which is not about a row's data is thrown away, so that no retry
  meets a standby, a dead peer or a lost prepared statement again.
- Files with the URL or the password are read at each connect; neither stands in a message.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection, IsolationLevel
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from workflow_audit.errors import EventRefusedError, InvalidFieldError
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.arrays import register_arrays
from workflow_audit.store.failures import (
    PartitionMissingError,
    connect_trouble,
    translated,
    unavailable,
)
from workflow_audit.store.sql import QUERIES

Connection = AsyncConnection[TupleRow]

RECONNECT_SECONDS = 3.0
"""How long the pool goes on connecting before it waits to be asked again.

Its pauses double (1, 2, 4 ... s), so that with the library's five minutes a database which has
been away for two is noticed a minute late. Whoever asks again begins with a short pause.
"""

# Every loan is an INFO line there, and every failed attempt a WARNING beside our own.
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolOptions:
    """Limits of one pool; the defaults suit the operator."""

    name: str = "workflow-audit"
    """application_name, as pg_stat_activity shows it."""

    min_size: int = 1
    max_size: int = 4
    acquire_seconds: float = 3.0
    """Longest wait for a connection."""

    answer_seconds: float = 30.0
    """Longest use of one; the server gets it as statement_timeout, and we stop 5 s later."""

    writes: bool = True
    """Whether only a server that takes writes will do (of several hosts, the primary).

    Otherwise a transaction can change nothing, and shows one moment for as long as it takes.
    """


class Database:
    """The one door to PostgreSQL."""

    def __init__(self, address: DatabaseAddress, options: PoolOptions | None = None) -> None:
        self._address = address
        self._options = options or PoolOptions()
        self._trouble: str | None = None
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            self._conninfo,
            connection_class=_reporting_to(self),
            kwargs={"autocommit": True},
            min_size=self._options.min_size,
            max_size=self._options.max_size,
            timeout=self._options.acquire_seconds,
            reconnect_timeout=RECONNECT_SECONDS,
            configure=self._set_up,
            name=self._options.name,
            open=False,
        )

    @property
    def trouble(self) -> str | None:
        """Why the last attempt to connect failed, in plain words; None when it did not."""
        return self._trouble

    @property
    def answer_seconds(self) -> float:
        """Longest time for one answer of the server."""
        return self._options.answer_seconds

    async def open(self) -> None:
        """Begin to connect, in the background."""
        await self._pool.open()

    async def close(self) -> None:
        """Give all connections back; waiting callers get DatabaseUnavailableError."""
        await self._pool.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @asynccontextmanager
    async def connection(self, *, seconds: float | None = None) -> AsyncIterator[Connection]:
        """Lend a connection in autocommit mode.

        Args:
            seconds: longest wait for the connection, and again for the answer.

        Raises:
            EventRefusedError: the server refuses the data of a row.
            DatabaseUnavailableError: anything else that went wrong; try again later.
        """
        answer_seconds = seconds or self._options.answer_seconds + 5
        async with self._lent(seconds, answer_seconds) as connection:
            yield connection

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Connection]:
        """Lend a connection for as long as the block takes, and throw it away afterwards.

        The server still ends each statement that takes too long. What belongs to the session, such
        as its locks, ends with the block, however that ends.

        Raises:
            DatabaseUnavailableError: something went wrong; try again later.
        """
        async with self._lent(None, None) as connection:
            try:
                yield connection
            finally:
                await connection.close()

    @asynccontextmanager
    async def _lent(
        self, seconds: float | None, answer_seconds: float | None
    ) -> AsyncIterator[Connection]:
        try:
            async with (
                self._pool.connection(timeout=seconds) as connection,
                _discarded_on_failure(connection),
                asyncio.timeout(answer_seconds),
            ):
                yield connection
        except psycopg.Error as error:
            ours = translated(error, self._trouble)
            if isinstance(ours, EventRefusedError):
                raise ours from None  # PostgreSQL's text repeats the whole row
            raise ours from error
        except TimeoutError as error:
            raise unavailable(f"no answer within {answer_seconds:g} s") from error

    def _conninfo(self) -> str:
        defaults = {"application_name": self._options.name}
        if self._options.writes:
            defaults["target_session_attrs"] = "read-write"
        try:
            return self._address.conninfo(**defaults)
        except (OSError, InvalidFieldError) as error:
            self._trouble = connect_trouble(error)
            raise

    async def _set_up(self, connection: Connection) -> None:
        register_arrays(connection)
        milliseconds = str(int(self._options.answer_seconds * 1000))
        limits = {"statement_ms": milliseconds, "idle_ms": milliseconds}
        await connection.execute(QUERIES["set_up_session"], limits)
        if not self._options.writes:
            await connection.set_read_only(True)
            await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)


@asynccontextmanager
async def _discarded_on_failure(connection: Connection) -> AsyncIterator[None]:
    try:
        yield
    except psycopg.Error as error:
        if not isinstance(translated(error), EventRefusedError | PartitionMissingError):
            await connection.close()
        raise
    except TimeoutError:
        await connection.close()
        raise


def _reporting_to(database: Database) -> type[Connection]:
    """Give a connection class that tells why connecting failed: the pool only logs it."""

    class ReportingConnection(AsyncConnection[TupleRow]):
        @classmethod
        async def connect(cls, conninfo: str = "", **kwargs: Any) -> Self:
            try:
                connection = await super().connect(conninfo, **kwargs)
            except psycopg.Error as error:
                database._trouble = connect_trouble(error)  # noqa: SLF001
                raise
            database._trouble = None  # noqa: SLF001
            return connection

    return ReportingConnection
