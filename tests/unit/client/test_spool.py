"""The spool: a file that keeps searches in order, for several processes, within bounds."""

import itertools
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from workflow_audit.client.spool import AHEAD_SECONDS, Lent, Spool, SpoolDamagedError, SpoolError

MIB = 1024 * 1024
NOW = 1000.0


def spool(file: Path | None, most_bytes: int = 4 * MIB, most_events: int = 1000) -> Spool:
    return Spool(file, most_bytes=most_bytes, most_events=most_events)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture(params=["file", "memory"])
def own(request: pytest.FixtureRequest, file: Path) -> Spool:
    return spool(file if request.param == "file" else None)


def put(own: Spool, *keys: str) -> int:
    return own.add([(key, f"search {key}".encode()) for key in keys])


def lend(own: Spool, now: float = NOW, events: int = 100, most_bytes: int = MIB) -> list[Lent]:
    return own.lend(now, seconds=15, events=events, most_bytes=most_bytes)


def keys(lent: list[Lent]) -> list[str]:
    return [one.key for one in lent]


def test_searches_come_back_in_order(own: Spool) -> None:
    assert put(own, "b", "a") == 2
    assert put(own, "c") == 1
    assert own.waiting() == 3
    (first, *others) = lend(own)
    assert (first.key, first.search, first.attempts) == ("b", b"search b", 0)
    assert keys(others) == ["a", "c"]


def test_the_same_search_is_kept_once_as_it_came_first(own: Spool) -> None:
    own.add([("a", b"first"), ("a", b"second")])
    own.add([("a", b"third")])
    assert [one.search for one in lend(own)] == [b"first"]
    assert own.waiting() == 1


def test_what_is_lent_is_lent_to_nobody_else_until_the_loan_ends(own: Spool) -> None:
    put(own, "a", "b")
    assert keys(lend(own, events=1)) == ["a"]
    assert keys(lend(own, NOW + 14.9)) == ["b"]
    assert keys(lend(own, NOW + 15)) == ["a"]


def test_what_was_sent_is_forgotten(own: Spool) -> None:
    put(own, "a", "b")
    own.done(lend(own, events=1))
    assert own.waiting() == 1
    assert keys(lend(own, NOW + 100)) == ["b"]


def test_what_is_tried_again_comes_when_it_is_due(own: Spool) -> None:
    put(own, "a", "b")
    first, second = lend(own)
    own.again([(first, NOW + 5), (second, NOW + 3)])
    assert own.next_due() == NOW + 3
    assert keys(lend(own, NOW + 4)) == ["b"]
    (again,) = lend(own, NOW + 5)
    assert (again.key, again.attempts) == ("a", 1)


def test_what_is_given_back_comes_at_once_and_has_not_been_tried(own: Spool) -> None:
    put(own, "a")
    own.give_back(lend(own))
    (again,) = lend(own)
    assert again.attempts == 0


def test_a_clock_that_was_ahead_holds_up_nothing(own: Spool) -> None:
    put(own, "a")
    lend(own, NOW + 100 * AHEAD_SECONDS)
    assert keys(lend(own, NOW)) == ["a"]


def test_a_loan_is_bounded_in_bytes_but_never_empty(own: Spool) -> None:
    own.add([(key, b"x" * 1000) for key in "abc"])
    assert keys(lend(own, most_bytes=10)) == ["a"]
    assert keys(lend(own, most_bytes=2000)) == ["b", "c"]


def test_the_oldest_stay_when_there_are_too_many(file: Path) -> None:
    own = spool(file, most_events=2)
    assert put(own, "a") == 1
    assert put(own, "b", "c", "d") == 1
    assert put(own, "e") == 0
    own.done(lend(own, events=1))
    assert put(own, "f") == 1
    assert keys(lend(own)) == ["b", "f"]


@pytest.mark.parametrize("in_file", [True, False])
def test_it_is_bounded_in_bytes_and_room_is_used_again(file: Path, in_file: bool) -> None:
    own = spool(file if in_file else None, most_bytes=MIB)
    added = sum(own.add([(str(n), os.urandom(5000))]) for n in range(500))
    assert 100 < added < 210
    assert own.waiting() == added
    assert own.add([("one more", b"x" * 5000)]) == 0
    own.done(lend(own, events=1000))
    assert own.waiting() == 0
    assert sum(own.add([(str(n), os.urandom(5000))]) for n in range(500)) == added
    own.close()
    if in_file:
        assert file.stat().st_size <= MIB


def test_what_was_refused_is_kept_with_the_reason_and_tried_once_more(own: Spool) -> None:
    put(own, "a", "b")
    (one,) = lend(own, events=1)
    own.put_aside(one, "422: no", NOW)
    assert own.refused() == [("a", "422: no")]
    assert keys(lend(own, NOW + 100)) == ["b"]
    assert own.retry_refused() == 1
    assert own.refused() == []
    (again,) = lend(own, NOW + 101)
    own.put_aside(again, "422: still no", NOW)
    assert own.retry_refused() == 0
    assert own.refused() == [("a", "422: still no")]


