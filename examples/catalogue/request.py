"""What a client asks for, and a refusal that says what is wrong with it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

PATH = "/api/v1/workflows/search"

MOST_RESULTS = 100
DEFAULT_RESULTS = 10

DEFAULT_MIN_SIMILARITY = 0.1
"""kubernaut's Data Storage has 0.7; similarities without a model are much smaller."""


class RefusedRequestError(Exception):
    """A request that is answered with 400; says what is wrong and what to write instead."""


@dataclass(frozen=True)
class SearchRequest:
    """A request that has been checked."""

    query: str
    filters: Mapping[str, str] = field(default_factory=dict)
    top_k: int = DEFAULT_RESULTS
    min_similarity: float = DEFAULT_MIN_SIMILARITY


def parse(body: bytes) -> SearchRequest:
    """Read the body of a request.

    Raises:
        RefusedRequestError: it is no search.
    """
    try:
        given = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise RefusedRequestError(f"the body is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise RefusedRequestError('the body is no JSON object; send {"query": "..."} at least')
    for name in given.keys() - CHECKS.keys():
        known = ", ".join(sorted(CHECKS))
        raise RefusedRequestError(f"{name}: there is no such field; there are {known}")
    if "query" not in given:
        raise RefusedRequestError("missing required field: query")
    for name, value in given.items():
        accepts, wanted = CHECKS[name]
        if not accepts(value):
            raise RefusedRequestError(f"{name}: {json.dumps(value)[:100]} is not {wanted}")
    return SearchRequest(**{name: value for name, value in given.items() if name not in IGNORED})


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _is_number(value: Any, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _are_filters(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(wanted, str) for wanted in value.values())


CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "query": (lambda value: isinstance(value, str), "a text"),
    "filters": (_are_filters, 'an object of texts, such as {"severity": "critical"}'),
    "top_k": (
        lambda value: isinstance(value, int) and _is_number(value, 1, MOST_RESULTS),
        f"a whole number from 1 to {MOST_RESULTS}",
    ),
    "min_similarity": (lambda value: _is_number(value, 0, 1), "a number from 0 to 1"),
    "remediation_id": (lambda value: isinstance(value, str), "a text"),
    "include_disabled": (lambda value: isinstance(value, bool), "true or false"),
}
"""What a field may be, by its name."""

IGNORED = {"remediation_id", "include_disabled"}
"""Part of the interface; this catalogue keeps no records, and all its workflows are enabled."""
