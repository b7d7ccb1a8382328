"""The forms that measure and record by themselves: a context manager and a decorator."""

import contextlib
import functools
import inspect
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, ParamSpec, Protocol, Self, TypeVar, cast

from workflow_audit.client.failures import SEARCH_FAILED, FailureFacts, failure_of

P = ParamSpec("P")
R = TypeVar("R")

QUERY_ARGUMENTS = ("correlation_id", "query", "filters", "top_k", "min_similarity")
"""Names of parameters from which the decorator takes what was asked."""

NO_RESPONSE = FailureFacts(SEARCH_FAILED, "the search ended without a response")


class Record(Protocol):
    """Records a search."""

    def __call__(self, call: Mapping[str, Any]) -> None:
        """Record what was asked, and what came of it; never raises."""
        ...


class AuditedSearch:
    """One search: set `response` within the block, and it is recorded when the block ends.

    An exception is recorded as the failure that it is, and goes on unchanged.
    """

    def __init__(self, record: Record, asked: Mapping[str, Any]) -> None:
        self._record, self._asked = record, asked
        self._started = time.perf_counter()
        self.response: Any = None
        """The catalogue's answer, as it is."""

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        came: dict[str, Any] = {"duration_ms": (time.perf_counter() - self._started) * 1000}
        if error is not None:
            came["failure"] = failure_of(error)
        elif self.response is None:
            came["failure"] = NO_RESPONSE
        else:
            came["response"] = self.response
        self._record({**self._asked, **came})

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)


def audited(
    record: Record, asked_besides: Mapping[str, Any]
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Give a decorator for a search function, plain or async, that returns the answer.

    Args:
        record: records a search.
        asked_besides: what the function has no parameter for; callables are called at each search.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        if "query" not in signature.parameters:
            raise TypeError(
                f"{function.__qualname__} has no parameter `query`, so it is not known what was"
                " asked; name the parameter so, or use `with audit.search(...)`"
            )

        def started(args: Any, kwargs: Any) -> AuditedSearch:
            return AuditedSearch(record, _asked(signature, args, kwargs, asked_besides))

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaiting(*args: P.args, **kwargs: P.kwargs) -> Any:
                async with started(args, kwargs) as search:
                    search.response = await function(*args, **kwargs)
                    return search.response

            return cast("Callable[P, R]", awaiting)

        @functools.wraps(function)
        def calling(*args: P.args, **kwargs: P.kwargs) -> R:
            with started(args, kwargs) as search:
                answer = function(*args, **kwargs)
                search.response = answer
                return answer

        return calling

    return decorate


def _asked(
    signature: inspect.Signature,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    besides: Mapping[str, Any],
) -> dict[str, Any]:
    """Give what was asked; arguments that do not fit the function are for itself to refuse."""
    asked = {name: _value(given) for name, given in besides.items()}
    with contextlib.suppress(TypeError):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = {name: bound.arguments[name] for name in QUERY_ARGUMENTS if name in bound.arguments}
        asked |= given
    return asked


def _value(given: Any) -> Any:
    """Give a value, or what a function gives for it; the search must not suffer from either."""
    try:
        return given() if callable(given) else given
    except Exception:  # noqa: BLE001 - somebody else's code
        return None
