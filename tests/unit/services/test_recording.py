"""A search is recorded after COMMIT and not before, and never given up."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from unit.searches import CLUSTER, FAILED, RECORDED_AT, REDACTOR, TINY, a_search, an_event, changed
from workflow_audit import metrics
from workflow_audit.domain.parsing import valid_spec
from workflow_audit.errors import (
    CredentialsUnknownError,
    DatabaseUnavailableError,
    EventRefusedError,
    PoliciesUnknownError,
    PolicyError,
    PolicyInvalidError,
    RecordingError,
)
from workflow_audit.models.event import AuditEvent, StoredEvent, Written
from workflow_audit.models.outcome import Recorded, Skipped
from workflow_audit.models.policy import PolicySpec
from workflow_audit.models.search import Metadata, WorkflowSearch
from workflow_audit.services.pending import PendingSearches
from workflow_audit.services.preparing import MOST_WINNERS, ApplyingPolicy
from workflow_audit.services.recording import Recorder

NOW = datetime(2026, 11, 23, 10, 32, 7, tzinfo=UTC)
DOWN = DatabaseUnavailableError("the database does not answer", retry_after_seconds=5)
SECRET = "hunter2demo"  # noqa: S105 - made up

Answer = Exception | bool


@dataclass
class Table:
    """Keeps events; fails as often as it was told to."""

    answers: list[Answer] = field(default_factory=list)
    """What comes of each attempt: an error, or whether the row was there already."""
    events: list[AuditEvent] = field(default_factory=list)
    timeouts: list[float | None] = field(default_factory=list)

    async def write(self, event: AuditEvent, timeout_seconds: float | None = None) -> Written:
        self.timeouts.append(timeout_seconds)
        answer = self.answers.pop(0) if self.answers else False
        if isinstance(answer, Exception):
            raise answer
        self.events.append(event)
        return Written(RECORDED_AT, replayed=answer)


@dataclass
class Policies:
    """Knows one policy, after as many errors as it was told of."""

    rules: PolicySpec
    errors: list[PolicyError] = field(default_factory=list)

    async def applying(
        self, search: Metadata, timeout_seconds: float | None = None
    ) -> ApplyingPolicy:
        if self.errors:
            raise self.errors.pop(0)
        return ApplyingPolicy("default", self.rules, REDACTOR)


@dataclass
class Stored:
    """What is found in the table, look by look; nothing once they are over."""

    answers: list[StoredEvent | Exception | None] = field(default_factory=list)
    asked: list[tuple[UUID, date]] = field(default_factory=list)

    async def find(
        self, event_id: UUID, event_date: date, timeout_seconds: float | None = None
    ) -> StoredEvent | None:
        self.asked.append((event_id, event_date))
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer


class Nobody:
    """Runs no searches."""

    async def answered(self, search: WorkflowSearch) -> WorkflowSearch:
        raise AssertionError("a search with an answer is not run")


def recorder(
    writer: Any,
    policy: PolicySpec | None = None,
    errors: Sequence[PolicyError] = (),
    *,
    stored: Stored | None = None,
    searcher: Any = None,
) -> Recorder:
    return Recorder(
        writer=writer,
        executed=stored or Stored(),
        searcher=searcher or Nobody(),
        policies=Policies(policy or PolicySpec(), list(errors)),
        cluster_id=CLUSTER,
        pending=PendingSearches(lambda: NOW),
        patience_seconds=7,
        retry_seconds=0.001,
    )


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(f"workflow_audit_{name}", labels) or 0.0


async def counted(action: Callable[[], Awaitable[Any]]) -> dict[str, float]:
    """Which metrics an action raises by how much."""

    def now() -> dict[str, float]:
        return {
            "recorded": value("events_total", status="recorded"),
            "replayed": value("events_total", status="replayed"),
            "skipped": value("events_total", status="skipped"),
            "success": value("searches_total", outcome="success"),
            "failure": value("searches_total", outcome="failure"),
            "low": value("low_confidence_searches_total"),
            "unattributed": value("unattributed_scores_total"),
            "password": value("redactions_total", pattern="password"),
            "confidence": value("confidence_count"),
            "selected": value("selections_total", workflow_id="pod-oom-gitops"),
        }

    before = now()
    await action()
    return {name: more for name, after in now().items() if (more := after - before[name])}


async def test_a_search_becomes_its_event() -> None:
    table = Table()
    outcome = await recorder(table).record(a_search(), patient=False)
    assert outcome == Recorded(an_event(), RECORDED_AT, "default", low_confidence=False)
    assert table.events == [an_event()]


UNEXPLAINED = changed(TINY, ("results", "workflows", 1, "scoring", "labelBoost"), 0.3)
LOW = changed(TINY, ("results", "workflows", 0, "scoring", "confidence"), 0.45)
EMPTY = changed(TINY, ("results",), {"totalFound": 0, "returned": 0, "workflows": []})
WON = {"confidence": 1, "selected": 1}
WITH_SECRET = changed(TINY, ("query", "text"), f"password={SECRET}")


@pytest.mark.parametrize(
    ("spec", "replayed", "counts"),
    [
        pytest.param(TINY, False, {"recorded": 1, "success": 1, **WON}, id="success"),
        pytest.param(FAILED, False, {"recorded": 1, "failure": 1}, id="failure"),
        pytest.param({}, False, {"recorded": 1, "failure": 1}, id="invalid"),
        pytest.param(EMPTY, False, {"recorded": 1, "success": 1}, id="no-winner"),
        pytest.param(
            LOW, False, {"recorded": 1, "success": 1, "low": 1, **WON}, id="low-confidence"
        ),
        pytest.param(
            UNEXPLAINED,
            False,
            {"recorded": 1, "success": 1, "unattributed": 1, **WON},
            id="unattributed",
        ),
        pytest.param(
            WITH_SECRET, False, {"recorded": 1, "success": 1, "password": 1, **WON}, id="redacted"
        ),
        pytest.param(LOW, True, {"replayed": 1}, id="a-replay-does-not-count-twice"),
        pytest.param(WITH_SECRET, True, {"replayed": 1}, id="nor-its-redactions"),
    ],
)
async def test_counts(spec: dict[str, Any], replayed: bool, counts: dict[str, float]) -> None:
    table = Table([replayed])
    assert await counted(lambda: recorder(table).record(a_search(spec), patient=False)) == counts


async def test_winners_beyond_the_bound_are_counted_together() -> None:
    recording = recorder(Table())
    before = value("selections_total", workflow_id="other")
    for number in range(MOST_WINNERS + 2):
        spec = changed(TINY, ("results", "workflows", 0, "workflowId"), f"bounded-{number}")
        await recording.record(a_search(spec), patient=False)
    assert value("selections_total", workflow_id=f"bounded-{MOST_WINNERS - 1}") == 1
    assert value("selections_total", workflow_id=f"bounded-{MOST_WINNERS}") == 0
    assert value("selections_total", workflow_id="other") == before + 2


async def test_a_replay_is_a_success() -> None:
    outcome = await recorder(Table([True])).record(a_search(), patient=False)
    assert isinstance(outcome, Recorded)


async def test_nothing_is_written_when_auditing_is_off() -> None:
    table = Table()
    off = recorder(table, PolicySpec(enabled=False))
    assert await counted(lambda: off.record(a_search(), patient=False)) == {"skipped": 1}
    assert await off.record(a_search(), patient=False) == Skipped("default")
    assert table.timeouts == []


@pytest.mark.parametrize("error", [DOWN, EventRefusedError("row 7 is refused")])
async def test_without_patience_a_database_error_is_told_at_once(error: Exception) -> None:
    table = Table([error])
    with pytest.raises(type(error)) as caught:
        await recorder(table).record(a_search(), patient=False)
    assert caught.value is error
    assert table.timeouts == [7]


@pytest.mark.parametrize(
    "errors",
    [
        pytest.param([DOWN] * 5, id="database-down"),
        pytest.param([EventRefusedError("no"), DOWN], id="refused-then-down"),
        pytest.param([KeyError("x"), ValueError("y")], id="mistakes-of-ours"),
    ],
)
async def test_with_patience_it_goes_on_until_it_is_recorded(errors: list[Answer]) -> None:
    table = Table(list(errors))
    outcome = await recorder(table).record(a_search(), patient=True)
    assert isinstance(outcome, Recorded)
    assert len(table.events) == 1
    assert table.timeouts == [None] * (len(errors) + 1)


async def test_failed_attempts_count_nothing() -> None:
    table = Table([DOWN, DOWN])
    counts = await counted(lambda: recorder(table).record(a_search(), patient=True))
    assert counts == {"recorded": 1, "success": 1, **WON}


async def test_a_mistake_of_ours_is_told_without_what_it_repeats(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    search = a_search(WITH_SECRET)
    with pytest.raises(RecordingError) as caught:
        await recorder(Table([KeyError(f"password={SECRET}")])).record(search, patient=False)
    assert str(caught.value).startswith("KeyError at test_recording.py:")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "not recorded yet: KeyError at test_recording.py:" in caplog.text
    assert SECRET not in caplog.text + "".join(repr(r.__dict__) for r in caplog.records)


async def test_logs_name_the_search_and_hold_none_of_its_texts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    await recorder(Table([DOWN])).record(a_search(WITH_SECRET), patient=True)
    waiting, recorded = (r for r in caplog.records if r.name.endswith("recording"))
    assert (waiting.levelname, recorded.levelname) == ("WARNING", "INFO")
    fields = {
        "correlation_id": "rr-2026-001",
        "event_id": str(an_event().event_id),
        "namespace": "payments",
        "search": "rr-2026-001-x7k2p",
        "outcome": "success",
        "replayed": False,
    }
    assert {name: recorded.__dict__[name] for name in fields} == fields
    assert (waiting.__dict__["namespace"], waiting.__dict__["search"]) == (
        "payments",
        "rr-2026-001-x7k2p",
    )
    assert SECRET not in "".join(repr(r.__dict__) for r in caplog.records)


class Slow:
    """A database that answers when it is let."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.let = asyncio.Event()

    async def write(self, event: AuditEvent, timeout_seconds: float | None = None) -> Written:
        self.asked.set()
        await self.let.wait()
        return Written(RECORDED_AT, replayed=False)