def test_of_those_that_were_refused_the_newest_are_kept(
    own: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow_audit.client.spool.REFUSED_KEPT", 2)
    put(own, "a", "b", "c")
    for one in lend(own):
        own.put_aside(one, "no", NOW)
    assert own.refused() == [("b", "no"), ("c", "no")]
    assert own.waiting() == 0


def test_what_was_refused_makes_room_for_what_waits(file: Path) -> None:
    own = spool(file, most_bytes=MIB)
    added = sum(own.add([(str(n), os.urandom(5000))]) for n in range(500))
    for one in lend(own, events=1000):
        own.put_aside(one, "no", NOW)
    assert own.waiting() == 0
    assert len(own.refused()) == added
    assert own.add([("new", b"x" * 50_000)]) == 1
    left = [int(key) for key, _ in own.refused()]
    assert left == list(range(added - len(left), added)), "the oldest were given up"
    assert 0 < len(left) < added


def test_what_was_put_in_is_there_for_the_next_process(file: Path) -> None:
    put(spool(file), "a")
    assert keys(lend(spool(file))) == ["a"]


def test_a_process_that_is_killed_leaves_all_it_has_put_in(file: Path) -> None:
    statement = (
        "import os, signal, sys; from pathlib import Path\n"
        "from workflow_audit.client.spool import Spool\n"
        "own = Spool(Path(sys.argv[1]), most_bytes=2**24, most_events=10**6)\n"
        "for n in range(1000): own.add([(str(n), b'x' * 2000)])\n"
        "lent = own.lend(1000.0, seconds=15, events=10, most_bytes=10**9)\n"
        "own.done(lent[:5])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", statement, file], check=False, timeout=60)
    assert done.returncode == -9
    own = spool(file, most_bytes=2**24, most_events=10**6)
    assert own.waiting() == 995
    assert len(lend(own, NOW + 14, events=2000, most_bytes=2**30)) == 990
    assert len(lend(own, NOW + 15, events=2000, most_bytes=2**30)) == 5


def test_several_processes_share_a_file_and_nothing_is_lent_twice(file: Path) -> None:
    statement = (
        "import sys; from pathlib import Path\n"
        "from workflow_audit.client.spool import Spool\n"
        "own = Spool(Path(sys.argv[1]), most_bytes=2**26, most_events=10**6)\n"
        "for n in range(200): own.add([(f'{sys.argv[2]}-{n}', b'x' * 500)])\n"
        "for _ in range(100):\n"
        "    lent = own.lend(1000.0, seconds=500, events=2, most_bytes=10**9)\n"
        "    own.done(lent); print(*(one.key for one in lent), sep='\\n')\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", statement, file, str(number)], stdout=subprocess.PIPE, text=True
        )
        for number in range(3)
    ]
    lent = list(
        itertools.chain.from_iterable(p.communicate(timeout=100)[0].split() for p in processes)
    )
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(set(lent)) == len(lent) == 600
    assert spool(file).waiting() == 0


def test_threads_share_a_spool(own: Spool) -> None:
    threads = [
        threading.Thread(target=lambda n=n: [put(own, f"{n}-{i}") for i in range(50)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert own.waiting() == 200


def test_a_file_that_is_held_is_closed_and_used_afterwards(file: Path) -> None:
    own = spool(file)
    put(own, "a")
    assert own.hold(1)
    assert own._connection is None
    own.let_go()
    assert own.waiting() == 1


def test_memory_keeps_its_content_while_it_is_held() -> None:
    own = spool(None)
    put(own, "a")
    assert own.hold(1)
    own.let_go()
    assert own.waiting() == 1


def test_one_who_is_at_work_is_not_waited_for_without_end(file: Path) -> None:
    own, at_work, done = spool(file), threading.Event(), threading.Event()

    def working() -> None:
        with own._reading():
            at_work.set()
            done.wait(60)

    thread = threading.Thread(target=working)
    thread.start()
    at_work.wait(60)
    assert not own.hold(0.01)
    done.set()
    thread.join(60)
    assert own.hold(1)
    own.let_go()


def test_a_file_that_is_no_spool_is_damaged(file: Path) -> None:
    file.write_bytes(b"something else" * 1000)
    with pytest.raises(SpoolDamagedError, match="file is not a database"):
        put(spool(file), "a")


def test_a_folder_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="nowhere"):
        put(spool(tmp_path / "nowhere" / "spool.db"), "a")


def test_a_change_that_fails_changes_nothing(own: Spool) -> None:
    with pytest.raises(SpoolError):
        own.add([("a", b"x"), (object(), b"x")])  # type: ignore[list-item]
    assert own.waiting() == 0
    assert put(own, "a") == 1


def test_it_works_with_an_old_sqlite() -> None:
    """Debian 11 has 3.34; neither RETURNING nor STRICT were there."""
    text = Path(sys.modules[Spool.__module__].__file__ or "").read_text(encoding="utf-8")
    assert "RETURNING" not in text
    assert "STRICT" not in text
    assert sqlite3.sqlite_version_info >= (3, 34)
