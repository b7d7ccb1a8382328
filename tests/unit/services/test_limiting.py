"""Who asks too much waits or is refused, and nobody else notices."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from workflow_audit.domain.rates import Rate
from workflow_audit.errors import TooManyRequestsError
from workflow_audit.services import limiting
from workflow_audit.services.limiting import Limits

RATE = Rate(per_second=0.5, burst=3)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def ask(limits: Limits, user: str, times: int = 1) -> int:
    """Give how often he was admitted."""
    admitted = 0
    for _ in range(times):
        try:
            async with limits.admitted(user):
                admitted += 1
        except TooManyRequestsError:
            pass
    return admitted


async def test_the_rate_counts_for_each_user_alone() -> None:
    clock = Clock()
    limits = Limits(RATE, 0, clock)
    assert [await ask(limits, user, 10) for user in ("ada", "bob")] == [3, 3]
    clock.now += 4
    assert await ask(limits, "ada", 10) == 2


async def test_a_refusal_says_when_to_ask_again_and_what_was_exceeded() -> None:
    limits = Limits(RATE, 0, Clock())
    await ask(limits, "ada", 3)
    with pytest.raises(TooManyRequestsError, match=r"at most 0\.5 a second") as caught:
        async with limits.admitted("ada"):
            pass
    assert (caught.value.retry_after_seconds, caught.value.limit) == (2, "rate")


async def test_idle_users_are_forgotten_and_the_busiest_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limiting, "MOST_REMEMBERED", 10)
    limits = Limits(RATE, 1, Clock())
    for number in range(100):
        await ask(limits, f"user-{number}")
        await ask(limits, "ada")
    assert limits.remembered == 10
    assert await ask(limits, "ada") == 0


@asynccontextmanager
async def inside(limits: Limits, user: str, times: int) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for _ in range(times):
            await stack.enter_async_context(limits.admitted(user))
        yield


async def test_a_user_waits_for_a_place_of_his_own_while_others_are_served() -> None:
    limits = Limits(None, 2, Clock())
    async with inside(limits, "ada", 2):
        waiting = asyncio.create_task(ask(limits, "ada"))
        assert await ask(limits, "bob", 5) == 5
        assert not waiting.done()
    assert await waiting == 1
    assert limits.remembered == 0, "nobody is inside any more"


async def test_who_has_waited_long_enough_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiting, "LONGEST_WAIT_SECONDS", 0.01)
    limits = Limits(None, 1, Clock())
    async with inside(limits, "ada", 1):
        with pytest.raises(TooManyRequestsError, match="at most 1 at a time") as caught:
            async with limits.admitted("ada"):
                pass
    assert (caught.value.retry_after_seconds, caught.value.limit) == (1, "concurrency")
    assert await ask(limits, "ada") == 1
    assert limits.remembered == 0


async def test_a_line_has_an_end() -> None:
    limits = Limits(None, 1, Clock())
    async with inside(limits, "ada", 1):
        line = [asyncio.create_task(ask(limits, "ada")) for _ in range(limiting.LONGEST_LINE)]
        await asyncio.sleep(0)
        assert await ask(limits, "ada") == 0, "at once, without waiting"
    assert sum(await asyncio.gather(*line)) == len(line)


async def test_a_caller_that_hangs_up_gives_his_place_back() -> None:
    limits = Limits(None, 1, Clock())
    async with inside(limits, "ada", 1):
        waiting = asyncio.create_task(ask(limits, "ada"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert await ask(limits, "ada") == 1
    assert limits.remembered == 0


async def test_without_limits_everybody_is_admitted() -> None:
    limits = Limits(None, 0, Clock())
    async with inside(limits, "ada", 50):
        assert await ask(limits, "ada", 1000) == 1000
    assert limits.remembered == 0