async def test_nothing_is_told_before_commit_and_the_search_is_pending_until_then() -> None:
    database = Slow()
    task = asyncio.create_task(recorder(database).record(a_search(), patient=False))
    await database.asked.wait()
    assert not task.done()
    assert value("pending_searches") == 1
    assert value("oldest_pending_seconds") == 60
    database.let.set()
    await task
    assert value("pending_searches") == 0
    assert value("oldest_pending_seconds") == 0


async def test_cancellation_ends_it_and_leaves_nothing_pending() -> None:
    database = Slow()
    task = asyncio.create_task(recorder(database).record(a_search(), patient=True))
    await database.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert value("pending_searches") == 0


@pytest.mark.parametrize("error", [DOWN, KeyError("x")])
async def test_a_search_that_failed_is_pending_no_more(error: Exception) -> None:
    with pytest.raises((DatabaseUnavailableError, RecordingError)):
        await recorder(Table([error])).record(a_search(), patient=False)
    assert value("pending_searches") == 0


async def test_a_patient_search_can_be_cancelled_while_it_pauses() -> None:
    table = Table([DOWN] * 10_000)
    task = asyncio.create_task(recorder(table).record(a_search(), patient=True))
    async with asyncio.timeout(5):
        while len(table.timeouts) < 3:  # noqa: ASYNC110 - the table is ten lines, no event needed
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert table.events == []


