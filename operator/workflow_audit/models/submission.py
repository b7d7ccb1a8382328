"""A search as it comes by HTTP: kubernaut's event, and what it was answered.

Names are in snake_case here, as in the event that is stored. What is said about query, results and
failure is said by the models of a WorkflowSearch, so both ways have the same rules.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from workflow_audit.models.rest import Problem
from workflow_audit.models.search import Failure, Query, Results

MOST_EVENTS = 1000
"""Most events in one batch."""

VERSION = "1.0"
EVENT_TYPE = "workflow.catalog.search_completed"
EVENT_CATEGORY = "workflow"
EVENT_ACTION = "search_completed"

KEY_PATTERN = "^[!-~]{1,255}$"
"""An idempotency key: visible ASCII characters."""

NAMESPACE_PATTERN = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"

Milliseconds = Annotated[int, Field(ge=0, le=2**31 - 1)]
Claim = Annotated[str, Field(max_length=255)]
PolicyLabels = Annotated[
    dict[Annotated[str, Field(max_length=317)], Annotated[str, Field(max_length=63)]],
    Field(max_length=64),
]
"""As long as Kubernetes lets labels be, and as many as anybody selects by."""

_SUBMITTED = ConfigDict(
    extra="ignore",
    frozen=True,
    strict=True,
    use_attribute_docstrings=True,
    validate_by_alias=False,
    validate_by_name=True,
)
"""Strict: the API server takes no text for a number either. Unknown fields are ignored, because a
newer client may know more than we do."""


class SearchMetadata(BaseModel):
    """About the search itself."""

    model_config = _SUBMITTED

    duration_ms: Milliseconds | None = None
    """How long the search took, in whole milliseconds."""


class Data(BaseModel):
    """What was asked, and what came of it: either results or a failure."""

    model_config = _SUBMITTED

    query: Query
    """What was asked of the catalogue."""

    results: Results | None = None
    """What the catalogue answered."""

    failure: Failure | None = None
    """Why there is no answer; `error_code` and `error_message` say the same."""

    search_metadata: SearchMetadata | None = None
    """About the search itself."""


class Submission(BaseModel):
    """One completed search, as whoever ran it tells of it."""

    model_config = _SUBMITTED | ConfigDict(title="SubmittedEvent")

    version: Literal["1.0"]
    """Version of this shape."""

    event_type: Literal["workflow.catalog.search_completed"]
    """What kind of event it is; only this one is taken."""

    event_timestamp: str = Field(json_schema_extra={"format": "date-time"})
    """When the search ran, as RFC 3339 has it: at most 30 days ago, and at most five minutes ahead
    of this server's clock."""

    event_category: Literal["workflow"]
    """Follows from the type."""

    event_action: Literal["search_completed"]
    """Follows from the type."""

    event_outcome: Literal["success", "failure"]
    """How the search went: success with results, failure without."""

    correlation_id: str = Field(min_length=1, max_length=255)
    """Name of the remediation request that the search serves, such as `rr-2026-001`."""

    event_data: Data
    """What was asked, and what came of it."""

    namespace: Annotated[str, Field(pattern=NAMESPACE_PATTERN)] | None = None
    """Namespace that the search belongs to; left out, that of the caller's service account."""

    idempotency_key: Annotated[str, Field(pattern=KEY_PATTERN)] | None = None
    """Names the search: sent again with the same key, it is one event. Left out, what is said of
    the search names it. A single event has it in the header `Idempotency-Key`."""

    labels: PolicyLabels = Field(default_factory=dict)
    """Labels that policies select by, as those of a WorkflowSearch."""

    duration_ms: Milliseconds | None = None
    """The same as in `event_data.search_metadata`."""

    error_code: str | None = None
    """Why the search failed, in one word; with event_outcome failure, for `event_data.failure`."""

    error_message: str | None = None
    """The same for people."""

    service: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    """Program that ran the search. A claim: the event's actor is who sends it."""

    actor_type: Claim | None = None
    """A claim, like all that follow: they are kept in `event_metadata.claimed`, and nothing is
    decided by them."""

    actor_id: Claim | None = None
    """Claim of who ran the search."""

    actor_ip: Claim | None = None
    """Claim of where from."""

    resource_type: Claim | None = None
    """Claim of what the search is about."""

    resource_id: Claim | None = None
    """Claim of which one."""

    parent_event_id: Claim | None = None
    """Claim of the event that led to this one."""

    parent_event_date: Claim | None = None
    """Claim of the day of that event."""

    cluster_id: Claim | None = None
    """Claim of the cluster; the event's own is this one."""

    severity: Claim | None = None
    """Claim of how severe it is."""

    is_sensitive: bool | None = None
    """Claim of whether it holds anything sensitive."""

    retention_days: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    """Claim of how long it is to be kept; the policy decides."""


CLAIMS = (
    "service",
    "actor_type",
    "actor_id",
    "actor_ip",
    "resource_type",
    "resource_id",
    "parent_event_id",
    "parent_event_date",
    "cluster_id",
    "severity",
    "is_sensitive",
    "retention_days",
)
"""What a body says and nobody vouches for."""

Status = Literal["recorded", "replayed", "skipped", "refused", "unavailable"]
"""What came of one event. replayed: it was there already; skipped: auditing is off for it;
unavailable: not now, send it again."""


class Answer(BaseModel):
    """What came of one event."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    event_id: str | None = Field(json_schema_extra={"format": "uuid"})
    """Id of the event; null when it was skipped."""

    event_timestamp: str = Field(json_schema_extra={"format": "date-time"})
    """When the search ran."""

    status: Literal["recorded", "replayed", "skipped"]
    """recorded: it is in the database now; replayed: it was there already; skipped: a policy has
    switched auditing off."""

    message: str
    """The same for people."""


class BatchResult(BaseModel):
    """What came of one event of a batch."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    index: int
    """Place in the array that was sent, from 0 on."""

    status: Status
    """As of a single event; or refused, because something is wrong with it; or unavailable: it is
    not known to be recorded, send it again."""

    event_id: str | None = Field(json_schema_extra={"format": "uuid"})
    """Id of the event, where there is one."""

    problem: Problem | None
    """Why it was refused, or is unavailable; as the answer to a single event."""


class BatchAnswer(BaseModel):
    """What came of each event of a batch."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    results: list[BatchResult]
    """In the order in which they were sent."""

    event_ids: list[str]
    """Ids of all events that are in the database now."""

    message: str
    """The same for people."""
