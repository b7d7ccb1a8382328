"""What status says of a search: where its recording stands, how it went, and who won."""

import enum
from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from workflow_audit.models.base import ATOMIC, Model
from workflow_audit.models.scoring import ExplainedScoring
from workflow_audit.models.search import MAX_WORKFLOWS


class Phase(enum.StrEnum):
    """Where the recording stands; the last two are final."""

    PENDING = "Pending"
    RECORDED = "Recorded"
    SKIPPED = "Skipped"


class Condition(Model):
    """One aspect of an object's state, as Kubernetes conventions have it."""

    type: str = Field(max_length=316)
    """Name of the aspect."""

    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""

    observed_generation: int = Field(ge=0)
    """Generation of the object that this speaks of."""

    last_transition_time: datetime
    """When the status last changed."""

    reason: str = Field(max_length=1024)
    """Reason in one word, for programs."""

    message: str = Field(max_length=32768)
    """Reason in a sentence, for people."""


CONDITION_LIST: Any = Field(
    None,
    json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
)
"""How a field is declared that lists conditions."""


class Truncated(Model):
    """What an event leaves out of a search because of its policy's limits."""

    workflows: int = Field(0, ge=0)
    """Lower ranks that were left out."""

    characters: int = Field(0, ge=0)
    """Characters that were cut from the end of long texts."""


class SummaryWorkflow(Model):
    """One of the best workflows, with its explained scoring."""

    workflow_id: str
    """Identifier of the workflow in the catalogue."""

    version: str = ""
    """Version of the workflow."""

    rank: int
    """Place in the answer."""

    scoring: ExplainedScoring
    """Its score parts, breakdowns included."""


class ScoringSummary(Model):
    """Who won, with what confidence, and why."""

    query: str
    """Beginning of the query text, after redaction."""

    top_workflow: str | None = None
    """Identifier of the winner."""

    top_confidence: float | None = None
    """Confidence of the winner."""

    low_confidence: bool | None = None
    """Whether the winner is below the policy's threshold."""

    total_found: int | None = None
    """Workflows above the search's threshold."""

    returned: int | None = None
    """Workflows that the answer lists."""

    truncated: Truncated = Truncated()
    """What the event leaves out."""

    redactions: dict[str, int] = Field(default_factory=dict)
    """How many passages were replaced, by pattern."""

    workflows: list[SummaryWorkflow] = Field(default_factory=list, max_length=3)
    """The best workflows, three at the most."""


class AnsweredWorkflow(Model):
    """One workflow that the catalogue found, as the event has it."""

    workflow_id: str
    """Identifier of the workflow in the catalogue."""

    version: str = ""
    """Version of the workflow."""

    title: str = ""
    """Name of the workflow for people, after redaction."""

    rank: int
    """Place in the answer; 1 is the winner."""

    labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the workflow, after redaction."""

    scoring: ExplainedScoring
    """How the catalogue came to its confidence, and what explains it."""


class AnsweredResults(Model):
    """What the catalogue answered to a search that the operator ran, as the event has it."""

    total_found: int
    """Workflows above the threshold, listed or not."""

    returned: int
    """Workflows that the answer listed; fewer stand below where limits cut them."""

    duration_ms: int | None = None
    """How long the catalogue took, in whole milliseconds."""

    workflows: list[AnsweredWorkflow] = Field(default_factory=list, max_length=MAX_WORKFLOWS)
    """The workflows listed, by rank."""


class SearchStatus(Model):
    """What the operator knows of a search; written once, after the event was committed."""

    model_config = ConfigDict(json_schema_extra=ATOMIC)

    observed_generation: int | None = None
    """Generation of the spec that this speaks of."""

    phase: Phase | None = None
    """Where the recording stands: Pending, Recorded or Skipped (auditing is off). The last two
    are final."""

    outcome: Literal["success", "failure"] | None = None
    """How the search went, as in its event; the reason stands in the condition `Searched`."""

    event_id: str | None = None
    """Identifier of the audit event."""

    recorded_at: datetime | None = None
    """When the event was written."""

    policy: str | None = None
    """Policy that applied."""

    summary: ScoringSummary | None = None
    """Who won, with what confidence, and why."""

    results: AnsweredResults | None = None
    """What the catalogue answered, where the operator ran the search: redacted, and cut to the
    policy's limits, as in the event."""

    conditions: list[Condition] | None = CONDITION_LIST
    """Ready (all is done), Recorded (the event is committed), Searched (the catalogue
    answered)."""
