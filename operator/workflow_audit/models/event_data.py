"""The shape of `event_data` of a search, for `kubectl explain` and the references.

Nobody validates by it: what is stored was made by domain/events.py, and events of other types have
another shape.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from workflow_audit.models.base import Fraction

Numbers = dict[str, float]
Texts = dict[str, str]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Stored(BaseModel):
    """A value as it is stored: names in snake_case."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Query(Stored):
    """What was asked."""

    text: str
    """Text of the query, redacted."""

    filters: Texts | None = None
    """Labels that were asked for, by key."""

    top_k: int | None = None
    """How many workflows were wanted."""

    min_similarity: Fraction | None = None
    """How alike a workflow had to be."""


class Unattributed(Stored):
    """What the breakdowns do not explain."""

    boost: float
    """Of the label boost."""

    penalty: float
    """Of the label penalty."""


class Scoring(Stored):
    """Why a workflow has its place."""

    confidence: Fraction
    """Base similarity, plus boost, less penalty, within 0 and 1."""

    base_similarity: Fraction | None = None
    """Likeness of query and workflow before labels count."""

    label_boost: float | None = None
    """What labels add."""

    label_penalty: float | None = None
    """What labels take away, as a positive number."""

    boost_breakdown: Numbers | None = None
    """The boost by label key."""

    penalty_breakdown: Numbers | None = None
    """The penalty by label key."""

    derived: bool | None = None
    """Whether a breakdown follows from the policy's weights, because the search gave none."""

    unattributed: Unattributed | None = None
    """What the breakdowns leave unexplained; it is shown, never guessed."""


class Workflow(Stored):
    """One workflow that was found."""

    workflow_id: str
    """Id in the catalogue."""

    version: str | None = None
    """Its version."""

    title: str | None = None
    """Its title."""

    rank: int
    """Its place, from 1 on."""

    labels: Texts | None = None
    """Its labels."""

    scoring: Scoring
    """Why it has this place."""


class Results(Stored):
    """What the catalogue answered."""

    total_found: int
    """Workflows that matched."""

    returned: int
    """Workflows that it listed."""

    workflows: list[Workflow]
    """Those that were kept, the best first."""


class Failure(Stored):
    """Why there was no answer."""

    code: str
    """In one word."""

    message: str | None = None
    """For people, redacted."""


class Invalid(Stored):
    """Why what was submitted is no search."""

    path: str
    """Field that breaks a rule."""

    message: str
    """Which rule, and what to write instead."""


class SearchMetadata(Stored):
    """About the search itself."""

    duration_ms: int | None = None
    """How long it took."""

    searched_at: Time | None = None
    """When, by the searcher's own clock."""

    replaced_characters: int | None = None
    """Characters that cannot be stored, and stand as U+FFFD."""


class Truncated(Stored):
    """What was left out because of the policy's limits."""

    workflows: int
    """Lower ranks."""

    characters: int
    """Characters of long texts."""


class EventData(Stored):
    """What was asked, what was found, and why."""

    query: Query | None = None
    """What was asked."""

    results: Results | None = None
    """What the catalogue answered, if it did."""

    failure: Failure | None = None
    """Why it did not."""

    invalid: Invalid | None = None
    """Why what was submitted is no search."""

    submitted: str | None = None
    """What was submitted then, as JSON text, redacted."""

    search_metadata: SearchMetadata | None = None
    """About the search itself."""

    redactions: dict[str, int] | None = None
    """How often something was redacted, by pattern."""

    truncated: Truncated | None = None
    """What was left out."""


class EventMetadata(Stored):
    """About the recording."""

    requested_by: str | None = None
    """User whom the API server saw creating the search."""

    policy: str | None = None
    """Policy that applied, such as AuditPolicy/strict."""

    claimed: Texts | None = None
    """What a search that came by HTTP says of itself, such as its `service`; nobody vouches for
    it."""

    catalogue: str | None = None
    """Policy whose catalogue the operator asked, such as ClusterAuditPolicy/default. There only
    where the operator ran the search; null where no policy had a catalogue for it."""
