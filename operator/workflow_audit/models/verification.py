"""What a comparison of cluster and table works with, and what it finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from workflow_audit.models.event import Json
from workflow_audit.models.search import Metadata, Search


class FindingKind(StrEnum):
    """How cluster and table disagree."""

    MISSING = "missing"
    """Status says Recorded, and there is no row."""

    DIFFERENT = "different"
    """Search and row disagree about what cannot have changed."""

    EXTRA = "extra"
    """A row that nothing can have written rightly."""


@dataclass(frozen=True)
class Finding:
    """One search, or one row, that is not as it should be."""

    kind: FindingKind
    namespace: str | None
    """None where only a row is there, and the login may not read it."""

    name: str | None
    uid: str
    event_id: UUID
    why: str


@dataclass(frozen=True)
class SearchSeen:
    """A search as the API server gives it."""

    search: Search
    status: Mapping[str, Any]

    @property
    def metadata(self) -> Metadata:
        """What the API server set itself."""
        return self.search.metadata


@dataclass(frozen=True)
class StoredContent:
    """What only some logins may read of a row."""

    namespace: str | None
    cluster_id: str | None
    resource_type: str
    outcome: str
    top_workflow_id: str | None
    top_confidence: float | None


@dataclass(frozen=True)
class StoredRow:
    """A row as far as it is compared."""

    event_id: UUID
    event_date: date
    recorded_at: datetime
    correlation_id: str
    resource_id: str
    resource_name: str | None
    content: StoredContent | None
    """None where the login may not read it."""


@dataclass(frozen=True)
class Rights:
    """What a login may do with the table."""

    login: str
    names: bool
    """Whether it may read what rows are called, and when they were recorded."""

    content: bool
    """Whether it may read all that is compared."""

    writes: bool
    trace: bool
    """Whether it may read what retention has removed."""


@dataclass(frozen=True)
class Judgement:
    """What is said of one search."""

    findings: tuple[Finding, ...] = ()
    is_recorded_again: bool = False
    """Whether its row is younger than its status: it was written again, as a repair does."""


@dataclass
class Counts:
    """How many of everything; grows while a comparison runs."""

    searches: int = 0
    """Looked at."""

    recorded: int = 0
    """With the row that belongs to them, and nothing to say about it."""

    recorded_again: int = 0
    """Of these: with a row that is younger than their status."""

    pending: int = 0
    skipped: int = 0
    expired: int = 0
    """Without a row, rightly: as old as retention lets them become."""

    missing: int = 0
    different: int = 0
    extra: int = 0
    repaired: int = 0
    """Of the missing ones: recorded again."""

    rows: int | None = None
    """Of searches of this cluster, since the oldest search that is there; None: not counted."""

    searches_gone: int | None = None
    """Of these: without a search in the cluster, as expected of what is recorded."""


@dataclass
class Report:
    """What a comparison found."""

    cluster_id: UUID
    began_at: datetime
    content_compared: bool
    """Whether outcome and winner were compared as well, and not only names and times."""

    counts: Counts = field(default_factory=Counts)
    findings: list[Finding] = field(default_factory=list)
    """The first ones of each kind."""

    unrepaired: list[Finding] = field(default_factory=list)
    """The first ones of those missing that could not be recorded again, and why."""

    @property
    def all_there(self) -> bool:
        """Tell whether there is nothing left to see to."""
        counts = self.counts
        return counts.missing == counts.repaired and not (counts.different or counts.extra)


@dataclass(frozen=True)
class Rebuilt:
    """A search of which an event can be made again, and what of the event is known already."""

    search: Search
    known: Json = field(default_factory=dict)
    """Parts of event_data that status shows."""
