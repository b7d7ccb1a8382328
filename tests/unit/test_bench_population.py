"""The year of events for reads is skewed as life is, and the same every time."""

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import mean
from uuid import UUID

import pytest

from bench.corpus import Corpus
from bench.population import (
    DAYS,
    FAILED_SHARE,
    NAMESPACES,
    SEARCHES_OF_A_REQUEST,
    Population,
    template_weights,
)
from workflow_audit.cli.bundled import bundled
from workflow_audit.models.event import AuditEvent
from workflow_audit.store.rows import COLUMNS

END = datetime(2026, 1, 1, tzinfo=UTC)
COUNT = 20_000
NAMES = tuple(COLUMNS)

Column = dict[str, list[object]]


@pytest.fixture(scope="module")
def templates() -> list[AuditEvent]:
    return Corpus(bundled("examples/searches.jsonl")).first_events


@pytest.fixture(scope="module")
def columns(templates: list[AuditEvent]) -> Column:
    rows = list(Population(templates, COUNT, END).rows())
    return dict(zip(NAMES, map(list, zip(*rows, strict=True)), strict=True))


def test_each_call_gives_the_same_events(templates: list[AuditEvent]) -> None:
    population = Population(templates, 1000, END)
    assert list(population.rows()) == list(population.rows())


def test_ids_are_unique_and_those_of_the_operator(columns: Column) -> None:
    ids = columns["event_id"]
    assert len(set(ids)) == COUNT
    assert all(isinstance(each, UUID) and each.version == 5 for each in ids)
    assert len(set(columns["resource_id"])) == len(set(columns["resource_name"])) == COUNT


def test_events_come_in_the_order_of_time_and_fill_the_year(columns: Column) -> None:
    times = [at for at in columns["event_timestamp"] if isinstance(at, datetime)]
    assert times == sorted(times)
    assert times[0] == END - timedelta(days=DAYS)
    assert END - timedelta(hours=1) < times[-1] < END
    assert all(at.microsecond == 0 for at in times)
    assert [at.date() for at in times] == columns["event_date"]
    assert set(Counter(at.month for at in times)) == set(range(1, 13))


def test_a_few_namespaces_have_most_events_and_each_has_some(columns: Column) -> None:
    counts = [number for _, number in Counter(columns["namespace"]).most_common()]
    assert len(counts) > 0.9 * len(NAMESPACES)
    assert sum(counts[:10]) > COUNT / 2
    assert counts[0] > 100 * counts[-1]


def test_one_search_in_twenty_fails(columns: Column) -> None:
    failed = [outcome == "failure" for outcome in columns["event_outcome"]]
    assert mean(failed) == pytest.approx(FAILED_SHARE, rel=0.1)
    assert failed == [code is not None for code in columns["error_code"]]


def test_a_few_workflows_win_most_and_some_winners_have_low_confidence(columns: Column) -> None:
    winners = Counter(winner for winner in columns["top_workflow_id"] if winner)
    ordered = [number for _, number in winners.most_common()]
    assert sum(ordered[:10]) > 0.35 * winners.total()
    assert ordered[0] > 5 * ordered[-1]
    low = [each < 0.5 for each in columns["top_confidence"] if isinstance(each, float)]
    assert 0.05 < mean(low) < 0.6


def test_a_remediation_request_has_one_to_five_searches_in_one_namespace(columns: Column) -> None:
    # The last ones may not have ended.
    pairs = list(zip(columns["correlation_id"], columns["namespace"], strict=True))
    assert len(set(pairs)) == len(set(columns["correlation_id"]))
    sizes = Counter(Counter(columns["correlation_id"]).values())
    assert set(sizes) == set(SEARCHES_OF_A_REQUEST)
    for size, percent in SEARCHES_OF_A_REQUEST.items():
        assert sizes[size] / sizes.total() == pytest.approx(percent / 100, abs=0.02)


def test_searches_of_other_requests_stand_between_those_of_one(columns: Column) -> None:
    neighbours = itertools.pairwise(columns["correlation_id"])
    assert all(before != after for before, after in neighbours)


def test_weights_are_shares(templates: list[AuditEvent]) -> None:
    weights = template_weights(templates)
    assert sum(weights) == pytest.approx(1)
    assert min(weights) > 0
