"""What the writer of events tells the metrics."""

from workflow_audit import metrics


class WriterMetrics:
    """Tells the metrics how the writer fares."""

    def batch_written(self, rows: int, replays: int, seconds: float) -> None:  # noqa: ARG002
        """Count a committed batch."""
        metrics.BATCH_ROWS.observe(rows)

    def write_failed(self, kind: str) -> None:
        """Count a failed write: validation, network or database."""
        metrics.WRITE_ERRORS.labels(kind).inc()

    def waited(self, seconds: float) -> None:
        """Note how long one event took from submission to COMMIT."""
        metrics.WRITE_DURATION.observe(seconds)
