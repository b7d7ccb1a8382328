"""The example catalogue scores as the real one: by its rules, and as 600 recorded searches say."""

import json
from pathlib import Path
from typing import Any

import pytest

from ranking import Scored, Workflow, load, ranked, rounded, scored
from support.searches import bundled_specs

CATALOGUE = Path(__file__).parents[3] / "examples/catalogue/catalogue.json"
WORKFLOWS = {workflow.workflow_id: workflow for workflow in load(CATALOGUE)}
ANSWERED = [spec for spec in bundled_specs() if "results" in spec]


def workflow(name: str = "a", **labels: str) -> Workflow:
    return Workflow(name, "1.0.0", "", "", {key.replace("_", "-"): v for key, v in labels.items()})


@pytest.mark.parametrize(
    ("label", "boost", "penalty"),
    [
        ("resource-management", 0.10, 0.10),
        ("gitops-tool", 0.10, 0.10),
        ("environment", 0.08, 0.0),
        ("business-category", 0.08, 0.0),
        ("priority", 0.05, 0.0),
        ("risk-tolerance", 0.05, 0.0),
        ("component", 0.0, 0.0),
        ("signal-type", 0.0, 0.0),
        ("unheard-of", 0.0, 0.0),
    ],
)
def test_what_a_label_counts(label: str, boost: float, penalty: float) -> None:
    def effect(**labels: str) -> tuple[dict[str, float], dict[str, float]]:
        one = scored(workflow(**labels), 0.5, {label: "a"})
        return dict(one.boosts), dict(one.penalties)

    assert effect(**{label: "a"}) == ({label: boost} if boost else {}, {})
    assert effect(**{label: "b"}) == ({}, {label: penalty} if penalty else {})
    assert effect(**{label: "A"}) == effect(**{label: "b"}), "case matters"
    assert effect(**{label: "*"}) == ({label: boost / 2} if boost else {}, {})
    assert effect() == ({}, {}), "an absent label is neutral"


@pytest.mark.parametrize(
    ("similarity", "boosts", "penalties", "confidence"),
    [
        pytest.param(0.5, {"a": 0.1, "b": 0.08}, {"c": 0.1}, 0.58, id="sum"),
        pytest.param(0.95, {"a": 0.1}, {}, 1.0, id="clamped-to-1"),
        pytest.param(0.05, {}, {"a": 0.1}, 0.0, id="clamped-to-0"),
        pytest.param(0.1, {"a": 0.2}, {}, 0.3, id="rounded-to-4-decimals"),
    ],
)
def test_confidence(
    similarity: float, boosts: dict[str, float], penalties: dict[str, float], confidence: float
) -> None:
    assert Scored(workflow(), similarity, boosts, penalties).confidence == confidence


@pytest.mark.parametrize(
    ("labels", "filters", "found"),
    [
        pytest.param({"signal_type": "A"}, {"signal-type": "A"}, True, id="match"),
        pytest.param({"signal_type": "B"}, {"signal-type": "A"}, False, id="mismatch"),
        pytest.param({"signal_type": "a"}, {"signal-type": "A"}, False, id="other-case"),
        pytest.param({"signal_type": "*"}, {"signal-type": "A"}, False, id="no-wildcard"),
        pytest.param({}, {"severity": "high"}, False, id="absent"),
        pytest.param({"severity": "high"}, {}, True, id="not-asked"),
        pytest.param({"environment": "b"}, {"environment": "a"}, True, id="not-strict"),
    ],
)
def test_strict_filters(labels: dict[str, str], filters: dict[str, str], found: bool) -> None:
    assert bool(ranked([(workflow(**labels), 0.5)], filters, 0.0)) is found


@pytest.mark.parametrize(
    ("similarity", "found"), [(0.3, True), (0.29996, True), (0.29994, False), (0.2, False)]
)
def test_the_threshold_looks_at_the_rounded_similarity_without_labels(
    similarity: float, found: bool
) -> None:
    candidate = workflow(resource_management="gitops")
    assert bool(ranked([(candidate, similarity)], {"resource-management": "gitops"}, 0.3)) is found


def test_equals_are_ordered_by_their_ids() -> None:
    names = [one.workflow.workflow_id for one in ranked([(workflow(n), 0.5) for n in "bca"], {}, 0)]
    assert names == ["a", "b", "c"]


def test_it_agrees_with_all_that_was_recorded() -> None:
    """Given base similarities: they come from a model, everything else must follow from rules."""
    assert len(ANSWERED) == 600
    for spec in ANSWERED:
        query, workflows = spec["query"], spec["results"]["workflows"]
        recorded = [(w["workflowId"], w["scoring"]) for w in workflows]
        candidates = [(WORKFLOWS[name], scoring["baseSimilarity"]) for name, scoring in recorded]
        found = ranked(reversed(candidates), query["filters"], query["minSimilarity"])
        ours = [
            (one.workflow.workflow_id, parts(one, scoring))
            for one, (_, scoring) in zip(found, recorded, strict=True)
        ]
        assert ours == recorded, query


def parts(one: Scored, as_recorded: dict[str, Any]) -> dict[str, Any]:
    """Give the scores in the words of the record; a fifth of the records has no breakdowns."""
    scoring = {
        "confidence": one.confidence,
        "baseSimilarity": one.base_similarity,
        "labelBoost": one.label_boost,
        "labelPenalty": one.label_penalty,
        "boostBreakdown": one.boosts,
        "penaltyBreakdown": one.penalties,
    }
    return {key: scoring[key] for key in as_recorded}


def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.json"
    file.write_text(json.dumps([{"id": "a"}]))
    with pytest.raises(ValueError, match=r"catalogue\.json is no catalogue: KeyError\('version'\)"):
        load(file)


def test_rounding_keeps_four_decimals() -> None:
    assert rounded(0.123449) == 0.1234
