"""A soak finds what it is there to find: each promise, broken once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from soak.creating import Accepted, unanswered
from soak.judged import Read, aggregated_verdict, kubectl_verdict, rest_verdict
from soak.judging import Findings, broken, figures, memory_growth
from soak.plan import KEPT, PASSING, SWITCHED, Plan
from soak.programs import Life
from soak.timeline import Timeline

MIB = 2**20


@pytest.fixture
def timeline(tmp_path: Path) -> Iterator[Timeline]:
    with Timeline(tmp_path / "log") as lines:
        yield lines


def search(uid: str, namespace: str) -> Accepted:
    return Accepted(uid, namespace, f"s-{uid}", at=1.0)


GOOD = Findings(
    accepted={
        "a": search("a", KEPT),
        "b": search("b", PASSING),
        "c": search("c", SWITCHED),
        "d": search("d", SWITCHED),
    },
    shown={"a": KEPT, "b": PASSING, "c": SWITCHED, "d": SWITCHED},
    rows={KEPT: ["a"], PASSING: ["b"], SWITCHED: ["c"]},
    final={uid: ("Skipped" if uid == "d" else "Recorded", 2.0) for uid in "abcd"},
    unfinished=[],
    changed=[],
    reads=[Read("kubectl", 1.0, 0.1, "answered"), Read("kubectl", 1.0, 0.1, "unavailable")],
    watched=["event-a"],
    expected_watched=["event-a"],
    lives={},
    failures=[],
    disturbances={"operator SIGKILL": 3},
    old_left=0,
    held_left=20,
    held=20,
    passed=1,
)


def looks(minutes: float, megabytes: Callable[[float], float]) -> Life:
    return Life(0.0, [(n, int(megabytes(n / 60) * MIB)) for n in range(0, int(minutes * 60), 2)])


def test_a_good_run_breaks_nothing(timeline: Timeline) -> None:
    results = figures(GOOD, timeline)
    assert broken(results) == []
    assert {figure.name: figure.value for figure in results}["rows"] == 3


def test_a_search_whose_creation_had_no_answer_is_accepted_all_the_same(
    timeline: Timeline,
) -> None:
    found = replace(GOOD, shown=GOOD.shown | {"e": PASSING}, rows=GOOD.rows | {PASSING: ["b", "e"]})
    results = figures(found, timeline)
    assert broken(results) == []
    assert {figure.name: figure.value for figure in results}["searches accepted"] == 5


def test_a_skipped_search_with_a_row_is_counted(timeline: Timeline) -> None:
    """It may happen (docs/explanation/guarantees.md), so it breaks nothing."""
    results = figures(replace(GOOD, rows=GOOD.rows | {SWITCHED: ["c", "d"]}), timeline)
    assert broken(results) == []
    figure = {figure.name: figure.value for figure in results}
    assert figure["skipped, although they have a row"] == 1


@pytest.mark.parametrize(
    ("change", "name"),
    [
        pytest.param({"rows": GOOD.rows | {KEPT: []}}, "without a row", id="lost"),
        pytest.param(
            {"rows": GOOD.rows | {KEPT: ["a", "a"]}}, "with more than one row", id="twice"
        ),
        pytest.param(
            {"rows": GOOD.rows | {KEPT: ["a", "x"]}}, "rows of no accepted search", id="no"
        ),
        pytest.param(
            {"shown": GOOD.shown | {"e": PASSING}}, "without a row", id="lost-without-an-answer"
        ),
        pytest.param(
            {"final": GOOD.final | {"a": ("Skipped", 2.0)}, "rows": GOOD.rows | {KEPT: []}},
            "without a row",
            id="skipped-where-nothing-was-switched-off",
        ),
        pytest.param({"unfinished": ["s-a"]}, "neither Recorded nor Skipped", id="pending"),
        pytest.param({"changed": ["a"]}, "recorded, and then something else", id="changed"),
        pytest.param(
            {"reads": [Read("kubectl", 1.0, 0.1, "broken")]},
            "kubectl: answers that are wrong or not documented",
            id="read",
        ),
        pytest.param({"watched": []}, "watch: events it did not show", id="watch-missed"),
        pytest.param(
            {"watched": ["event-a", "event-a"]}, "watch: events shown twice", id="watch-twice"
        ),
        pytest.param({"old_left": 1}, "expired events that retention left", id="retention"),
        pytest.param({"held_left": 19}, "held events that are gone", id="hold"),
        pytest.param({"passed": 0}, "searches removed by searchTTL", id="ttl"),
        pytest.param(
            {"failures": ["operator-0 ended by itself"]},
            "programs that failed, and what else did",
            id="program",
        ),
        pytest.param(
            {"lives": {"operator-0": looks(10, lambda minute: 100 + 2 * minute)}},
            "operator-0: growth of memory",
            id="memory",
        ),
    ],
)
def test_a_broken_promise_is_found(change: dict[str, Any], name: str, timeline: Timeline) -> None:
    found = replace(GOOD, **change)
    assert [figure.name for figure in broken(figures(found, timeline))] == [name]


def test_memory_is_judged_after_the_warm_up_and_only_of_a_long_life() -> None:
    assert memory_growth(looks(4, lambda _: 100)) is None
    assert memory_growth(Life(0.0)) is None
    growth = memory_growth(looks(10, lambda minute: 500 if minute < 1 else 100 + minute))
    assert growth
    minutes, slope, first, last = growth
    assert (round(minutes), round(slope, 2)) == (9, 1.0)
    assert first < last < 110


@pytest.mark.parametrize(
    ("status", "headers", "verdict"),
    [
        pytest.param(200, {}, "answered", id="answer"),
        pytest.param(503, {"Retry-After": "5"}, "unavailable", id="unavailable"),
        pytest.param(503, {}, "broken", id="does-not-say-when"),
        pytest.param(500, {"Retry-After": "5"}, "broken", id="mistake"),
        pytest.param(401, {}, "broken", id="who-are-you"),
        pytest.param(404, {}, "broken", id="not-there"),
    ],
)
def test_rest_answers(status: int, headers: dict[str, str], verdict: str) -> None:
    headers = headers | {"Content-Type": "application/problem+json"}
    assert rest_verdict(status, headers, b"")[0] == verdict


def test_an_event_that_is_not_there_is_told_from_an_api_that_is_not_there_yet() -> None:
    gone = {"kind": "Status", "message": 'auditevents "x" not found', "details": {"name": "x"}}
    assert aggregated_verdict(404, gone)[0] == "broken"
    assert aggregated_verdict(404, "404 page not found\n")[0] == "unavailable"
    assert aggregated_verdict(403, {})[0] == "broken"
    assert aggregated_verdict(503, {})[0] == "unavailable"


def test_what_kubectl_says() -> None:
    refused = "The connection to the server 127.0.0.1:1 was refused - did you specify"
    assert kubectl_verdict(1, refused)[0] == "unavailable"
    assert (
        kubectl_verdict(1, "Error from server (Forbidden): auditevents is forbidden")[0] == "broken"
    )
    assert kubectl_verdict(0, "")[0] == "answered"


def test_the_same_seed_gives_the_same_order() -> None:
    first, again, other = (Plan(minutes=1, per_second=30, seed=n) for n in (1, 1, 2))
    assert first.random("x").random() == again.random("x").random() != other.random("x").random()
    assert first.random("x").random() != first.random("y").random()


def test_calm_is_a_time_in_which_and_before_which_nothing_was_disturbed(timeline: Timeline) -> None:
    timeline.disturbed(since=-20.0)
    now = timeline.now
    assert not timeline.is_calm(now + 1, now + 2)
    assert timeline.is_calm(now + 11, now + 12)
    assert timeline.is_calm(-40.0, -30.0)


def test_a_search_for_the_operator_has_no_answer() -> None:
    assert unanswered({"query": {}, "results": {}, "service": "x"}) == {"query": {}, "service": "x"}
