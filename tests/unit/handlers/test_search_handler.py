"""The handler decides what to do with an object and writes its status, nothing else."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import kopf
import pytest

from unit.searches import TINY, a_search, an_event, an_object, an_outcome
from workflow_audit.domain.status import final_status, waiting_status
from workflow_audit.errors import DatabaseUnavailableError, RecordingError
from workflow_audit.handlers.flow import Flow
from workflow_audit.handlers.searches import Memo, record_search, register
from workflow_audit.models.kinds import GROUP, VERSION
from workflow_audit.models.outcome import Outcome, Skipped
from workflow_audit.models.search import InvalidSearch, Search

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FLOW = Flow(limit=1, patches=32)


@dataclass
class Recording:
    """Remembers what it was asked to record."""

    answer: Outcome | Exception
    asked: list[tuple[Search, bool]] = field(default_factory=list)

    async def record(self, search: Search, *, patient: bool) -> Outcome:
        self.asked.append((search, patient))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(FLOW.room(), 0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Shown:
    """Remembers the statuses that it was to show."""

    statuses: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)

    async def show(self, found: dict[str, Any], status: dict[str, Any]) -> None:
        self.statuses.append((found, status))


async def handled(
    body: dict[str, Any],
    type_: str | None = "ADDED",
    answer: Outcome | Exception | None = None,
) -> tuple[Recording, list[dict[str, Any]]]:
    recorder, shown = Recording(answer or an_outcome(an_event())), Shown()
    memo = Memo(recorder=recorder, statuses=shown, clock=lambda: NOW, flow=FLOW)
    event: Any = {"type": type_, "object": body}
    await record_search(event=event, memo=memo, logger=None)
    await asyncio.wait_for(FLOW.room(), 1)  # whatever became of it, it is under way no more
    assert all(found is body for found, _ in shown.statuses)
    return recorder, [status for _, status in shown.statuses]


@pytest.mark.parametrize("type_", [None, "ADDED", "MODIFIED"])
async def test_a_new_search_is_recorded_and_shown(type_: str | None) -> None:
    recorder, shown = await handled(an_object(TINY), type_)
    assert recorder.asked == [(a_search(), False)]
    assert shown == [final_status(a_search().metadata, an_outcome(an_event()), now=NOW)]


@pytest.mark.parametrize(
    ("type_", "status"),
    [
        pytest.param("DELETED", {}, id="gone"),
        pytest.param("DELETED", {"phase": "Recorded"}, id="left-the-selector"),
        pytest.param("DELETED", {"phase": "Pending"}, id="gone-while-it-waits"),
        pytest.param("MODIFIED", {"phase": "Recorded"}, id="recorded"),
        pytest.param(None, {"phase": "Skipped"}, id="skipped"),
    ],
)
async def test_nothing_is_done_for(type_: str | None, status: dict[str, Any]) -> None:
    recorder, shown = await handled(an_object(TINY, status=status), type_)
    assert (recorder.asked, shown) == ([], [])


@pytest.mark.parametrize(
    ("status", "patient"),
    [
        pytest.param(None, False, id="no-status"),
        pytest.param({}, False, id="empty-status"),
        pytest.param({"phase": "Pending"}, True, id="status-says-already-why-it-waits"),
    ],
)
async def test_patience(status: dict[str, Any] | None, patient: bool) -> None:
    recorder, (shown,) = await handled(an_object(TINY, status=status))
    assert recorder.asked == [(a_search(), patient)]
    assert shown["phase"] == "Recorded"


@pytest.mark.parametrize(
    "error",
    [
        DatabaseUnavailableError("the database does not answer", retry_after_seconds=5),
        RecordingError("KeyError at events.py:7"),
    ],
    ids=lambda error: error.reason,
)
async def test_a_search_that_cannot_be_recorded_yet_says_why(error: Exception) -> None:
    _, shown = await handled(an_object(TINY), answer=error)
    assert shown == [waiting_status(a_search().metadata, error, now=NOW)]  # type: ignore[arg-type]


async def test_a_malformed_search_is_recorded_too() -> None:
    recorder, _ = await handled(an_object({"query": 7}))
    ((search, _),) = recorder.asked
    assert isinstance(search, InvalidSearch)


async def test_a_switched_off_audit_is_shown() -> None:
    _, (shown,) = await handled(an_object(TINY), answer=Skipped("default"))
    assert shown["phase"] == "Skipped"


def test_group_and_version_are_named() -> None:
    registry = kopf.OperatorRegistry()
    register(registry)
    (handler,) = registry._watching.get_all_handlers()
    selector = handler.selector
    assert selector is not None
    assert (selector.group, selector.version) == (GROUP, VERSION)
    assert selector.any_name == "workflowsearches"
    assert not registry._changing.get_all_handlers()  # each would add a finalizer or a write
    assert not registry._spawning.get_all_handlers()
