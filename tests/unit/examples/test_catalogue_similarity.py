"""Words stand in for meaning, within what can be expected of words."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking import load
from similarity import Similarity, words

CATALOGUE = Path(__file__).parents[3] / "examples/catalogue/catalogue.json"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("KubePodCrashLooping", ["kube", "pod", "crash", "looping"]),
        ("OOMKilled", ["oom", "killed"]),
        ("kube-pod_crash/looping", ["kube", "pod", "crash", "looping"]),
        ("HTTP 503, twice", ["http", "503", "twice"]),
        ("?! \ud800", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_the_same_text_is_as_like_as_can_be_and_strangers_are_not() -> None:
    similarity = Similarity(["restart the pod", "drain the node"])
    same, other = similarity.of("Restart the Pod")
    assert same == pytest.approx(1.0)
    assert 0 < other < 0.5, "they share a word that is in every text"
    assert similarity.of("quantum chromodynamics") == [0.0, 0.0]
    assert similarity.of("") == [0.0, 0.0]


def test_rare_words_count_more() -> None:
    similarity = Similarity(["pod oom", "pod taint", "pod quota"])
    oom, taint, _ = similarity.of("pod oom")
    assert oom > 2 * taint


@given(st.text(max_size=200))
def test_a_similarity_is_a_fraction(query: str) -> None:
    similarity = Similarity(["restart the pod", "", "drain the node"])
    assert all(0 <= value <= 1 + 1e-9 for value in similarity.of(query))


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("OOMKilled: raise the memory limit of the pod in Git, Argo CD", "pod-oom-gitops"),
        ("Expand a volume claim through Git with a commit", "expand-pvc-gitops-v1"),
        ("ArgoCDAppOutOfSync, sync the application again", "argocd-resync-v1"),
        ("KubeNodeNotReady: cordon and drain it", "cordon-drain-v1"),
    ],
)
def test_the_obvious_workflow_comes_first(query: str, best: str) -> None:
    workflows = load(CATALOGUE)
    similarities = Similarity([workflow.text for workflow in workflows]).of(query)
    ranked = sorted(zip(similarities, workflows, strict=True), key=lambda pair: -pair[0])
    assert ranked[0][1].workflow_id == best
