"""Why a workflow got its confidence: breakdowns, given or derived, and what they leave open.

A breakdown that the catalogue gave is kept. A missing one follows from filters, labels and the
policy's weights; nothing is scaled or moved to make it fit (requirement: nothing invented).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from workflow_audit.models.scoring import Scoring, Weight

ANY_VALUE = "*"
WILDCARD_SHARE = 0.5
"""A workflow for any value gets half of what one for this very value gets."""

TOLERANCE = 1e-6
"""Differences up to here are rounding."""

DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Effect:
    """What one label adds to and takes from a confidence, as fractions >= 0."""

    boost: float = 0.0
    penalty: float = 0.0


def label_effect(asked: str, offered: str | None, weight: Weight) -> Effect:
    """Compare a filter's value with the workflow's label; an absent label is neutral."""
    if offered is None:
        return Effect()
    if offered == ANY_VALUE:
        return Effect(boost=weight.boost * WILDCARD_SHARE)
    if offered == asked:
        return Effect(boost=weight.boost)
    return Effect(penalty=weight.penalty)


def label_effects(
    filters: Mapping[str, str], labels: Mapping[str, str], weights: Mapping[str, Weight]
) -> dict[str, Effect]:
    """Give the effect of every filter that has a weight, by label key."""
    return {
        key: label_effect(asked, labels.get(key), weights[key])
        for key, asked in filters.items()
        if key in weights
    }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Both breakdowns of a scoring, and what they leave open."""

    boost_breakdown: Mapping[str, float]
    """What each matching label added, as given by the catalogue or derived from the weights."""

    penalty_breakdown: Mapping[str, float]
    """What each mismatching label took away, as given or derived; positive numbers."""

    derived: bool
    """Whether the catalogue left a breakdown out."""

    unattributed: Effect
    """What the breakdowns do not explain; negative where they explain more than there is."""


def explanation(
    scoring: Scoring,
    filters: Mapping[str, str],
    labels: Mapping[str, str],
    weights: Mapping[str, Weight],
) -> Explanation:
    """Explain a scoring.

    Where the catalogue gave no labelBoost or labelPenalty there is nothing to explain, so
    nothing is unattributed.
    """
    boosts, penalties = scoring.boost_breakdown, scoring.penalty_breakdown
    derived = boosts is None or penalties is None
    effects = label_effects(filters, labels, weights) if derived else {}
    if boosts is None:
        boosts = {key: _rounded(e.boost) for key, e in effects.items() if e.boost}
    if penalties is None:
        penalties = {key: _rounded(e.penalty) for key, e in effects.items() if e.penalty}
    rest = Effect(
        _unexplained(scoring.label_boost, boosts), _unexplained(scoring.label_penalty, penalties)
    )
    return Explanation(boosts, penalties, derived, rest)


def _unexplained(total: float | None, breakdown: Mapping[str, float]) -> float:
    if total is None:
        return 0.0
    rest = total - sum(breakdown.values())
    return _rounded(rest) if abs(rest) > TOLERANCE else 0.0


def _rounded(value: float) -> float:
    return round(value, DECIMALS)
