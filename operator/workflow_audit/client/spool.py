"""The spool: searches that wait until they are sent, in a file that a killed process leaves whole.

The spool is the queue. What always holds, and what the tests check:
- What was put in is there after SIGKILL, and is sent by whoever opens the file next.
- Several processes may use one file. A search is lent to one of them for some seconds, and to
  another one when it has not come back by then; at worst it is sent twice, and recorded once.
- It is bounded. When it is full, older searches stay and new ones are refused.
- Without a file (`None`) the same holds in memory, as long as the process lives.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from workflow_audit.client.spool_schema import PAGE_BYTES, number_of, prepare, undo, used_pages

BUSY_SECONDS = 2.0
SPARE_PAGES = 4
"""Beyond its own, what a search may need for branches and indexes."""

REFUSED_KEPT = 1000
REFUSED_TRIES = 2
"""Once, and once more at a later start, perhaps of a mended server."""

AHEAD_SECONDS = 900.0
"""Nothing has to wait for so long: whatever does was put there by a clock that ran ahead."""

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_LEND = """
    SELECT number, key, search, attempts FROM waiting
     WHERE due <= :now OR due > :now + :ahead
     ORDER BY number LIMIT :events"""


class SpoolError(Exception):
    """The spool's file cannot be used: no room on the disk, no permission, damage."""


class SpoolDamagedError(SpoolError):
    """The file is none of ours any more; it does not mend by itself."""


@dataclass(frozen=True)
class Lent:
    """A search that the caller is to send."""

    number: int
    key: str
    search: bytes
    attempts: int
    """So far, in vain."""


