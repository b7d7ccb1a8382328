"""Whatever a call is given, nothing reaches the caller, and the next call is recorded."""

from collections import UserDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_audit.client import AuditClient, ClientSettings
from workflow_audit.client.searches import waiting_search
from workflow_audit.client.snapshot import snapshot


class Broken:
    """Fails at whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __repr__


class Neither:
    """Is neither true nor false, like an array of several numbers."""

    def __bool__(self) -> bool:
        raise ValueError


class BrokenMapping(UserDict[str, Any]):
    def __iter__(self) -> Iterator[str]:
        raise RuntimeError


class BrokenModel:
    def model_dump(self, mode: str) -> Any:
        raise ValueError(mode)


def circle() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["itself"] = value
    return value


ODD: list[Any] = [
    None, Broken(), BrokenMapping({"a": 1}), BrokenModel(), circle(), object(), float("nan"),
    b"bytes", 10**400, {("a", "tuple"): 1}, {Broken()}, [Broken()], "\ud800\x00", Path("/"),
    lambda: None, Exception, -1, True, {"a": {"b": [Broken()]}}, Neither(),
]  # fmt: skip
ARGUMENTS = (
    "correlation_id", "query", "filters", "top_k", "min_similarity", "duration_ms", "search_id",
    "labels", "namespace",
)  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditClient]:
    folder = tmp_path_factory.mktemp("spool") / "spool"
    with_nobody = ClientSettings(url="http://127.0.0.1:9", spool_path=folder, namespace="default")
    own = AuditClient(with_nobody)
    yield own
    own.close(0.1)


@pytest.mark.parametrize("argument", [*ARGUMENTS, "response", "error", "code", "message"])
def test_odd_arguments(client: AuditClient, argument: str) -> None:
    for odd in ODD:
        call: dict[str, Any] = {"correlation_id": "a", "query": "b", argument: odd}
        if argument in {"error", "code", "message"}:
            client.search_failed(**call)
        else:
            client.search_completed(**{"response": {"workflows": []}, **call})
            with client.search(**{k: v for k, v in call.items() if k not in NOT_ASKED}) as search:
                search.response = odd


NOT_ASKED = {"response", "duration_ms"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*ARGUMENTS, "response"]), JSON, max_size=3))
def test_any_json_becomes_a_search(call: dict[str, Any]) -> None:
    taken = snapshot(call, 1_800_000_000.0)
    search = waiting_search(taken, service="agent", namespace="default", own_id=UUID(int=1))
    assert search.spec.results or search.spec.failure
    assert type(search).from_json(search.as_json()) == search
