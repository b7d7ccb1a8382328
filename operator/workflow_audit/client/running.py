"""The library at work: queue, spool and the two threads between caller and audit."""

import hashlib
import threading
import time
from collections.abc import Callable

from workflow_audit.client.complaints import Complaints
from workflow_audit.client.counts import ClientStats, Counts
from workflow_audit.client.intake import Intake
from workflow_audit.client.keeping import Keeping
from workflow_audit.client.receiving import Receiver
from workflow_audit.client.sending import Sender
from workflow_audit.client.settings import ClientSettings
from workflow_audit.client.transports import Transport

CLOSE_SPARE_SECONDS = 0.5


class Running:
    """What lives from the first call until `close`, or until the process is forked."""

    def __init__(
        self,
        settings: ClientSettings,
        transport: Transport,
        counts: Counts,
        complaints: Complaints,
    ) -> None:
        """Start both threads; they do not keep the process alive."""
        self.counts, self._complaints = counts, complaints
        self._progress = threading.Condition()
        self.intake = Intake(settings.queue_events)
        self.keeping = Keeping(
            settings.spool_path,
            spool_name(transport.destination),
            most_bytes=settings.spool_bytes,
            most_events=settings.spool_events,
            complaints=complaints,
        )
        self._sender = Sender(
            transport,
            self.keeping,
            counts,
            complaints,
            timeout_seconds=settings.timeout_seconds,
            progress=self._progress,
        )
        self._receiver = Receiver(
            self.intake,
            self.keeping,
            counts,
            complaints,
            service=settings.service,
            namespace=settings.namespace or transport.namespace,
            arrived=self._sender.wake,
        )
        self._threads = (
            _thread("workflow-audit-receiver", self._receiver.run),
            _thread("workflow-audit-sender", self._sender.run),
        )

    def stats(self) -> ClientStats:
        """Give what became of the calls."""
        return self.counts.stats(queued=self.intake.waiting(), spooled=self.keeping.waiting())

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until nothing waits any more; False where the time is over before."""
        end = time.monotonic() + timeout_seconds
        self._sender.hurry()
        with self._progress:
            # With a look now and then: what another process sends is not notified.
            while self._unsent():
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._progress.wait(min(left, 0.1))
        return True

    def close(self, timeout_seconds: float) -> None:
        """Put into the spool what is in the queue, and send as much as there is time for."""
        end = time.monotonic() + timeout_seconds
        receiving, sending = self._threads
        self._receiver.stop()
        receiving.join(max(timeout_seconds, CLOSE_SPARE_SECONDS))
        self.flush(end - time.monotonic())
        self._sender.stop()
        sending.join(max(end - time.monotonic(), 0.0) + CLOSE_SPARE_SECONDS)
        self.counts.tell_untold()
        lost = self.keeping.close() + self.intake.waiting()
        if lost:
            self.counts.drop("memory_lost", lost)
            self._complaints.say("lost", f"{lost} searches are lost: there was no room on disk")

    def _unsent(self) -> int:
        return self.intake.waiting() + self.keeping.waiting()


def spool_name(destination: str) -> str:
    """Give the file for what goes to one destination: it must not reach another one."""
    return f"spool-{hashlib.sha256(destination.encode()).hexdigest()[:12]}.db"


def _thread(name: str, target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread
