"""What retention works with: months of events, rules, legal holds, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Literal
from uuid import UUID

from workflow_audit.models.policy import DEFAULT_POLICY_NAME, PolicyKey

REST = ""
"""Stands for events of policies without a rule of their own, and for events without namespace."""


@dataclass(frozen=True)
class Partition:
    """One month of events."""

    first_day: date
    next_month: date
    """First day of the month after it."""

    @property
    def starts(self) -> datetime:
        """Give the earliest instant that an event in it can have."""
        return datetime.combine(self.first_day, time(), UTC)

    @property
    def ends(self) -> datetime:
        """Give the instant before which all its events are."""
        return datetime.combine(self.next_month, time(), UTC)


@dataclass(frozen=True)
class Rule:
    """After how many days an event may go, and who says so."""

    days: int | None
    """None keeps it."""

    policy: PolicyKey | None
    """None is the built-in default."""

    generation: int | None

    @property
    def policy_name(self) -> str:
        """Give the policy as events name it."""
        return str(self.policy) if self.policy else DEFAULT_POLICY_NAME


Rules = Mapping[str, Mapping[str, Rule]]
"""By namespace and by the policy that an event names; REST is for all others of the namespace."""


@dataclass(frozen=True)
class Hold:
    """A legal hold of a policy."""

    policy: PolicyKey
    uid: UUID
    generation: int
    """Of the policy; holds are compared without it, as other changes of a policy do not count."""

    name: str
    reason: str
    correlation_ids: tuple[str, ...] = ()
    workflow_ids: tuple[str, ...] = ()
    held_from: datetime | None = None
    held_to: datetime | None = None


@dataclass(frozen=True)
class PlacedHold:
    """A legal hold that is in force in the database."""

    hold_id: UUID
    hold: Hold


@dataclass(frozen=True)
class Drop:
    """What became of an attempt to drop a partition."""

    state: Literal["dropped", "kept", "in-use"]
    """kept: something in it may not go. in-use: somebody works with it, try again."""

    removed: int = 0
    """Events that went with it."""


@dataclass(frozen=True)
class Place:
    """A place among the events of a namespace and month."""

    at: datetime
    event_id: UUID


@dataclass(frozen=True)
class Batch:
    """What one removal did."""

    seen: int
    """Events that it looked at."""

    removed: int
    reached: Place | None
    """The last event that it looked at; None without any."""


@dataclass(frozen=True)
class Expired:
    """Events of a policy in one month that are old enough to go."""

    policy: PolicyKey | None
    events: int
    size_bytes: int
    oldest: datetime | None
    held: int
    """Further ones that are under a hold."""


@dataclass(frozen=True)
class Preview:
    """What retention would remove of a policy with dryRun."""

    generation: int
    """Of the policy as it was counted."""

    events: int = 0
    size_bytes: int = 0
    oldest: datetime | None = None
    held: int = 0

    def with_more(self, found: Expired) -> "Preview":
        """Give the sum."""
        times = [at for at in (self.oldest, found.oldest) if at]
        return Preview(
            self.generation,
            self.events + found.events,
            self.size_bytes + found.size_bytes,
            min(times, default=None),
            self.held + found.held,
        )


@dataclass(frozen=True)
class RunResult:
    """A run of retention that came to its end, as every operator reads it from the database."""

    finished_at: datetime
    removed: Mapping[PolicyKey, int] = field(default_factory=dict)
    """Events by policy, of all policies that there were."""


@dataclass(frozen=True)
class Previews:
    """What was counted of all policies with dryRun, as every operator reads it."""

    counted_at: datetime
    by_policy: Mapping[PolicyKey, Preview]


@dataclass(frozen=True)
class Runs:
    """How retention stands, by the database's clock."""

    now: datetime
    last: RunResult | None = None
    previews: Previews | None = None
    """The last ones, counted by a run or since."""


def policy_key(name: str | None, namespace: str | None) -> PolicyKey | None:
    """Give the key of a policy as events name it; None for the built-in default."""
    kind, slash, own_name = (name or "").partition("/")
    return PolicyKey(kind, namespace, own_name) if slash else None