@pytest.mark.parametrize("error", [PoliciesUnknownError("not told"), PolicyInvalidError("bad")])
async def test_a_search_waits_for_its_policy(error: PolicyError) -> None:
    table = Table()
    with pytest.raises(type(error)):
        await recorder(table, errors=[error]).record(a_search(), patient=False)
    assert not table.events
    outcome = await recorder(table, errors=[error, error]).record(a_search(), patient=True)
    assert isinstance(outcome, Recorded)
    assert table.events == [an_event()]


# --- Searches that came without an answer ---

OPEN = {"correlationId": "rr-2026-001", "query": {"text": f"OOMKilled password={SECRET}"}}
RESULTS = valid_spec(TINY).results
assert RESULTS


@dataclass
class Searcher:
    """Answers with a failure or results, and counts how often it was asked."""

    errors: list[Exception] = field(default_factory=list)
    asked: int = 0

    async def answered(self, search: WorkflowSearch) -> WorkflowSearch:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        spec = search.spec.model_copy(update={"results": RESULTS})
        return replace(search, spec=spec, executed=True, catalogue="ClusterAuditPolicy/all")


def a_stored_event(**changes: Any) -> StoredEvent:
    """Of another operator, for which the catalogue answered otherwise."""
    metadata = {"requested_by": None, "policy": "AuditPolicy/theirs", "catalogue": "C/theirs"}
    event = replace(an_event(LOW), event_metadata=metadata, **changes)
    return StoredEvent(event, RECORDED_AT)


