"""Breakdowns explain a confidence, and what they leave open is shown and never guessed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.searches import LINES
from workflow_audit.domain.events import scoring_data
from workflow_audit.domain.scoring import (
    Effect,
    Explanation,
    explanation,
    label_effect,
    label_effects,
)
from workflow_audit.models.policy import ScoringRules
from workflow_audit.models.scoring import ExplainedScoring, Scoring, Weight
from workflow_audit.models.search import FoundWorkflow, SearchSpec

WEIGHTS = ScoringRules().weights
GITOPS = {"gitops-tool": "argocd"}


@pytest.mark.parametrize(
    ("asked", "offered", "effect"),
    [
        pytest.param("gitops", "gitops", Effect(boost=0.10), id="match-boosts"),
        pytest.param("gitops", "manual", Effect(penalty=0.06), id="mismatch-costs"),
        pytest.param("gitops", None, Effect(), id="absent-label-is-neutral"),
        pytest.param("gitops", "*", Effect(boost=0.05), id="wildcard-gives-half"),
        pytest.param("GitOps", "gitops", Effect(penalty=0.06), id="case-matters"),
        pytest.param("gitops", "gitops ", Effect(penalty=0.06), id="spaces-matter"),
        pytest.param("gitops", "", Effect(penalty=0.06), id="an-empty-label-is-another-value"),
        pytest.param("", "", Effect(boost=0.10), id="empty-equals-empty"),
        pytest.param("*", "gitops", Effect(penalty=0.06), id="an-asked-wildcard-is-a-value"),
        pytest.param("*", "*", Effect(boost=0.05), id="wildcard-is-looked-at-first"),
    ],
)
def test_label_effect(asked: str, offered: str | None, effect: Effect) -> None:
    assert label_effect(asked, offered, Weight(boost=0.10, penalty=0.06)) == effect


def test_only_filters_with_a_weight_have_an_effect() -> None:
    filters = {"priority": "p0", "signal-type": "OOMKilled"}
    labels = {"priority": "p0", "signal-type": "OOMKilled", "environment": "staging"}
    assert label_effects(filters, labels, WEIGHTS) == {"priority": Effect(boost=0.05)}


def explained(
    scoring: dict[str, Any], filters: dict[str, str] = GITOPS, offered: str | None = "argocd"
) -> Explanation:
    labels = {} if offered is None else {"gitops-tool": offered}
    return explanation(
        Scoring.model_validate({"confidence": 0.5} | scoring), filters, labels, WEIGHTS
    )


@pytest.mark.parametrize(
    ("scoring", "offered", "boosts", "penalties", "derived"),
    [
        pytest.param({}, "argocd", {"gitops-tool": 0.1}, {}, True, id="missing-is-derived"),
        pytest.param({}, "flux", {}, {"gitops-tool": 0.1}, True, id="mismatch-is-derived"),
        pytest.param({}, "*", {"gitops-tool": 0.05}, {}, True, id="wildcard-is-derived"),
        pytest.param({}, None, {}, {}, True, id="neutral-is-left-out"),
        pytest.param(
            {"boost_breakdown": {"other": 0.3}, "penalty_breakdown": {}},
            "argocd",
            {"other": 0.3},
            {},
            False,
            id="given-is-kept-although-weights-say-otherwise",
        ),
        pytest.param(
            {"boost_breakdown": {}, "penalty_breakdown": {}},
            "argocd",
            {},
            {},
            False,
            id="given-empty-is-not-missing",
        ),
        pytest.param(
            {"boost_breakdown": {"other": 0.3}},
            "flux",
            {"other": 0.3},
            {"gitops-tool": 0.1},
            True,
            id="only-the-missing-one-is-derived",
        ),
        pytest.param(
            {"boost_breakdown": {}}, "argocd", {}, {}, True, id="a-given-empty-boost-is-kept"
        ),
        pytest.param(
            {"penalty_breakdown": {}}, "flux", {}, {}, True, id="a-given-empty-penalty-is-kept"
        ),
    ],
)
def test_breakdowns(
    scoring: dict[str, Any],
    offered: str | None,
    boosts: dict[str, float],
    penalties: dict[str, float],
    derived: bool,
) -> None:
    result = explained(scoring, offered=offered)
    assert (result.boost_breakdown, result.penalty_breakdown) == (boosts, penalties)
    assert result.derived is derived


@pytest.mark.parametrize(
    ("total", "explained_part", "rest"),
    [
        pytest.param(0.18, 0.18, 0.0, id="all-explained"),
        pytest.param(0.18, 0.10, 0.08, id="positive-when-too-little-is-explained"),
        pytest.param(0.10, 0.18, -0.08, id="negative-when-too-much-is-explained"),
        pytest.param(0.1000009, 0.1, 0.0, id="a-difference-of-0.9e-6-is-rounding"),
        pytest.param(0.1000011, 0.1, 0.000001, id="a-difference-of-1.1e-6-is-shown"),
        pytest.param(0.0999989, 0.1, -0.000001, id="so-it-is-below"),
        pytest.param(0.3, 0.0, 0.3, id="nothing-explained"),
        pytest.param(None, 0.1, 0.0, id="no-total-leaves-nothing-open"),
    ],
)
@pytest.mark.parametrize("side", ["boost", "penalty"])
def test_unattributed(side: str, total: float | None, explained_part: float, rest: float) -> None:
    given = {f"label_{side}": total, "boost_breakdown": {}, "penalty_breakdown": {}}
    given[f"{side}_breakdown"] = {"priority": explained_part} if explained_part else {}
    assert explained(given).unattributed == Effect(**{side: rest})


def test_what_the_catalogue_gave_stays() -> None:
    given = {"confidence": 0.61, "base_similarity": 0.55, "label_boost": 0.1, "label_penalty": 0.04}
    result = scoring_data(Scoring.model_validate(given), GITOPS, {}, WEIGHTS)
    assert {key: result[key] for key in given} == given


# --- The bundled searches ---


def rows() -> list[tuple[int, dict[str, str], FoundWorkflow]]:
    found = []
    for number, line in enumerate(LINES, 1):
        spec = SearchSpec.model_validate(line)
        workflows = spec.results.workflows if spec.results else []
        found += [(number, spec.query.filters, workflow) for workflow in workflows]
    return found


ROWS = rows()


def test_deriving_gives_every_breakdown_that_the_catalogue_gave() -> None:
    compared, different = 0, []
    for number, filters, workflow in ROWS:
        given = workflow.scoring
        if given.boost_breakdown is None:
            continue
        compared += 1
        bare = given.model_copy(update={"boost_breakdown": None, "penalty_breakdown": None})
        derived = explanation(bare, filters, workflow.labels, WEIGHTS)
        if (derived.boost_breakdown, derived.penalty_breakdown) != (
            given.boost_breakdown,
            given.penalty_breakdown,
        ):
            different.append((number, workflow.rank, derived, given))
    assert compared == 1416
    assert not different


def test_of_searches_without_breakdown_nothing_is_unattributed() -> None:
    bare = [row for row in ROWS if row[2].scoring.boost_breakdown is None]
    assert len(bare) == 381
    open_ = []
    for number, filters, workflow in bare:
        result = explanation(workflow.scoring, filters, workflow.labels, WEIGHTS)
        if result.unattributed != Effect() or not result.derived:
            open_.append((number, workflow.rank, result))
    assert not open_


def test_no_given_breakdown_leaves_anything_open() -> None:
    assert not [
        (number, workflow.rank)
        for number, filters, workflow in ROWS
        if explanation(workflow.scoring, filters, workflow.labels, WEIGHTS).unattributed != Effect()
    ]


def test_120_bundled_searches_have_no_breakdown() -> None:
    listed = [line["results"]["workflows"] for line in LINES if "results" in line]
    bare = [ws for ws in listed if ws and all("boostBreakdown" not in w["scoring"] for w in ws)]
    assert len(bare) == 120
    assert len(ROWS) == 1797


# --- Whatever there is ---

KEYS = st.sampled_from(["priority", "environment", "gitops-tool", "component", "x"])
VALUES = st.sampled_from(["a", "b", "*", ""])
LABELS = st.dictionaries(KEYS, VALUES)
PARTS = st.floats(0, 10)
OPTIONAL_BREAKDOWN = st.none() | st.dictionaries(KEYS, PARTS)
SCORINGS = st.builds(
    Scoring,
    confidence=st.floats(0, 1),
    label_boost=st.none() | PARTS,
    label_penalty=st.none() | PARTS,
    boost_breakdown=OPTIONAL_BREAKDOWN,
    penalty_breakdown=OPTIONAL_BREAKDOWN,
)
WEIGHT_MAPS = st.dictionaries(KEYS, st.builds(Weight, boost=PARTS, penalty=PARTS))


@given(SCORINGS, LABELS, LABELS, WEIGHT_MAPS)
def test_parts_are_never_negative_and_add_up(
    scoring: Scoring, filters: dict[str, str], labels: dict[str, str], weights: dict[str, Weight]
) -> None:
    result = explanation(scoring, filters, labels, weights)
    for total, parts, rest in (
        (scoring.label_boost, result.boost_breakdown, result.unattributed.boost),
        (scoring.label_penalty, result.penalty_breakdown, result.unattributed.penalty),
    ):
        assert all(part >= 0 for part in parts.values())
        if total is None:
            assert rest == 0
        else:
            assert sum(parts.values()) + rest == pytest.approx(total, abs=1.6e-6)
            assert rest == 0 or abs(rest) >= 1e-6


@given(SCORINGS, LABELS, LABELS, WEIGHT_MAPS)
def test_a_derived_key_was_asked_for_offered_and_has_a_weight(
    scoring: Scoring, filters: dict[str, str], labels: dict[str, str], weights: dict[str, Weight]
) -> None:
    bare = scoring.model_copy(update={"boost_breakdown": None, "penalty_breakdown": None})
    result = explanation(bare, filters, labels, weights)
    derived = {*result.boost_breakdown, *result.penalty_breakdown}
    assert derived <= filters.keys() & labels.keys() & weights.keys()
    assert not result.boost_breakdown.keys() & result.penalty_breakdown.keys()


@given(SCORINGS, LABELS, LABELS, WEIGHT_MAPS)
def test_an_explained_scoring_keeps_the_rules_of_its_model(
    scoring: Scoring, filters: dict[str, str], labels: dict[str, str], weights: dict[str, Weight]
) -> None:
    data = scoring_data(scoring, filters, labels, weights)
    kept = ExplainedScoring.model_validate(data).model_dump()
    assert {name: kept[name] for name in data} == data
