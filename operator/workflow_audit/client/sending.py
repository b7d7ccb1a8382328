"""Sends what waits in the spool, as long as the process lives; nobody waits for it.

One thread with an event loop of its own. While nobody answers, one search is tried at a time, with
pauses that grow to a minute.
"""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from workflow_audit.client.complaints import Complaints, place_of
from workflow_audit.client.counts import Counts
from workflow_audit.client.daemon_threads import DaemonThreads
from workflow_audit.client.keeping import Keeping, Loan
from workflow_audit.client.outcomes import (
    LONGEST_PAUSE_SECONDS,
    Again,
    Outcome,
    Refused,
    Sent,
    pause_seconds,
)
from workflow_audit.client.searches import WaitingSearch
from workflow_audit.client.spool import Lent
from workflow_audit.client.transports import Transport

BATCH_BYTES = 1_000_000
IDLE_SECONDS = 10.0
"""After so long it looks for what other processes have left behind."""

LOAN_SPARE_SECONDS = 10.0
SUSPICIOUS_ATTEMPTS = 3


class Sender:
    """Lends searches from the spool, sends them, and says what became of them."""

    def __init__(
        self,
        transport: Transport,
        keeping: Keeping,
        counts: Counts,
        complaints: Complaints,
        *,
        timeout_seconds: float,
        progress: threading.Condition,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Know all parts; `run` does the work.

        Args:
            transport: by which it sends.
            keeping: from where.
            counts: what it counts.
            complaints: where it says what goes wrong.
            timeout_seconds: of the transport; a loan lasts longer.
            progress: notified whenever something was sent.
            clock: shared by all processes of the machine.
        """
        self._transport, self._keeping = transport, keeping
        self._counts, self._complaints = counts, complaints
        self._loan_seconds = 2 * timeout_seconds + LOAN_SPARE_SECONDS
        self._progress, self._clock = progress, clock
        self._draw = random.Random()  # noqa: S311 - spreads attempts, hides nothing
        self._failures = 0
        self._stopping = False
        self._hurried = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()

    def run(self) -> None:
        """Send until `stop`; for a thread."""
        asyncio.run(self._run())

    def wake(self) -> None:
        """Say that there is something to send; from any thread."""
        self._tell(self._woken.set)

    def hurry(self) -> None:
        """Have a pause end at once; from any thread."""
        self._tell(self._hurry)

    def stop(self) -> None:
        """End `run` after the attempt that is under way; from any thread."""
        self._stopping = True
        self.hurry()

    def _tell(self, what: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it has just ended
                loop.call_soon_threadsafe(what)

    def _hurry(self) -> None:
        self._hurried = True
        self._woken.set()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_default_executor(DaemonThreads())
        try:
            while not self._stopping:
                self._woken.clear()
                await self._pause(await self._round())
        finally:
            await self._transport.close()

    async def _round(self) -> float:
        """Send what may be sent now; gives how long to wait then, 0 for not at all."""
        try:
            events = 1 if self._failures else self._transport.at_once
            loan = self._keeping.lend(
                seconds=self._loan_seconds, events=events, most_bytes=BATCH_BYTES
            )
            if not loan.searches:
                due = self._keeping.next_due_seconds()
                return IDLE_SECONDS if due is None else min(max(due, 0.05), IDLE_SECONDS)
            return await self._send(loan)
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the audit
            self._complaints.say("sending", f"sending fails, and is tried again: {place_of(error)}")
            self._failures += 1
            return pause_seconds(self._failures, self._draw.random())

    async def _send(self, loan: Loan) -> float:
        readable, searches = self._readable(loan)
        outcomes = await self._transport.send(searches) if searches else []
        pause = self._settle(loan, readable, outcomes)
        self._counts.now_waiting(self._keeping.waiting())
        with self._progress:
            self._progress.notify_all()
        return pause

    def _readable(self, loan: Loan) -> tuple[list[Lent], list[WaitingSearch]]:
        readable, searches = [], []
        for one in loan.searches:
            try:
                searches.append(WaitingSearch.from_json(one.search))
                readable.append(one)
            except ValueError as error:
                self._put_aside(loan, one, Refused(f"cannot be read: {error}", 0))
        return readable, searches

    def _settle(self, loan: Loan, lent: Sequence[Lent], outcomes: Sequence[Outcome]) -> float:
        """Write down what became of each; gives how long to wait."""
        sent = [
            one for one, outcome in zip(lent, outcomes, strict=True) if isinstance(outcome, Sent)
        ]
        later = [
            (one, outcome)
            for one, outcome in zip(lent, outcomes, strict=True)
            if isinstance(outcome, Again)
        ]
        loan.spool.done(sent)
        for one, outcome in zip(lent, outcomes, strict=True):
            if isinstance(outcome, Sent):
                self._counts.done(outcome.status)
            elif isinstance(outcome, Refused):
                self._put_aside(loan, one, outcome)
        return self._try_later(loan, later, some_arrived=bool(sent))

    def _put_aside(self, loan: Loan, one: Lent, refused: Refused) -> None:
        loan.spool.put_aside(one, refused.reason, self._clock())
        self._counts.done("refused")
        said = f"answers {refused.status}" if refused.status else "refuses it"
        self._complaints.say(
            "refused",
            f"the audit does not take search {one.key}: the server {said}; it is kept in the"
            " spool's table `refused`, with the reason, and sent once more after the next start",
        )

    def _try_later(
        self, loan: Loan, later: Sequence[tuple[Lent, Again]], *, some_arrived: bool
    ) -> float:
        if not later:
            self._failures = 0
            return 0.0
        now = self._clock()
        own = [self._own_pause(one, outcome) for one, outcome in later]
        loan.spool.again([(one, now + p) for (one, _), p in zip(later, own, strict=True)])
        self._counts.failed(len(later))
        worst = next((o for _, o in later if o.concerns_all), later[0][1])
        self._complaints.say(
            "again", f"searches cannot be sent now and wait in the spool: {worst.reason}"
        )
        if some_arrived or worst.after_seconds == 0:
            self._failures = 0
            return 0.0
        self._failures += 1
        return worst.after_seconds or pause_seconds(self._failures, self._draw.random())

    def _own_pause(self, one: Lent, outcome: Again) -> float:
        """Give when one is sent again at the earliest.

        Others have their turn meanwhile, after a pause for all. What concerns all says nothing of
        this one, unless it happens again and again: perhaps it is what makes a server fail.
        """
        if outcome.after_seconds is not None:
            return min(outcome.after_seconds, LONGEST_PAUSE_SECONDS)
        if outcome.concerns_all and one.attempts < SUSPICIOUS_ATTEMPTS:
            return 0.0
        return pause_seconds(one.attempts + 1, self._draw.random())

    async def _pause(self, seconds: float) -> None:
        """Wait; new searches end a wait for work, and only `hurry` one for a server."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not self._stopping and not self._hurried and (left := end - loop.time()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), left)
            if not self._failures:
                return
            self._woken.clear()
        self._hurried = False
