"""Which searches are being recorded right now; read at every scrape."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from workflow_audit import metrics
from workflow_audit.models.search import Metadata


class PendingSearches:
    """The searches that the operator has seen and not yet recorded."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._created: dict[UUID, datetime] = {}
        metrics.PENDING.set_function(lambda: len(self._created))
        metrics.OLDEST_PENDING.set_function(self.oldest_seconds)

    @contextmanager
    def including(self, search: Metadata) -> Iterator[None]:
        """Count a search as pending for as long as it is being recorded."""
        self._created[search.uid] = search.created
        try:
            yield
        finally:
            self._created.pop(search.uid, None)

    def oldest_seconds(self) -> float:
        """Give the age of the oldest one in seconds, by the API server's clock; 0 without any."""
        if not self._created:
            return 0.0
        return max((self._clock() - min(self._created.values())).total_seconds(), 0.0)