async def test_an_open_search_is_run_and_recorded_without_its_secrets() -> None:
    table, stored, searcher = Table(), Stored(), Searcher()
    search = a_search(OPEN)
    outcome = await recorder(table, stored=stored, searcher=searcher).record(search, patient=False)
    assert isinstance(outcome, Recorded)
    assert outcome.executed
    (event,) = table.events
    assert outcome.event == event
    assert stored.asked == [(event.event_id, event.event_date)]
    assert event.top_workflow_id == "pod-oom-gitops"
    assert event.event_metadata["catalogue"] == "ClusterAuditPolicy/all"
    assert SECRET not in repr(event)


async def test_a_search_with_an_answer_is_neither_run_nor_looked_up() -> None:
    stored = Stored()
    outcome = await recorder(Table(), stored=stored).record(a_search(), patient=False)
    assert isinstance(outcome, Recorded)
    assert not outcome.executed
    assert stored.asked == []
    assert "catalogue" not in outcome.event.event_metadata


async def test_an_open_search_is_not_run_when_auditing_is_off() -> None:
    table, stored, searcher = Table(), Stored(), Searcher()
    off = recorder(table, PolicySpec(enabled=False), stored=stored, searcher=searcher)
    assert await off.record(a_search(OPEN), patient=False) == Skipped("default")
    assert (searcher.asked, stored.asked, table.events) == (0, [], [])


async def test_one_that_is_recorded_already_is_not_run_again() -> None:
    table, theirs, searcher = Table(), a_stored_event(), Searcher()
    recording = recorder(table, stored=Stored([theirs]), searcher=searcher)
    counts = await counted(lambda: recording.record(a_search(OPEN), patient=False))
    assert counts == {"replayed": 1}
    recording = recorder(table, stored=Stored([theirs]), searcher=searcher)
    outcome = await recording.record(a_search(OPEN), patient=False)
    assert outcome == Recorded(
        theirs.event, RECORDED_AT, "AuditPolicy/theirs", low_confidence=True, executed=True
    )
    assert (searcher.asked, table.events) == (0, [])


async def test_who_comes_second_tells_what_the_first_one_wrote() -> None:
    theirs = a_stored_event()
    stored, searcher = Stored([None, theirs]), Searcher()
    recording = recorder(Table([True]), stored=stored, searcher=searcher)
    outcome = await recording.record(a_search(OPEN), patient=False)
    assert isinstance(outcome, Recorded)
    assert (outcome.event, outcome.policy) == (theirs.event, "AuditPolicy/theirs")
    assert searcher.asked == 1


async def test_a_search_is_run_once_however_often_its_write_is_tried() -> None:
    table, searcher = Table([DOWN, DOWN, EventRefusedError("no")]), Searcher()
    outcome = await recorder(table, searcher=searcher).record(a_search(OPEN), patient=True)
    assert isinstance(outcome, Recorded)
    assert (searcher.asked, len(table.events)) == (1, 1)


async def test_nothing_is_run_while_it_is_not_known_what_is_recorded() -> None:
    table, searcher = Table(), Searcher()
    recording = recorder(table, stored=Stored([DOWN]), searcher=searcher)
    with pytest.raises(DatabaseUnavailableError):
        await recording.record(a_search(OPEN), patient=False)
    assert (searcher.asked, table.events) == (0, [])
    recording = recorder(table, stored=Stored([DOWN, DOWN]), searcher=searcher)
    assert isinstance(await recording.record(a_search(OPEN), patient=True), Recorded)
    assert searcher.asked == 1


async def test_a_row_that_is_met_and_not_found_is_never_made_up_for() -> None:
    recording = recorder(Table([True]), stored=Stored([None, None]), searcher=Searcher())
    with pytest.raises(DatabaseUnavailableError, match="is not found"):
        await recording.record(a_search(OPEN), patient=False)


@pytest.mark.parametrize(
    "error", [CredentialsUnknownError("not told"), PolicyInvalidError("cannot be used")]
)
async def test_an_open_search_waits_until_it_is_known_how_to_search(error: PolicyError) -> None:
    table, searcher = Table(), Searcher([error, error])
    with pytest.raises(type(error)):
        await recorder(table, searcher=searcher).record(a_search(OPEN), patient=False)
    assert table.events == []
    outcome = await recorder(table, searcher=searcher).record(a_search(OPEN), patient=True)
    assert isinstance(outcome, Recorded)
    assert searcher.asked == 3
