"""The queue between the caller and the library: bounded, and never waiting."""

import threading

import pytest

from support.eventually import eventually
from workflow_audit.client.intake import Intake


def test_calls_come_in_order_and_at_most_so_many() -> None:
    intake = Intake(10)
    for call in (b"a", b"b", b"c"):
        assert intake.put(call)
    assert intake.take(2, 0) == [b"a", b"b"]
    assert intake.take(2, 0) == [b"c"]
    assert intake.take(2, 0) == []


@pytest.mark.parametrize(("events", "size"), [(2, 1000), (1000, 2)])
def test_what_has_no_room_is_not_taken_until_there_is_some(events: int, size: int) -> None:
    intake = Intake(events, size)
    assert [intake.put(b"a"), intake.put(b"b"), intake.put(b"c")] == [True, True, False]
    taken = intake.take(10, 0)
    assert not intake.put(b"c"), "they are still ours until they are somewhere else"
    intake.taken(taken)
    assert intake.waiting() == 0
    assert intake.put(b"c")


def test_one_that_waits_can_be_woken() -> None:
    intake, taken = Intake(10), []
    thread = threading.Thread(target=lambda: taken.append(intake.take(10, 60)))
    thread.start()
    intake.wake()
    thread.join(10)
    assert taken == [[]]
    intake.wake()
    intake.put(b"a")
    assert intake.take(10, 0) == [b"a"]


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
        some = intake.take(50, 0)
        intake.taken(some)
        taken += some
    assert len(set(taken)) == len(taken) == 4 * number
    eventually(lambda: intake.waiting() == 0)
