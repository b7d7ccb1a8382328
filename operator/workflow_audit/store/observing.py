"""What the writer reports, so that metrics stay out of this package."""

from typing import Protocol

from workflow_audit.store.failures import FailureKind


class WriterObserver(Protocol):
    """Told by the writer, in the event loop; must be quick and must not raise."""

    def batch_written(self, rows: int, replays: int, seconds: float) -> None:
        """Report a committed batch: new rows, rows that were there already, time of the INSERT."""

    def write_failed(self, kind: FailureKind) -> None:
        """Report a failure: of one event (`validation`), or of one attempt at a batch."""

    def waited(self, seconds: float) -> None:
        """Report how long one event took from `write` to COMMIT."""


class SilentObserver:
    """Reports nothing."""

    def batch_written(self, rows: int, replays: int, seconds: float) -> None:
        """Do nothing."""

    def write_failed(self, kind: FailureKind) -> None:
        """Do nothing."""

    def waited(self, seconds: float) -> None:
        """Do nothing."""
