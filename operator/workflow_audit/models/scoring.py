"""All score parts of one workflow in one search."""

from typing import Annotated

from pydantic import Field

from workflow_audit.models.base import KEY_RULE, Fraction, Model, ScorePart

MAX_BREAKDOWN_LABELS = 12

Breakdown = Annotated[
    dict[str, ScorePart],
    Field(max_length=MAX_BREAKDOWN_LABELS, json_schema_extra=KEY_RULE),
]
"""Boost or penalty by label key."""

ExplainedBreakdown = Annotated[dict[str, ScorePart], Field(max_length=MAX_BREAKDOWN_LABELS)]
"""The same in status; its keys are those of the search and of the policy, which were checked."""


class Weight(Model):
    """What a policy lets one label key add or take away."""

    boost: ScorePart = 0.0
    """Added to the confidence when the label has the value that was asked for."""

    penalty: ScorePart = 0.0
    """Taken from the confidence when the label has another value."""


class Scoring(Model):
    """How the catalogue came to its confidence; every number is the catalogue's own."""

    confidence: Fraction
    """The final score: base similarity + label boost - label penalty, kept within 0 and 1.
    Higher is better; rank 1 has the highest."""

    base_similarity: Fraction | None = None
    """How alike the query text and the workflow's description are, before labels count."""

    label_boost: ScorePart | None = None
    """Sum of what matching labels added, as a fraction."""

    label_penalty: ScorePart | None = None
    """Sum of what mismatching labels took away, as a fraction, written as a positive number."""

    boost_breakdown: Breakdown | None = None
    """What each matching label added. When left out, it is derived from the policy's weights."""

    penalty_breakdown: Breakdown | None = None
    """What each mismatching label took away, written as positive numbers. When left out, it is
    derived from the policy's weights."""


class Unattributed(Model):
    """What the breakdowns leave unexplained; negative when they explain more than there is."""

    boost: float = 0.0
    """labelBoost minus the sum of boostBreakdown."""

    penalty: float = 0.0
    """labelPenalty minus the sum of penaltyBreakdown."""


class ExplainedScoring(Scoring):
    """A scoring whose breakdowns are there, and what they do not explain."""

    boost_breakdown: ExplainedBreakdown = Field(default_factory=dict)
    """What each matching label added, as given by the catalogue or derived from the weights."""

    penalty_breakdown: ExplainedBreakdown = Field(default_factory=dict)
    """What each mismatching label took away, as given or derived; positive numbers."""

    derived: bool = False
    """Whether a breakdown was left out by the search and derived from the policy's weights."""

    unattributed: Unattributed = Unattributed()
    """What the breakdowns leave unexplained."""
