"""Which workflows an answer lists, in which order, and why: the catalogue's scoring, v1.0."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

STRICT = ("signal-type", "severity")
"""Filters that a workflow must match; all others only move its confidence."""

ANY_VALUE = "*"
WILDCARD_SHARE = 0.5
"""A workflow for any value gets half of what one for this very value gets."""

DECIMALS = 4


@dataclass(frozen=True)
class Weight:
    """What a label adds to a confidence when it matches, and takes away when it does not."""

    boost: float
    penalty: float = 0.0


WEIGHTS = {
    "resource-management": Weight(boost=0.10, penalty=0.10),
    "gitops-tool": Weight(boost=0.10, penalty=0.10),
    "environment": Weight(boost=0.08),
    "business-category": Weight(boost=0.08),
    "priority": Weight(boost=0.05),
    "risk-tolerance": Weight(boost=0.05),
}


@dataclass(frozen=True)
class Workflow:
    """A remediation workflow of the catalogue."""

    workflow_id: str
    version: str
    title: str
    description: str
    labels: Mapping[str, str]

    @property
    def text(self) -> str:
        """What queries are compared with."""
        labels = ", ".join(f"{key} {value}" for key, value in self.labels.items())
        return f"{self.title}. {self.description} {labels}"


@dataclass(frozen=True)
class Scored:
    """A workflow that was found; all scores are fractions, and penalties are positive."""

    workflow: Workflow
    base_similarity: float
    boosts: Mapping[str, float]
    penalties: Mapping[str, float]

    @property
    def label_boost(self) -> float:
        """What labels add."""
        return rounded(sum(self.boosts.values(), start=0.0))

    @property
    def label_penalty(self) -> float:
        """What labels take away."""
        return rounded(sum(self.penalties.values(), start=0.0))

    @property
    def confidence(self) -> float:
        """What decides about the order."""
        total = self.base_similarity + self.label_boost - self.label_penalty
        return rounded(min(max(total, 0.0), 1.0))


def ranked(
    candidates: Iterable[tuple[Workflow, float]],
    filters: Mapping[str, str],
    min_similarity: float,
) -> list[Scored]:
    """Give all workflows above the threshold, the best first; of equals, by their ids.

    Args:
        candidates: workflows, and how like the query they are.
        filters: labels that were asked for, by key.
        min_similarity: least similarity; labels do not help a workflow over it.
    """
    found = [
        scored(workflow, rounded(similarity), filters)
        for workflow, similarity in candidates
        if rounded(similarity) >= min_similarity and is_candidate(workflow, filters)
    ]
    return sorted(found, key=lambda one: (-one.confidence, one.workflow.workflow_id))


def is_candidate(workflow: Workflow, filters: Mapping[str, str]) -> bool:
    """Whether a workflow has the labels that a strict filter asks for."""
    return all(workflow.labels.get(key) == filters[key] for key in STRICT if key in filters)


def scored(workflow: Workflow, similarity: float, filters: Mapping[str, str]) -> Scored:
    """Compare filters with labels; only what both name, and what has a weight, counts."""
    boosts, penalties = {}, {}
    for key, asked in filters.items():
        weight, offered = WEIGHTS.get(key), workflow.labels.get(key)
        if weight is None or offered is None:
            continue
        if offered == ANY_VALUE:
            boosts[key] = rounded(weight.boost * WILDCARD_SHARE)
        elif offered == asked:
            boosts[key] = weight.boost
        elif weight.penalty:
            penalties[key] = weight.penalty
    return Scored(workflow, similarity, boosts, penalties)


def rounded(value: float) -> float:
    """Give a score as it is shown, and as it is added up."""
    return round(value, DECIMALS)


def load(path: Path) -> list[Workflow]:
    """Read a catalogue: a JSON array of workflows.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such array.
    """
    try:
        return [
            Workflow(
                workflow_id=entry["id"],
                version=entry["version"],
                title=entry["title"],
                description=entry["description"],
                labels=entry["labels"],
            )
            for entry in json.loads(path.read_text(encoding="utf-8"))
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is no catalogue: {error!r}") from error
