"""Summing up goes on until nothing is new, and again after a failure."""

import asyncio
import logging

import pytest

from support.eventually import eventually_async
from workflow_audit.errors import DatabaseUnavailableError
from workflow_audit.services import summing
from workflow_audit.services.summing import MOST_EVENTS, Summing

DOWN = DatabaseUnavailableError("the database does not answer", retry_after_seconds=5)


class Sums:
    """Answers in turn, then that nothing is new."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[int] = []

    async def sum_up(self, most: int) -> int:
        self.asked.append(most)
        answer = self.answers.pop(0) if self.answers else 0
        if isinstance(answer, Exception):
            raise answer
        return answer


async def run_until_asked(sums: Sums, times: int) -> None:
    task = asyncio.create_task(Summing(sums.sum_up).run())
    await eventually_async(lambda: len(sums.asked) >= times or task.done())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_it_goes_on_without_a_pause_until_nothing_is_new() -> None:
    sums = Sums(5_000, 5_000, 12)
    await run_until_asked(sums, 4)
    assert sums.asked == [MOST_EVENTS] * 4


async def test_a_failure_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(summing, "PERIOD_SECONDS", 0.001)
    caplog.set_level(logging.WARNING)
    await run_until_asked(Sums(DOWN, 7), 3)
    assert caplog.messages == ["statistics are summed up later: the database does not answer"]


async def test_a_mistake_of_ours_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        await Summing(Sums(KeyError("x")).sum_up).run()
