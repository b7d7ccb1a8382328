"""A minute in which everything goes wrong at once; `make soak` does it for half an hour."""

from pathlib import Path

import pytest

from bench.corpus import Corpus
from soak.judging import broken
from soak.plan import Plan
from soak.running import soak
from soak.timeline import Timeline
from workflow_audit.cli.bundled import bundled
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

SECONDS = 900
"""Far more than it takes on a machine that does nothing else."""


@pytest.mark.timeout(SECONDS)
def test_every_promise_is_kept_through_a_minute_of_disturbances(
    prepared_environment: LocalEnvironment, tmp_path: Path
) -> None:
    plan = Plan(minutes=1, per_second=30, seed=20261127)
    corpus = Corpus(bundled("examples/searches.jsonl"))
    with Timeline(tmp_path / "log") as timeline:
        result = soak(prepared_environment, corpus, plan, timeline, lambda *_: None)
    found = result.findings
    wrong = [f"{read.kind}: {read.words}" for read in found.reads if read.verdict == "broken"]
    assert found.failures == []
    assert wrong == []
    assert [f"{figure.name}: {figure.shown}" for figure in broken(result.figures)] == []
    assert sum(found.disturbances.values()) > 3
