"""Both shapes of the example catalogue are shapes that the audit reads."""

import pytest

from answers import SHAPES
from ranking import Scored, Workflow
from workflow_audit.domain.catalogue_answer import catalogue_results

FOUND = [
    Scored(
        Workflow("pod-oom-gitops", "1.2.0", "Raise the limit", "In Git.", {"severity": "high"}),
        base_similarity=0.88,
        boosts={"resource-management": 0.1},
        penalties={"gitops-tool": 0.1},
    ),
    Scored(Workflow("pod-oom-manual", "1.0.0", "By hand", "", {}), 0.5, {}, {}),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_audit_reads_what_was_found(shape: str) -> None:
    results = catalogue_results(SHAPES[shape](FOUND, 7), duration_ms=3)
    assert (results.total_found, results.returned, results.duration_ms) == (7, 2, 3)
    first, second = results.workflows
    assert (first.workflow_id, first.version, first.title) == (
        "pod-oom-gitops",
        "1.2.0",
        "Raise the limit",
    )
    assert (first.rank, second.rank) == (1, 2)
    assert first.labels == {"severity": "high"}
    scoring = first.scoring
    assert (scoring.confidence, scoring.label_boost, scoring.label_penalty) == (0.88, 0.1, 0.1)


def test_the_first_shape_tells_all_scores() -> None:
    first = catalogue_results(SHAPES["snake"](FOUND, 2), duration_ms=None).workflows[0]
    assert first.scoring.base_similarity == 0.88
    assert first.scoring.boost_breakdown == {"resource-management": 0.1}
    assert first.scoring.penalty_breakdown == {"gitops-tool": 0.1}


def test_the_later_shape_is_flat_and_in_camel_case() -> None:
    answer = SHAPES["camel"](FOUND, 2)
    assert answer["workflows"][0].keys() == {
        "workflowId",
        "version",
        "title",
        "description",
        "labels",
        "confidence",
        "labelBoost",
        "labelPenalty",
        "finalScore",
        "rank",
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_found_is_an_answer(shape: str) -> None:
    results = catalogue_results(SHAPES[shape]([], 0), duration_ms=None)
    assert (results.total_found, results.workflows) == (0, [])
