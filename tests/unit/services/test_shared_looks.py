"""Who asks while a look is under way shares the next one; nobody's trouble is another's."""

import asyncio
from collections.abc import Sequence
from datetime import date
from uuid import UUID

import pytest

from workflow_audit.errors import DatabaseUnavailableError
from workflow_audit.services.shared_looks import SharedLooks

FIRST, LAST = date(2026, 10, 28), date(2026, 11, 27)
A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


class Database:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.looks: list[tuple[list[UUID], date, date]] = []
        self.answer = asyncio.Event()
        self.error: Exception | None = None

    async def dates(self, ids: Sequence[UUID], first: date, last: date) -> list[tuple[UUID, date]]:
        self.looks.append((list(ids), first, last))
        await self.answer.wait()
        if self.error:
            raise self.error
        return [(each, FIRST) for each in ids]


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_who_ask_meanwhile_share_the_next_look() -> None:
    database = Database()
    looks = SharedLooks(database.dates)
    first = asyncio.create_task(looks([A], FIRST, LAST))
    await turns()
    others = [asyncio.create_task(looks([each], FIRST, LAST)) for each in (B, C)]
    await turns()
    database.answer.set()
    assert (A, FIRST) in await first
    for found, wanted in zip(await asyncio.gather(*others), (B, C), strict=True):
        assert (wanted, FIRST) in found
    assert database.looks == [([A], FIRST, LAST), ([B, C], FIRST, LAST)]


async def test_a_look_spans_the_days_of_all_who_share_it() -> None:
    database = Database()
    database.answer.set()
    looks = SharedLooks(database.dates)
    later = date(2026, 11, 28)
    await asyncio.gather(looks([A], FIRST, LAST), looks([B], date(2026, 10, 29), later))
    assert database.looks == [([A, B], FIRST, later)]


async def test_trouble_is_told_to_all_who_share_the_look_and_to_nobody_after_them() -> None:
    database = Database()
    database.error = DatabaseUnavailableError("away", 1.0)
    database.answer.set()
    looks = SharedLooks(database.dates)
    asked = await asyncio.gather(
        looks([A], FIRST, LAST), looks([B], FIRST, LAST), return_exceptions=True
    )
    assert [str(each) for each in asked] == ["away", "away"]
    database.error = None
    assert (C, FIRST) in await looks([C], FIRST, LAST)


async def test_who_gives_up_takes_nothing_from_the_others() -> None:
    database = Database()
    looks = SharedLooks(database.dates)
    impatient = asyncio.create_task(looks([A], FIRST, LAST))
    patient = asyncio.create_task(looks([B], FIRST, LAST))
    await turns()
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    database.answer.set()
    assert (B, FIRST) in await patient
