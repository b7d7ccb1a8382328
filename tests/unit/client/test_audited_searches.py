"""The forms that measure and record by themselves, and that change nothing for the caller."""

import asyncio
import inspect
from collections.abc import Mapping
from typing import Any

import pytest

from workflow_audit.client.auditing import AuditedSearch, audited

ASKED = {"correlation_id": "rr-1", "query": "q"}
CAME = ("response", "failure", "duration_ms")
ANSWER = {"workflows": [], "total_results": 0}


class Recorded:
    """Stands for the client: remembers what it gets."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def __call__(self, call: Mapping[str, Any]) -> None:
        self.calls.append(dict(call))

    @property
    def only(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Give what was asked, and what came of it."""
        (call,) = self.calls
        came = {name: call.pop(name) for name in CAME if name in call}
        return call, came


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


def test_a_block_is_recorded_with_its_answer_and_duration(recorded: Recorded) -> None:
    with AuditedSearch(recorded, ASKED) as search:
        search.response = ANSWER
    asked, came = recorded.only
    assert asked == ASKED
    assert came["response"] is ANSWER
    assert 0 <= came["duration_ms"] < 60_000
    assert "failure" not in came


async def test_an_async_block_is_measured_as_well(recorded: Recorded) -> None:
    async with AuditedSearch(recorded, ASKED) as search:
        await asyncio.sleep(0.02)
        search.response = ANSWER
    assert recorded.only[1]["duration_ms"] >= 20


@pytest.mark.parametrize("kind", [TimeoutError, KeyboardInterrupt, asyncio.CancelledError])
def test_an_exception_is_recorded_and_goes_on_unchanged(
    recorded: Recorded, kind: type[BaseException]
) -> None:
    error = kind("made up")
    with pytest.raises(kind) as raised, AuditedSearch(recorded, ASKED):
        raise error
    assert raised.value is error
    assert error.__cause__ is error.__context__ is None
    code, message = recorded.only[1]["failure"]
    assert code == ("CatalogueTimeout" if kind is TimeoutError else "SearchFailed")
    assert message == f"{kind.__name__}: made up"


def test_a_block_without_an_answer_is_a_failure(recorded: Recorded) -> None:
    with AuditedSearch(recorded, ASKED):
        pass
    assert recorded.only[1]["failure"] == ("SearchFailed", "the search ended without a response")


def test_a_function_is_recorded_by_the_names_of_its_parameters(recorded: Recorded) -> None:
    @audited(recorded, {"correlation_id": lambda: "rr-2", "labels": {"team": "a"}})
    def search(query: str, filters: Any = None, *, top_k: int = 7, more: str = "") -> Any:
        """Search."""
        return ANSWER

    assert search("q", {"a": "b"}, more="x") is ANSWER
    asked, came = recorded.only
    assert asked == {
        "correlation_id": "rr-2",
        "labels": {"team": "a"},
        "query": "q",
        "filters": {"a": "b"},
        "top_k": 7,
    }
    assert came["response"] is ANSWER
    assert (search.__name__, search.__doc__) == ("search", "Search.")


async def test_an_async_function_stays_one(recorded: Recorded) -> None:
    @audited(recorded, {"correlation_id": "of the decorator"})
    async def search(query: str, correlation_id: str) -> Any:
        await asyncio.sleep(0.01)
        return ANSWER

    assert inspect.iscoroutinefunction(search)
    assert await search("q", correlation_id="rr-3") is ANSWER
    asked, came = recorded.only
    assert asked == {"correlation_id": "rr-3", "query": "q"}
    assert came["duration_ms"] >= 10


def test_a_method_may_be_decorated(recorded: Recorded) -> None:
    class Catalogue:
        @audited(recorded, {"correlation_id": "c"})
        def search(self, query: str) -> Any:
            return {"of": self, "query": query}

    catalogue = Catalogue()
    assert catalogue.search("q")["of"] is catalogue
    assert recorded.only[0]["query"] == "q"


def test_a_failing_function_fails_as_it_would_without(recorded: Recorded) -> None:
    @audited(recorded, {})
    def search(query: str) -> Any:
        raise ConnectionRefusedError(query)

    with pytest.raises(ConnectionRefusedError, match=r"^q$"):
        search("q")
    assert recorded.only[1]["failure"][0] == "ConnectionRefused"


def test_wrong_arguments_are_refused_by_the_function_itself(recorded: Recorded) -> None:
    @audited(recorded, {"correlation_id": "c"})
    def search(query: str) -> Any:
        raise AssertionError("not reached")

    with pytest.raises(TypeError, match="unexpected keyword argument 'wrong'"):
        search("q", wrong=1)  # type: ignore[call-arg]
    assert recorded.only[0] == {"correlation_id": "c"}


def test_a_correlation_id_that_cannot_be_told_does_not_harm_the_search(recorded: Recorded) -> None:
    def failing() -> str:
        raise LookupError("no context")

    @audited(recorded, {"correlation_id": failing})
    def search(query: str) -> Any:
        return ANSWER

    assert search("q") is ANSWER
    assert recorded.only[0]["correlation_id"] is None


def test_a_function_without_a_query_is_refused_when_it_is_decorated(recorded: Recorded) -> None:
    with pytest.raises(TypeError, match="has no parameter `query`"):

        @audited(recorded, {})
        def search(text: str) -> Any: ...
