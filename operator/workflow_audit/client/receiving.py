"""Moves calls into the spool as soon as they come: a killed process loses next to nothing."""

import time
from collections.abc import Callable, Sequence
from uuid import uuid4

from workflow_audit.client.complaints import Complaints, place_of
from workflow_audit.client.counts import Counts
from workflow_audit.client.intake import Intake
from workflow_audit.client.keeping import Keeping
from workflow_audit.client.searches import WaitingSearch, waiting_search

AT_ONCE = 100
"""Most searches in one transaction."""

PAUSE_SECONDS = 0.01
"""While searches come, it looks so often by itself: waking a thread holds up who wakes it, on a
busy machine by a few hundred microseconds. This much a killed process can lose."""

ACTIVE_SECONDS = 1.0
"""After so long without a search it waits to be woken."""

LOOK_SECONDS = 60.0


class Receiver:
    """Reads calls, makes searches of them, and puts these into the spool."""

    def __init__(
        self,
        intake: Intake,
        keeping: Keeping,
        counts: Counts,
        complaints: Complaints,
        *,
        service: str,
        namespace: str | None,
        arrived: Callable[[], None],
    ) -> None:
        """Know all parts; `run` does the work.

        Args:
            intake: where calls come from.
            keeping: where searches go.
            counts: what it counts.
            complaints: where it says what goes wrong.
            service: program that searches.
            namespace: of searches that do not say theirs.
            arrived: called whenever there is something to send.
        """
        self._intake, self._keeping = intake, keeping
        self._counts, self._complaints = counts, complaints
        self._service, self._namespace = service, namespace
        self._arrived = arrived
        self._stopping = False

    def run(self) -> None:
        """Receive until `stop`, and then what is still there; for a thread."""
        self._keeping.retry_refused()
        last = time.monotonic()
        while not self._stopping or self._intake.waiting():
            calls = self._intake.oldest(AT_ONCE)
            if lost := self._counts.tell_untold():
                self._complaints.say("queue", f"the queue is full: {lost} searches are dropped")
            if calls:
                self._receive(calls)
                last = time.monotonic()
            if self._stopping or len(calls) == AT_ONCE:
                continue
            if time.monotonic() - last < ACTIVE_SECONDS:
                self._intake.pause(PAUSE_SECONDS)
            else:
                self._intake.wait(LOOK_SECONDS)

    def stop(self) -> None:
        """End `run` when nothing is left; from any thread."""
        self._stopping = True
        self._intake.wake()

    def _receive(self, calls: list[bytes]) -> None:
        try:
            self._keep([search for call in calls if (search := self._search(call))])
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the audit
            self._lose(len(calls), error)
        finally:
            self._intake.done(calls)
        self._arrived()

    def _search(self, call: bytes) -> WaitingSearch | None:
        try:
            return waiting_search(
                call, service=self._service, namespace=self._namespace, own_id=uuid4()
            )
        except Exception as error:  # noqa: BLE001 - the others of its company are to be kept
            self._lose(1, error)
            return None

    def _keep(self, searches: Sequence[WaitingSearch]) -> None:
        pairs = [(f"{one.namespace or ''}/{one.name}", one.as_json()) for one in searches]
        left = len(pairs) - self._keeping.add(pairs)
        if left:
            self._counts.drop("spool_full", left)
            self._complaints.say(
                "full",
                f"the spool is full: {left} searches are dropped; look why they cannot be sent, or"
                " raise AUDIT_SPOOL_BYTES or AUDIT_SPOOL_EVENTS",
            )

    def _lose(self, number: int, error: Exception) -> None:
        self._counts.drop("error", number)
        self._complaints.say("receiving", f"{number} searches cannot be kept: {place_of(error)}")
