"""What the library has done, for `stats`, for a callback and for Prometheus."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from workflow_audit.client.complaints import Complaints, place_of

OnMetric = Callable[[str, float, Mapping[str, str]], None]
"""Gets a name, by how much it grew (or, for `waiting`, its value), and labels."""

Outcome = Literal["sent", "replayed", "skipped", "refused", "dropped"]
Reason = Literal["queue_full", "spool_full", "closed", "memory_lost", "error"]

SEARCHES, DROPPED, FAILED_ATTEMPTS, WAITING = "searches", "dropped", "failed_attempts", "waiting"
METRICS: Mapping[str, str] = {
    SEARCHES: "Searches that are done, by outcome: sent, replayed (the audit had it already),"
    " skipped (a policy has switched it off), refused or dropped.",
    DROPPED: "Searches that were lost, by reason: queue_full, spool_full, closed, memory_lost or"
    " error.",
    FAILED_ATTEMPTS: "Attempts at sending a search in vain; it is sent again.",
    WAITING: "Searches that are not sent yet.",
}


@dataclass(frozen=True)
class ClientStats:
    """What became of the calls of this process."""

    queued: int
    """In memory now, on their way into the spool."""

    spooled: int
    """In the spool now, those of other processes that share it included."""

    sent: int
    replayed: int
    """The audit had them already."""

    skipped: int
    """A policy has switched the audit off for them."""

    refused: int
    """Put aside with the reason: the audit does not take them."""

    failed_attempts: int
    dropped: Mapping[str, int]
    """Lost, by reason."""


class Counts:
    """Counts, and tells whoever listens. Safe for threads; a listener's error stays here."""

    def __init__(self, listeners: tuple[OnMetric, ...], complaints: Complaints) -> None:
        self._listeners, self._complaints = listeners, complaints
        self._lock = threading.Lock()
        self._outcomes: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._failed_attempts = 0
        self._untold: Counter[Reason] = Counter()

    def done(self, outcome: Outcome, number: int = 1) -> None:
        """Count searches that are done."""
        with self._lock:
            self._outcomes[outcome] += number
        self._tell(SEARCHES, number, outcome=outcome)

    def drop(self, reason: Reason, number: int = 1) -> None:
        """Count searches that are lost."""
        with self._lock:
            self._dropped[reason] += number
        self._tell(DROPPED, number, reason=reason)
        self.done("dropped", number)

    def drop_quietly(self, reason: Reason) -> None:
        """Count a search that is lost; listeners, which may take their time, are told later."""
        with self._lock:
            self._dropped[reason] += 1
            self._outcomes["dropped"] += 1
            self._untold[reason] += 1

    def tell_untold(self) -> int:
        """Tell listeners what was counted quietly; gives how much it is."""
        if not self._untold:
            return 0
        with self._lock:
            untold, self._untold = self._untold, Counter()
        for reason, number in untold.items():
            self._tell(DROPPED, number, reason=reason)
        self._tell(SEARCHES, untold.total(), outcome="dropped")
        return untold.total()

    def failed(self, number: int = 1) -> None:
        """Count attempts in vain."""
        with self._lock:
            self._failed_attempts += number
        self._tell(FAILED_ATTEMPTS, number)

    def now_waiting(self, number: int) -> None:
        """Tell how many searches are not sent yet."""
        self._tell(WAITING, number)

    def stats(self, *, queued: int, spooled: int) -> ClientStats:
        """Give all of it."""
        with self._lock:
            counted = {name: self._outcomes[name] for name in ("sent", "replayed", "skipped")}
            return ClientStats(
                queued=queued,
                spooled=spooled,
                **counted,
                refused=self._outcomes["refused"],
                failed_attempts=self._failed_attempts,
                dropped=dict(self._dropped),
            )

    def _tell(self, name: str, value: float, **labels: str) -> None:
        for listener in self._listeners:
            try:
                listener(name, value, labels)
            except Exception as error:  # noqa: BLE001 - somebody else's code; the search goes on
                self._complaints.say("metrics", f"a listener for metrics fails: {place_of(error)}")
