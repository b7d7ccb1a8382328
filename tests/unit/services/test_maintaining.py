"""Maintenance goes on whatever the database does, and its figures are what it measured."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

import pytest

from workflow_audit import metrics
from workflow_audit.errors import DatabaseError, DatabaseUnavailableError
from workflow_audit.services import maintaining
from workflow_audit.services.maintaining import Maintenance, TableSize

NOW = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
DOWN = DatabaseUnavailableError("the database does not answer", retry_after_seconds=5)


class Database:
    def __init__(self, *errors: Exception | None, made: int = 0) -> None:
        self.errors = list(errors)
        self.made = made
        self.days: list[date] = []

    async def ensure_ahead(self, day: date) -> int:
        self.days.append(day)
        error = self.errors.pop(0) if self.errors else None
        if error:
            raise error
        return self.made

    async def table_size(self) -> TableSize:
        return TableSize(table_bytes=81_920, partitions=4)


def maintenance(database: Database) -> Maintenance:
    return Maintenance(database.ensure_ahead, database.table_size, clock=lambda: NOW)


async def test_partitions_are_made_and_the_table_is_measured() -> None:
    database = Database()
    await maintenance(database).once()
    assert database.days == [date(2026, 11, 23)]
    assert metrics.REGISTRY.get_sample_value("workflow_audit_table_bytes") == 81_920
    assert metrics.REGISTRY.get_sample_value("workflow_audit_partitions") == 4


@pytest.mark.parametrize(
    ("made", "lines"), [(0, []), (2, ["made 2 partitions ahead"])], ids=["nothing-new", "made"]
)
async def test_only_what_was_made_is_logged(
    made: int, lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await maintenance(Database(made=made)).once()
    assert caplog.messages == lines


async def run_until(database: Database, seen: Callable[[], bool]) -> None:
    task = asyncio.create_task(maintenance(database).run())
    async with asyncio.timeout(5):
        while not seen() and not task.done():  # noqa: ASYNC110 - asks what was called
            await asyncio.sleep(0.001)
    task.cancel()
    await task


async def test_a_database_error_puts_it_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(maintaining, "PERIOD_SECONDS", 0.001)
    database = Database(DOWN, DatabaseError("no rights"))
    with pytest.raises(asyncio.CancelledError):
        await run_until(database, lambda: len(database.days) >= 4)
    assert caplog.messages == [
        "maintenance is put off: the database does not answer",
        "maintenance is put off: no rights",
    ]


async def test_it_pauses_between_two_runs() -> None:
    database = Database()
    with pytest.raises(asyncio.CancelledError):
        await run_until(database, lambda: bool(database.days))
    assert len(database.days) == 1


async def test_a_mistake_of_ours_is_not_hidden() -> None:
    run: Awaitable[None] = maintenance(Database(KeyError("x"))).run()
    with pytest.raises(KeyError):
        await run
