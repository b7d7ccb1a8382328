"""Events that are accepted: resolved once, and whoever waits is told or forgotten."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from workflow_audit.errors import DatabaseUnavailableError
from workflow_audit.models.event import Written
from workflow_audit.store.pending import PendingEvent, all_resolved
from workflow_audit.store.rows import Names

NOW = datetime(2026, 10, 19, 12, tzinfo=UTC)
WRITTEN = Written(NOW, replayed=False)


def pending(number: int, let_go: list[PendingEvent] | None = None) -> PendingEvent:
    ident = UUID(int=number)
    gone = [] if let_go is None else let_go
    return PendingEvent(
        key=(NOW.date(), ident),
        order=(NOW, ident),
        row=(),
        names=Names("rr-1", "uid", "search"),
        since=0.0,
        let_go=gone.append,
    )


async def test_who_waits_is_told_when_the_last_is_resolved() -> None:
    events = [pending(number) for number in range(3)]
    waiting = [asyncio.create_task(all_resolved(events)) for _ in range(2)]
    for event in events:
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        event.resolve(WRITTEN)
    await asyncio.gather(*waiting)


async def test_the_same_event_twice_is_waited_for_once() -> None:
    event = pending(1)
    waiting = asyncio.create_task(all_resolved([event, event]))
    await asyncio.sleep(0)
    event.resolve(WRITTEN)
    await waiting


async def test_nothing_is_waited_for_where_all_are_resolved() -> None:
    event = pending(1)
    event.resolve(WRITTEN)
    await all_resolved([event])
    await all_resolved([])


async def test_an_error_resolves_too() -> None:
    event, error = pending(1), DatabaseUnavailableError("gone", 1.0)
    event.resolve(error)
    await all_resolved([event])
    assert event.outcome is error


async def test_who_gives_up_is_forgotten_and_the_others_are_told() -> None:
    first, second = pending(1), pending(2)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await all_resolved([first, second])
    assert not first.waiting
    assert not second.waiting
    waiting = asyncio.create_task(all_resolved([first, second]))
    await asyncio.sleep(0)
    first.resolve(WRITTEN)
    second.resolve(WRITTEN)
    await waiting


async def test_who_has_just_given_up_does_not_disturb_the_others() -> None:
    """Between giving up and being forgotten the event may be resolved."""
    event = pending(1)
    gone, other = (asyncio.create_task(all_resolved([event])) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    event.resolve(WRITTEN)
    await other
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_what_it_held_is_let_go_before_anybody_is_told() -> None:
    let_go: list[PendingEvent] = []
    event = pending(1, let_go)
    seen: list[int] = []
    event.waiting.append(lambda: seen.append(len(let_go)))
    event.resolve(WRITTEN)
    assert (let_go, seen) == ([event], [1])


def test_it_is_resolved_once() -> None:
    event = pending(1)
    event.resolve(WRITTEN)
    with pytest.raises(RuntimeError, match="resolved already"):
        event.resolve(DatabaseUnavailableError("gone", 1.0))
    assert event.outcome is WRITTEN
