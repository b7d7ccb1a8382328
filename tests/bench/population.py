"""A year of audit events as a large cluster would have them; pure, and the same every time.

Each is one that the operator makes of a bundled search (`Corpus.events`), under other ids, at
another time and in another namespace. What is skewed in life is skewed here:
- a few namespaces have most events, and many have few;
- a few workflows win most searches, and many win some;
- a remediation request has one to five searches, with those of others between them;
- one search in twenty fails.
"""

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from bench.corpus import CLUSTER_ID
from workflow_audit.domain.events import event_id
from workflow_audit.models.event import AuditEvent
from workflow_audit.store.rows import COLUMNS, Row, row

T = TypeVar("T")

SEED = 615
DAYS = 365
NAMESPACES = tuple(f"team-{number:03d}" for number in range(200))
NAMESPACE_SKEW = 1.2
WORKFLOW_SKEW = 0.8
"""The n-th of them is 1/n^skew as frequent as the first one."""

FAILED_SHARE = 0.05
SEARCHES_OF_A_REQUEST = {1: 45, 2: 25, 3: 15, 4: 10, 5: 5}
"""How many requests in a hundred have so many searches."""

REQUESTS_AT_A_TIME = 8
DRAWN_AT_ONCE = 10_000
"""Drawing many at once takes a tenth of the time."""

_INDEXES = {name: index for index, name in enumerate(COLUMNS)}


@dataclass
class _Request:
    """A remediation request, while it searches."""

    correlation_id: str
    namespace: str
    searches_left: int


@dataclass(frozen=True)
class Population:
    """Events in the order of time, evenly spread over the year before a moment."""

    templates: Sequence[AuditEvent]
    """Successes and failures; their ids, times and namespaces are replaced."""

    count: int
    end: datetime
    """None is later than it."""

    @property
    def begin(self) -> datetime:
        """Give the time of the first one."""
        return self.end - timedelta(days=DAYS)

    def rows(self) -> Iterator[Row]:
        """Give the rows; each call gives the same ones."""
        drawn = random.Random(SEED)  # noqa: S311 - the same ones every time
        lanes = [_Request("", "", 0) for _ in range(REQUESTS_AT_A_TIME)]
        requests, templates = self._requests(drawn), self._templates(drawn)
        every = timedelta(days=DAYS) / self.count
        for number in range(self.count):
            lane = number % REQUESTS_AT_A_TIME
            if not lanes[lane].searches_left:
                lanes[lane] = next(requests)
            request = lanes[lane]
            request.searches_left -= 1
            # A search's creation, which its event is dated by, has whole seconds.
            at = (self.begin + number * every).replace(microsecond=0)
            uid = UUID(int=drawn.getrandbits(128), version=4)
            yield _row(next(templates), request, at, uid, number)

    def _requests(self, drawn: random.Random) -> Iterator[_Request]:
        names = _endlessly(drawn, NAMESPACES, _skewed(len(NAMESPACES), NAMESPACE_SKEW))
        sizes = _endlessly(drawn, list(SEARCHES_OF_A_REQUEST), list(SEARCHES_OF_A_REQUEST.values()))
        for number in itertools.count():
            yield _Request(f"rr-{self.end.year}-{number:08d}", next(names), next(sizes))

    def _templates(self, drawn: random.Random) -> Iterator[list[object]]:
        weights = template_weights(self.templates)
        return _endlessly(drawn, [list(row(event)) for event in self.templates], weights)


def template_weights(templates: Sequence[AuditEvent]) -> list[float]:
    """Give how frequent each event is: by outcome first, then by the workflow that won."""
    winners = Counter(event.top_workflow_id for event in templates if event.top_workflow_id)
    ranks = [name for name, _ in sorted(winners.items(), key=lambda each: (-each[1], each[0]))]
    shares = dict(zip(ranks, _skewed(len(ranks), WORKFLOW_SKEW), strict=True))
    mean = sum(shares.values()) / max(winners.total(), 1)

    def weight(event: AuditEvent) -> float:
        winner = event.top_workflow_id
        return shares[winner] / winners[winner] if winner else mean

    weights = [weight(event) for event in templates]
    failed = [event.event_outcome == "failure" for event in templates]
    total = {
        kind: sum(w for w, f in zip(weights, failed, strict=True) if f is kind)
        for kind in (False, True)
    }
    share = {True: FAILED_SHARE, False: 1 - FAILED_SHARE}
    return [w * share[f] / total[f] for w, f in zip(weights, failed, strict=True)]


def _skewed(count: int, skew: float) -> list[float]:
    return [1 / number**skew for number in range(1, count + 1)]


def _endlessly(drawn: random.Random, values: Sequence[T], weights: Sequence[float]) -> Iterator[T]:
    cumulative = list(itertools.accumulate(weights))
    while True:
        yield from drawn.choices(values, cum_weights=cumulative, k=DRAWN_AT_ONCE)


def _row(template: list[object], request: _Request, at: datetime, uid: UUID, number: int) -> Row:
    values = list(template)
    changes = {
        "event_id": event_id(CLUSTER_ID, uid),
        "event_timestamp": at,
        "event_date": at.date(),
        "resource_id": str(uid),
        "resource_name": f"{request.correlation_id}-{number}",
        "correlation_id": request.correlation_id,
        "namespace": request.namespace,
    }
    for name, value in changes.items():
        values[_INDEXES[name]] = value
    return tuple(values)
