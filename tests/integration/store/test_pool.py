"""Connections: limits, a password that rotates, and messages without secrets."""

import asyncio
import logging
from pathlib import Path

import psycopg
import pytest
from store_support import PASSWORD, TestDatabase, create_login, eventually

from workflow_audit.errors import DatabaseUnavailableError
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.facts import ping, table_facts
from workflow_audit.store.pool import Connection, Database, PoolOptions

pytestmark = pytest.mark.database


async def shown(database: Database, *names: str) -> list[str]:
    async with database.connection() as connection:
        return [
            (await (await connection.execute(f"SHOW {name}".encode())).fetchone() or ("",))[0]
            for name in names
        ]


async def test_a_connection_has_its_limits_and_name(database: TestDatabase) -> None:
    async with database.pool(answer_seconds=7, name="audit-test") as pool:
        assert await shown(
            pool,
            "statement_timeout",
            "idle_in_transaction_session_timeout",
            "application_name",
            "synchronous_commit",
            "timezone",
        ) == ["7s", "7s", "audit-test", "on", "UTC"]


async def test_a_commit_that_does_not_wait_for_the_disk_is_overruled(
    database: TestDatabase,
) -> None:
    with database.connected() as admin:
        admin.execute(f"ALTER DATABASE {database.name} SET synchronous_commit = off".encode())
    async with database.pool() as pool:
        assert await shown(pool, "synchronous_commit") == ["on"]


async def test_a_password_that_rotates_needs_no_restart(
    database: TestDatabase, tmp_path: Path
) -> None:
    create_login(database.server, "rotating", "IN ROLE workflow_audit_writer")
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    url = database.server.url("rotating", "wrong and overruled", database.name)
    address = DatabaseAddress(url=url, password_file=file)
    with database.connected() as admin:
        try:
            async with Database(address, PoolOptions(max_size=1, acquire_seconds=1)) as pool:
                await ping(pool)
                admin.execute("ALTER ROLE rotating PASSWORD 'the next one'")
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE usename = 'rotating'"
                )
                with pytest.raises(DatabaseUnavailableError):
                    await ping(pool)
                with pytest.raises(
                    DatabaseUnavailableError, match="password authentication failed"
                ):
                    await ping(pool)
                file.unlink()
                assert await said_in_time(pool, "password cannot be read")
                file.write_text("the next one")
                assert await said_in_time(pool, "")
        finally:
            admin.execute("DROP ROLE rotating")


async def said_in_time(pool: Database, words: str) -> bool:
    """Whether within 20 s a ping fails with these words, or for none of them succeeds."""
    for _ in range(200):
        said = await problem(pool)
        if words in said and bool(words) == bool(said):
            return True
        await asyncio.sleep(0.1)
    return False


async def problem(pool: Database) -> str:
    try:
        await ping(pool)
    except DatabaseUnavailableError as error:
        return str(error)
    return ""


async def test_no_secret_is_said_or_logged(
    database: TestDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "workflow_audit")
    address = DatabaseAddress(url=database.server.url("postgres", "ge-heim", database.name))
    async with Database(address, PoolOptions(acquire_seconds=1)) as pool:
        said = await problem(pool) + await problem(pool)
    assert "password authentication failed" in said
    assert "ge-heim" not in said + caplog.text + repr(address) + repr(pool)
    assert [record for record in caplog.records if record.name.startswith("psycopg")] == []


async def test_a_slow_statement_is_ended_and_its_connection_replaced(
    database: TestDatabase,
) -> None:
    async with database.pool(max_size=1, answer_seconds=0.2) as pool:
        with pytest.raises(DatabaseUnavailableError, match="statement timeout"):
            async with pool.connection() as connection:
                await connection.execute("SELECT pg_sleep(5)")
        await ping(pool)


async def test_a_server_that_does_not_answer_is_given_up(database: TestDatabase) -> None:
    async with database.pool(max_size=1) as pool:
        with pytest.raises(DatabaseUnavailableError, match=r"no answer within 0\.2 s"):
            async with pool.connection(seconds=0.2) as connection:
                await connection.execute("SELECT pg_sleep(5)")
        await ping(pool)


async def test_a_session_lasts_but_its_statements_have_their_limit(database: TestDatabase) -> None:
    async with database.pool(max_size=1, answer_seconds=0.2) as pool:
        async with pool.session() as connection:
            before = await pid(connection)
            for _ in range(4):
                await connection.execute("SELECT pg_sleep(0.1)")
            assert await pid(connection) == before
        with pytest.raises(DatabaseUnavailableError, match="statement timeout"):
            async with pool.session() as connection:
                await connection.execute("SELECT pg_sleep(5)")


async def test_what_belongs_to_a_session_ends_with_it(database: TestDatabase) -> None:
    async with database.pool(max_size=1) as pool:
        async with pool.session() as connection:
            await connection.execute("SELECT pg_advisory_lock(7)")
            before = await pid(connection)
        async with pool.session() as connection:
            assert await pid(connection) != before
    with database.connected() as other:
        free = "SELECT pg_try_advisory_lock(7)"
        assert await eventually(lambda: other.execute(free).fetchone() == (True,))


async def pid(connection: Connection) -> int:
    cursor = await connection.execute("SELECT pg_backend_pid()")
    ((found,),) = await cursor.fetchall()
    return int(found)


async def test_all_connections_busy_is_said_as_such(database: TestDatabase) -> None:
    async with database.pool(max_size=1, acquire_seconds=0.2) as pool, pool.connection():
        with pytest.raises(DatabaseUnavailableError, match="all connections are busy"):
            async with pool.connection():
                pass


async def test_a_closed_pool_is_said_as_such(database: TestDatabase) -> None:
    pool = database.pool()
    await pool.open()
    await pool.close()
    with pytest.raises(DatabaseUnavailableError, match="because the program stops"):
        await ping(pool)


async def test_the_size_of_the_table_is_told(database: TestDatabase) -> None:
    async with database.pool() as pool:
        facts = await table_facts(pool)
        assert facts.partitions == 1
        assert facts.table_bytes > 0
        assert facts.estimated_rows == 0


async def test_a_database_without_table_has_no_size(empty_database: TestDatabase) -> None:
    async with empty_database.pool("postgres") as pool:
        assert (await table_facts(pool)).partitions == 0


async def test_a_ping_says_why_it_failed(database: TestDatabase) -> None:
    async with database.pool() as pool:
        await ping(pool)
        with psycopg.connect(database.server.superuser_url, autocommit=True) as admin:
            admin.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false".encode())
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [database.name],
            )
        with pytest.raises(DatabaseUnavailableError):
            await ping(pool)
        assert await said_in_time(pool, "is not currently accepting connections")
        with psycopg.connect(database.server.superuser_url, autocommit=True) as admin:
            admin.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true".encode())