class Spool:
    """Searches that wait, in the order in which they came."""

    def __init__(self, file: Path | None, *, most_bytes: int, most_events: int) -> None:
        """Know where the file is; it is opened when it is first needed, also after a fork."""
        self.file = file
        self._most_pages = most_bytes // PAGE_BYTES
        self._most_events = most_events
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    def add(self, searches: Sequence[tuple[str, bytes]]) -> int:
        """Put searches in, as pairs of key and content; one that is there already stays as it is.

        Returns:
            How many found room; the rest, at the end, did not.

        Raises:
            SpoolError: none is there now.
        """
        with self._changing() as database:
            events = self._most_events - number_of(database, "SELECT waiting FROM total")
            for added, (key, search) in enumerate(searches):
                pages = len(search) // PAGE_BYTES + SPARE_PAGES
                if events <= added or not self._has_room(database, pages):
                    return added
                database.execute(
                    "INSERT OR IGNORE INTO waiting (key, search) VALUES (?, ?)", (key, search)
                )
        return len(searches)

    def lend(self, now: float, *, seconds: float, events: int, most_bytes: int) -> list[Lent]:
        """Give the oldest searches that nobody else has, the first one however large it is.

        Args:
            now: by a clock that all processes share.
            seconds: after which others may have them.
            events: most searches.
            most_bytes: most bytes of them all together.

        Raises:
            SpoolError: none is lent.
        """
        bound = {"now": now, "ahead": AHEAD_SECONDS, "events": events}
        lent: list[Lent] = []
        if not self.waiting():  # the common case writes nothing
            return lent
        with self._changing() as database, closing(database.execute(_LEND, bound)) as found:
            for number, key, search, attempts in found:
                most_bytes -= len(search)
                if lent and most_bytes < 0:
                    break
                lent.append(Lent(number, key, search, attempts))
            database.executemany(
                "UPDATE waiting SET due = ? WHERE number = ?",
                [(now + seconds, one.number) for one in lent],
            )
        return lent

    def done(self, lent: Iterable[Lent]) -> None:
        """Forget searches that were sent.

        Raises:
            SpoolError: they stay, and will be sent again.
        """
        with self._changing() as database:
            database.executemany(
                "DELETE FROM waiting WHERE number = ?", [(one.number,) for one in lent]
            )

    def again(self, later: Iterable[tuple[Lent, float]]) -> None:
        """Have searches sent again, each when the time comes that stands beside it.

        Raises:
            SpoolError: they are sent again when their loan ends.
        """
        with self._changing() as database:
            database.executemany(
                "UPDATE waiting SET due = ?, attempts = attempts + 1 WHERE number = ?",
                [(due, one.number) for one, due in later],
            )

    def give_back(self, lent: Iterable[Lent]) -> None:
        """Have searches sent at once by whoever comes: nobody has tried.

        Raises:
            SpoolError: they are sent when their loan ends.
        """
        with self._changing() as database:
            database.executemany(
                "UPDATE waiting SET due = 0 WHERE number = ?", [(one.number,) for one in lent]
            )

    def put_aside(self, one: Lent, reason: str, now: float) -> None:
        """Keep a search that was refused, with the reason; the oldest of these go when too many.

        Raises:
            SpoolError: it is sent again when its loan ends.
        """
        with self._changing() as database:
            database.execute(
                "INSERT OR REPLACE INTO refused (key, search, refusals, reason, refused_at)"
                " SELECT key, search, refusals + 1, ?, ? FROM waiting WHERE number = ?",
                (reason, now, one.number),
            )
            database.execute("DELETE FROM waiting WHERE number = ?", (one.number,))
            database.execute(
                "DELETE FROM refused WHERE number <= (SELECT max(number) FROM refused) - ?",
                (REFUSED_KEPT,),
            )

    def retry_refused(self) -> int:
        """Have searches sent once more that were refused before; gives how many.

        Raises:
            SpoolError: they stay where they are.
        """
        with self._changing() as database:
            chosen = "FROM refused WHERE refusals < ?"
            database.execute(
                "INSERT OR IGNORE INTO waiting (key, search, refusals)"
                f" SELECT key, search, refusals {chosen} ORDER BY number",
                (REFUSED_TRIES,),
            )
            return database.execute(f"DELETE {chosen}", (REFUSED_TRIES,)).rowcount

    def waiting(self) -> int:
        """Give the number of searches that wait, lent ones included.

        Raises:
            SpoolError: it is not known.
        """
        with self._reading() as database:
            return number_of(database, "SELECT waiting FROM total")

    def refused(self) -> list[tuple[str, str]]:
        """Give key and reason of each search that was put aside.

        Raises:
            SpoolError: it is not known.
        """
        with self._reading() as database:
            return list(database.execute("SELECT key, reason FROM refused ORDER BY number"))

    def next_due(self) -> float | None:
        """Give the time from which the first search may be lent; None without any.

        Raises:
            SpoolError: it is not known.
        """
        with self._reading() as database:
            (due,) = database.execute("SELECT min(due) FROM waiting").fetchone()
            return None if due is None else float(due)

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._lock:
            if self._connection is not None:
                closing_one, self._connection = self._connection, None
                closing_one.close()

    def hold(self, seconds: float) -> bool:
        """Let nobody else use the file until `let_go`, and close it: a process is to be forked.

        SQLite's connections must not be carried into another process. Gives False where somebody
        is at work for longer than so many seconds.
        """
        if not self._lock.acquire(timeout=seconds):
            return False
        if self.file is not None:
            self.close()
        return True

    def let_go(self) -> None:
        """End what `hold` has begun."""
        self._lock.release()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._opened()
            except (sqlite3.Error, OSError) as error:
                raise self._translated(error) from error

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                undo(database)
                raise
            try:
                database.execute("COMMIT")
            except sqlite3.Error:
                undo(database)
                raise

    def _translated(self, error: Exception) -> SpoolError:
        damaged = getattr(error, "sqlite_errorcode", None) in _DAMAGE
        place = self.file or "the spool in memory"
        return (SpoolDamagedError if damaged else SpoolError)(f"{place}: {error}")

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(
                self.file or ":memory:",
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                prepare(connection, self._most_pages)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _has_room(self, database: sqlite3.Connection, pages: int) -> bool:
        """Tell whether there is room, for which what was refused is given up, the oldest first."""
        while self._most_pages - used_pages(database) < pages:
            oldest = "DELETE FROM refused WHERE number = (SELECT min(number) FROM refused)"
            if not database.execute(oldest).rowcount:
                return False
        return True
