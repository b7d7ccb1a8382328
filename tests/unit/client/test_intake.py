"""The queue between the caller and the library: bounded, and never waiting."""

import threading

import pytest

from support.eventually import eventually
from workflow_audit.client.intake import Intake


def test_calls_come_in_order_and_stay_until_they_are_somewhere_else() -> None:
    intake = Intake(10)
    for call in (b"a", b"b", b"c"):
        assert intake.put(call)
    assert intake.oldest(2) == intake.oldest(2) == [b"a", b"b"]
    intake.done([b"a", b"b"])
    assert intake.oldest(2) == [b"c"]
    assert intake.waiting() == 1
    intake.done([b"c"])
    assert intake.oldest(2) == []


def test_what_has_no_room_is_not_taken_until_there_is_some() -> None:
    intake = Intake(2)
    assert [intake.put(b"a"), intake.put(b"b"), intake.put(b"c")] == [True, True, False]
    intake.done(intake.oldest(10))
    assert intake.waiting() == 0
    assert intake.put(b"c")


def test_large_calls_are_bounded_by_their_bytes() -> None:
    """A small one has at most its share of all bytes: here 100."""
    intake, large = Intake(10, 1000), b"x" * 400
    assert [intake.put(large) for _ in range(3)] == [True, True, False]
    assert [intake.put(b"x" * 100) for _ in range(9)] == [True] * 8 + [False]
    intake.done(intake.oldest(1))
    assert [intake.put(large), intake.put(large)] == [True, False]
    intake.done(intake.oldest(10))
    assert [intake.put(large) for _ in range(3)] == [True, True, False]


def test_a_small_call_needs_no_lock() -> None:
    intake = Intake(10)
    with intake._lock:
        thread = threading.Thread(target=intake.put, args=(b"a",))
        thread.start()
        assert ended(thread)
    assert intake.waiting() == 1


def waits(intake: Intake) -> threading.Thread:
    thread = threading.Thread(target=intake.wait, args=(60,))
    thread.start()
    return thread


def ended(thread: threading.Thread) -> bool:
    thread.join(10)
    return not thread.is_alive()


def test_a_call_ends_a_wait() -> None:
    intake = Intake(10)
    thread = waits(intake)
    eventually(lambda: intake._idle)
    assert intake.put(b"a")
    assert ended(thread)


def test_nobody_waits_for_a_call_that_is_there() -> None:
    intake = Intake(10)
    assert intake.put(b"a")
    assert ended(waits(intake))


@pytest.mark.parametrize("way", ["pause", "wait"])
def test_one_that_waits_can_be_woken(way: str) -> None:
    intake = Intake(10)
    thread = threading.Thread(target=getattr(intake, way), args=(60,))
    thread.start()
    intake.wake()
    assert ended(thread)


def test_many_threads_put_and_nothing_is_lost() -> None:
    intake, number = Intake(100_000), 2000
    threads = [
        threading.Thread(target=lambda n=n: [intake.put(b"%d-%d" % (n, i)) for i in range(number)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    taken: list[bytes] = []
    while any(thread.is_alive() for thread in threads) or intake.waiting():
        some = intake.oldest(50)
        intake.done(some)
        taken += some
    assert len(set(taken)) == len(taken) == 4 * number
