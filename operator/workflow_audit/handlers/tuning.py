"""kopf's settings for one write per search and for outages of any length."""

import random
from collections.abc import Iterator

import kopf

from workflow_audit.handlers.storages import NoDiffBase, NoProgress
from workflow_audit.models.kinds import GROUP, VERSION, WORKFLOW_SEARCH
from workflow_audit.settings.operating import OperatorSettings

UNRECORDED = "status.phase!=Recorded,status.phase!=Skipped"
"""Recorded searches are neither listed nor watched: a restart costs its backlog, not history."""

LIST_CHUNK = 250
"""Searches in one page of the first list; bounds the memory of a restart."""

IDLE_SECONDS = 0.05
"""How long a search's worker stays after its last event; kopf's 5 s hold its memory."""

FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 15.0


class EndlessBackoffs:
    """Pauses that double up to a bound, with jitter, and never end.

    kopf gives up and exits when its pauses are used up, by default after a minute of errors.
    """

    def __iter__(self) -> Iterator[float]:
        pause = FIRST_BACKOFF_SECONDS
        while True:
            yield pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, no secret
            pause = min(pause * 2, LONGEST_BACKOFF_SECONDS)


def kopf_settings(settings: OperatorSettings) -> kopf.OperatorSettings:
    """Give kopf's settings; docs/explanation/how-it-works.md says what they are for."""
    tuned = kopf.OperatorSettings()
    tuned.persistence.diffbase_storage = NoDiffBase()
    tuned.persistence.progress_storage = NoProgress()
    tuned.persistence.consistency_timeout = 0  # nothing is compared with an earlier state
    tuned.posting.enabled = False  # each Kubernetes event would be one more write
    tuned.scanning.disabled = True  # one resource, named in full: nothing to discover
    tuned.queueing.idle_timeout = IDLE_SECONDS
    tuned.queueing.exit_timeout = settings.exit_timeout_seconds
    tuned.networking.error_backoffs = EndlessBackoffs()
    tuned.networking.request_timeout = 120  # a status may wait long for its turn
    tuned.networking.connect_timeout = 5
    tuned.networking.enforce_retry_after = True
    tuned.watching.connect_timeout = 5
    tuned.watching.chunk_size = LIST_CHUNK
    tuned.watching.field_selectors[GROUP, VERSION, WORKFLOW_SEARCH.plural] = UNRECORDED
    return tuned
