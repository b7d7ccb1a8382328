"""Work by key is done once for many changes, one at a time, and again after failures."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from workflow_audit.errors import ClusterError
from workflow_audit.services import work_queue
from workflow_audit.services.work_queue import WorkQueue

Work = Callable[[str], Awaitable[float | None]]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_queue, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(work_queue, "LONGEST_PAUSE_SECONDS", 0.004)


class Seen:
    """Notes each piece of work when it is done."""

    def __init__(self) -> None:
        self.times: Counter[str] = Counter()
        self._done: asyncio.Queue[str] = asyncio.Queue()

    def note(self, key: str) -> int:
        self.times[key] += 1
        self._done.put_nowait(key)
        return self.times[key]

    async def wait(self, pieces: int) -> None:
        for _ in range(pieces):
            await self._done.get()


@asynccontextmanager
async def running(queue: WorkQueue[str], work: Work) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.run(work))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_many_changes_are_one_piece_of_work() -> None:
    queue: WorkQueue[str] = WorkQueue()
    seen = Seen()

    async def work(key: str) -> None:
        seen.note(key)

    for _ in range(200):
        queue.add("a")
    queue.add("b")
    async with running(queue, work):
        await seen.wait(2)
    assert seen.times == {"a": 1, "b": 1}


async def test_a_change_during_the_work_is_worked_on_afterwards() -> None:
    queue: WorkQueue[str] = WorkQueue()
    seen, begun, go_on = Seen(), asyncio.Event(), asyncio.Event()
    busy: Counter[str] = Counter()
    most = 0

    async def work(key: str) -> None:
        nonlocal most
        busy[key] += 1
        most = max(most, busy[key])
        begun.set()
        await go_on.wait()
        busy[key] -= 1
        seen.note(key)

    queue.add("a")
    async with running(queue, work):
        await begun.wait()
        queue.add("a")
        queue.add("a")
        await asyncio.sleep(0)
        go_on.set()
        await seen.wait(2)
    assert (most, seen.times["a"]) == (1, 2)


@pytest.mark.parametrize("error", [ClusterError("refused", 403), KeyError("a mistake")])
async def test_after_a_failure_it_is_tried_again(error: Exception) -> None:
    queue: WorkQueue[str] = WorkQueue()
    seen = Seen()

    async def work(key: str) -> None:
        if seen.note(key) < 5 and key == "bad":
            raise error

    async with running(queue, work):
        queue.add("bad")
        queue.add("good")
        await seen.wait(6)
    assert seen.times == {"bad": 5, "good": 1}


async def test_it_is_done_again_when_it_asks_for_that() -> None:
    queue: WorkQueue[str] = WorkQueue()
    seen = Seen()

    async def work(key: str) -> float | None:
        return 0.001 if seen.note(key) < 3 else None

    async with running(queue, work):
        queue.add("a")
        await seen.wait(3)


async def test_a_change_does_not_wait_for_the_next_time() -> None:
    queue: WorkQueue[str] = WorkQueue()
    seen = Seen()

    async def work(key: str) -> float:
        seen.note(key)
        return 3600

    async with running(queue, work):
        queue.add("a")
        await seen.wait(1)
        queue.add("a")
        await seen.wait(1)
