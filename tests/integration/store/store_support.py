"""What the store's tests share: one database for each test, events, an observer that remembers."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import psycopg
import pytest
from psycopg import sql

from workflow_audit.local.postgres import Postgres
from workflow_audit.models.event import AuditEvent
from workflow_audit.store import migrating, schema
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.pool import Database, PoolOptions

CLUSTER = UUID("6f1c8a52-1111-4222-8333-944455566677")
PASSWORD = "a password of tests"  # noqa: S105
ROLES = ("workflow_audit_writer", "workflow_audit_reader", "workflow_audit_retention")
LOGINS = {role: f"test_{role.removeprefix('workflow_audit_')}" for role in ROLES}
WRITER, READER, RETENTION = LOGINS.values()

_numbers = count()


@dataclass(frozen=True)
class TestDatabase:
    """A database of its own on the shared server."""

    __test__ = False

    server: Postgres
    name: str

    def address(self, login: str = WRITER) -> DatabaseAddress:
        return DatabaseAddress(url=self.url(login))

    def url(self, login: str) -> str:
        if login == "postgres":
            return self.server.superuser_url.rpartition("/")[0] + f"/{self.name}"
        return self.server.url(login, PASSWORD, self.name)

    @contextlib.contextmanager
    def connected(self, login: str = "postgres") -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.url(login), autocommit=True) as connection:
            yield connection

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.connected() as connection:
            return connection.execute(statement.encode(), parameters or None).fetchall()

    def event_ids(self) -> list[UUID]:
        return [ident for (ident,) in self.rows("SELECT event_id FROM audit_events")]

    def pool(self, login: str = WRITER, **options: Any) -> Database:
        return Database(self.address(login), PoolOptions(**{"writes": login != READER} | options))


def create_database(server: Postgres, name: str, owner: str | None = None) -> TestDatabase:
    with psycopg.connect(server.superuser_url, autocommit=True) as admin:
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if owner:
            statement += sql.SQL(" OWNER {}").format(sql.Identifier(owner))
        admin.execute(statement)
    return TestDatabase(server, name)


@contextlib.contextmanager
def new_database(server: Postgres) -> Iterator[TestDatabase]:
    """A database with nothing in it, for as long as the block takes."""
    database = create_database(server, f"test_{next(_numbers)}")
    yield database
    server.start()  # a test may have stopped it
    with psycopg.connect(server.superuser_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {database.name} WITH (FORCE)".encode())


def create_login(server: Postgres, name: str, attributes: str = "") -> None:
    with psycopg.connect(server.superuser_url, autocommit=True) as admin:
        if admin.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchone() is None:
            admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}' {attributes}".encode())


def migrate_to(database: TestDatabase, revision: str) -> None:
    """Give a database the schema of an earlier version."""
    upgrade = migrating.command.upgrade
    with pytest.MonkeyPatch.context() as before:
        before.setattr(migrating.command, "upgrade", lambda config, _: upgrade(config, revision))
        assert schema.migrate(database.address("postgres"))
    assert database.rows("SELECT version_num FROM workflow_audit_schema") == [(revision,)]


def dumped(database: TestDatabase) -> str:
    """The schema as text, partitions included, the same on every version of PostgreSQL."""
    statement = Path(__file__).with_name("schema_dump.sql").read_bytes()
    with database.connected() as connection:
        return "\n".join(line for (line,) in connection.execute(statement)) + "\n"


def utc_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - partitions follow the real clock


def an_event(number: int = 0, *, at: datetime | None = None, **changes: Any) -> AuditEvent:
    """An event as the domain builds it; the same number gives the same event."""
    created = at or utc_now().replace(hour=12, minute=0, second=0)
    event = AuditEvent(
        event_id=uuid5(CLUSTER, str(number)),
        event_timestamp=created,
        event_date=created.astimezone(UTC).date(),
        event_outcome="success",
        actor_id="holmesgpt-api",
        resource_id=str(uuid5(CLUSTER, f"uid {number}")),
        resource_name=f"rr-{number}-x7k2p",
        correlation_id=f"rr-2026-{number:06d}",
        namespace="payments",
        cluster_id=str(CLUSTER),
        event_data={"query": {"text": "OOMKilled critical", "filters": {}}, "results": {}},
        event_metadata={"policy": "ClusterAuditPolicy/default"},
        retention_days=2555,
        duration_ms=45,
        top_workflow_id="pod-oom-gitops",
        top_confidence=0.6597,
    )
    return replace(event, **changes)


def some_events(count: int, first: int = 0) -> list[AuditEvent]:
    return [
        an_event(
            number, at=utc_now().replace(hour=0, minute=0, second=0) + timedelta(seconds=number)
        )
        for number in range(first, first + count)
    ]


@dataclass
class Remembering:
    """An observer that keeps what it was told."""

    batches: list[tuple[int, int]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def batch_written(self, rows: int, replays: int, seconds: float) -> None:
        assert seconds >= 0
        self.batches.append((rows, replays))

    def write_failed(self, kind: str) -> None:
        self.failures.append(kind)

    def waited(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def fails_again(self, times: int = 3) -> None:
        """Wait for more failed writes: then each lane of a writer has met one."""
        wanted = len(self.failures) + times
        await eventually(lambda: len(self.failures) >= wanted)


async def eventually(check: Callable[[], Any], within_seconds: float = 20) -> Any:
    """Give the first true value; report the last one seen."""
    end = asyncio.get_running_loop().time() + within_seconds
    while not (value := check()):
        if asyncio.get_running_loop().time() > end:
            raise AssertionError(f"not within {within_seconds} s; last seen: {value!r}")
        await asyncio.sleep(0.02)
    return value
