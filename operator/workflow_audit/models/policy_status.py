"""What status says of a policy: is all that it asks for in place, and what does retention do."""

from datetime import datetime

from pydantic import ConfigDict, Field

from workflow_audit.models.base import ATOMIC, Model
from workflow_audit.models.status import CONDITION_LIST, Condition


class ChildStatus(Model):
    """One object that the policy asks for."""

    kind: str
    """Kind of the object."""

    namespace: str | None = None
    """Namespace of the object; none for cluster-wide ones."""

    name: str
    """Name of the object."""

    state: str
    """InPlace, or in one word why it is not: Conflict, Refused, NotInstalled, Unreachable."""

    message: str | None = None
    """Why it is not in place, for people."""


class RemovalPreview(Model):
    """Events of the policy that are old enough to go."""

    at: datetime
    """When this was counted."""

    generation: int
    """Generation of the spec that was counted; a later one is counted within seconds."""

    rows: int
    """Number of events."""

    size_bytes: int = Field(alias="bytes")
    """What they take on disk, about."""

    oldest: datetime | None = None
    """Time of the oldest one."""

    held: int = 0
    """Events that are old enough as well, but under a legal hold."""


class RetentionStatus(Model):
    """How retention stands."""

    last_run: datetime | None = None
    """When retention last finished."""

    next_run: datetime | None = None
    """When it runs next."""

    removed: int | None = None
    """Events of this policy that the last run removed."""

    would_remove: RemovalPreview | None = None
    """With dryRun: what retention would remove, counted at each run and when the policy changes."""

    failed_at: datetime | None = None
    """When retention last failed, until it succeeds again."""

    failure: str | None = None
    """Why it failed."""


class PolicyStatus(Model):
    """What the operator knows of a policy."""

    model_config = ConfigDict(json_schema_extra=ATOMIC)

    observed_generation: int | None = None
    """Generation of the spec that this speaks of."""

    readers: int | None = None
    """Subjects that may read by this policy."""

    children: list[ChildStatus] | None = Field(None, max_length=16)
    """Objects that the policy asks for."""

    retention: RetentionStatus | None = None
    """How retention stands."""

    conditions: list[Condition] | None = CONDITION_LIST
    """Ready (all that the policy asks for is in place), Reconciling and Stalled (only while true),
    and one each for what it may ask for: Access, Alerts, Dashboard, Retention."""
