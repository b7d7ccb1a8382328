"""Where searches wait: in the spool's file, and in memory as long as there can be no file."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from workflow_audit.client.complaints import Complaints
from workflow_audit.client.folder import private_file
from workflow_audit.client.spool import Lent, Spool, SpoolDamagedError, SpoolError

MOST_MEMORY_BYTES = 16 * 1024 * 1024
FORK_SECONDS = 1.0
RESCUED_AT_ONCE = 1000


@dataclass(frozen=True)
class Loan:
    """Searches that are to be sent, and where they are to be given back."""

    spool: Spool
    searches: list[Lent] = field(default_factory=list)


class Keeping:
    """Puts searches into the file, or else into memory, and gives them from both."""

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        most_bytes: int,
        most_events: int,
        complaints: Complaints,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Know where the file is to be; it is made when the first search comes.

        Args:
            folder: of the spool.
            name: of the file in it.
            most_bytes: of the file.
            most_events: in the file, and in memory.
            complaints: where to say what is in the way.
            clock: shared by all processes of the machine.
        """
        self._folder, self._complaints, self._clock = folder, complaints, clock
        self._file = Spool(folder / name, most_bytes=most_bytes, most_events=most_events)
        memory_bytes = min(most_bytes, MOST_MEMORY_BYTES)
        self._memory = Spool(None, most_bytes=memory_bytes, most_events=most_events)
        self._checked = False

    def add(self, searches: Sequence[tuple[str, bytes]]) -> int:
        """Put searches in, as pairs of key and content; gives how many found room."""
        try:
            self._check()
            added = self._file.add(searches)
        except (SpoolError, OSError) as error:
            self._complain(error)
            return self._memory.add(searches)
        self._rescue()
        return added

    def retry_refused(self) -> None:
        """Have searches sent once more that were refused before the start of this process."""
        with suppress(OSError, SpoolError):  # whoever adds or lends will say it
            self._check()
            self._file.retry_refused()

    def lend(self, *, seconds: float, events: int, most_bytes: int) -> Loan:
        """Give searches that are to be sent, in the order in which they came."""

        def of(spool: Spool) -> Loan:
            now = self._clock()
            lent = spool.lend(now, seconds=seconds, events=events, most_bytes=most_bytes)
            return Loan(spool, lent)

        try:
            self._check()
            if (loan := of(self._file)).searches:
                return loan
        except (SpoolError, OSError) as error:
            self._complain(error)
        return of(self._memory)

    def waiting(self) -> int:
        """Give how many searches are not sent yet."""
        return self._waiting_in_file() + self._memory.waiting()

    def next_due_seconds(self) -> float | None:
        """Give the seconds until the first search may be sent; None without any."""
        dues = [self._memory.next_due()]
        with suppress(SpoolError):
            dues.append(self._file.next_due() if self._checked else None)
        known = [due for due in dues if due is not None]
        return max(min(known) - self._clock(), 0.0) if known else None

    def close(self) -> int:
        """Close the file; gives how many searches are lost, because they were in memory only."""
        with suppress(OSError):
            self._check()
        while self._rescue():
            pass
        lost = self._memory.waiting()
        self._file.close()
        self._memory.close()
        return lost

    def before_fork(self) -> bool:
        """Have no connection to the file while the process is forked."""
        return self._file.hold(FORK_SECONDS)

    def after_fork(self) -> None:
        """Use the file again, in the process that was forked."""
        self._file.let_go()

    def _check(self) -> None:
        """Make folder and file, and make sure that they are of this user alone."""
        if not self._checked:
            assert self._file.file  # noqa: S101 - for mypy; only the one in memory has none
            private_file(self._folder, self._file.file.name)
            self._checked = True

    def _waiting_in_file(self) -> int:
        try:
            self._check()
            return self._file.waiting()
        except (SpoolError, OSError):
            return 0

    def _rescue(self) -> int:
        """Move searches from memory into the file, once it can be used again; gives how many."""
        if not self._checked or not self._memory.waiting():
            return 0
        # All, those too that are being sent: at worst one is sent twice, and recorded once.
        lent = self._memory.lend(
            math.inf, seconds=0, events=RESCUED_AT_ONCE, most_bytes=MOST_MEMORY_BYTES
        )
        added = 0
        with suppress(SpoolError):
            added = self._file.add([(one.key, one.search) for one in lent])
        self._memory.done(lent[:added])
        self._memory.give_back(lent[added:])
        return added

    def _complain(self, error: Exception) -> None:
        self._checked = False
        self._file.close()
        if isinstance(error, SpoolDamagedError):
            self._set_aside()
        self._complaints.say(
            "spool",
            f"AUDIT_SPOOL_PATH: {error}; until this is mended, searches wait in memory only,"
            " and are lost when the process ends",
            level=logging.ERROR,
        )

    def _set_aside(self) -> None:
        """Keep a damaged file for whoever wants to look at it, and begin a new one."""
        damaged = self._file.file
        assert damaged  # noqa: S101 - for mypy
        with suppress(OSError):
            damaged.rename(damaged.with_suffix(f".damaged-{int(self._clock())}"))
            for suffix in ("-wal", "-shm"):
                damaged.with_name(damaged.name + suffix).unlink(missing_ok=True)
