"""Why a workflow won: the parts of each candidate's confidence, from whatever tells of a search."""

from typing import Literal

from pydantic import Field

from workflow_audit.models.base import Model

PartKind = Literal["base", "boost", "penalty", "unattributed", "bounds", "unexplained"]


class Part(Model):
    """What one thing adds to a confidence."""

    kind: PartKind
    """`bounds`: what was cut because a confidence lies within 0 and 1. `unattributed`: of a boost
    or penalty, and no label says why. `unexplained`: what all parts together leave open."""

    name: str
    """Label key, for boosts and penalties."""

    value: float
    """Negative when it takes away."""


class Candidate(Model):
    """A workflow that was found."""

    rank: int
    workflow_id: str
    version: str = ""
    title: str = ""
    confidence: float
    parts: list[Part]
    """Their sum is the confidence, where the base similarity is known."""

    base_known: bool
    """Whether the search told the base similarity."""

    derived: bool = False
    """Whether the parts by label follow from the policy's weights."""


class Why(Model):
    """Why there is no answer, in one word and for people."""

    code: str
    message: str = ""


class Explanation(Model):
    """One search, explained."""

    namespace: str
    search: str
    correlation_id: str
    event_id: str | None = None
    """None: not recorded."""

    searched_at: str
    """When the API server accepted the search."""

    outcome: str | None = None
    """None: not recorded."""

    query: str | None = None
    """None: what was submitted has none."""

    low_confidence: bool | None = None
    """Whether the winner is below its policy's threshold; None where that is not known."""

    total_found: int | None = None
    returned: int | None = None
    candidates: list[Candidate] = Field(default_factory=list)
    """The best first."""

    left_out: int = 0
    """Lower ranks that the event does not keep."""

    cut_characters: int = 0
    """Characters of long texts that the event does not keep."""

    redactions: dict[str, int] = Field(default_factory=dict)
    """How often something was replaced, by pattern."""

    failure: Why | None = None
    """Why the search has no answer."""

    waiting: Why | None = None
    """Why there is no event."""
