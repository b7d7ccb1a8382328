"""A watched object's body -> a search. Never raises: what cannot be a search is a fact too.

The API server's schema refuses almost everything that is refused here; this is what holds when
the installed schema is older than we are. Its messages name the path, the value and the remedy.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import JsonValue, ValidationError

from workflow_audit.domain.characters import clean_tree
from workflow_audit.errors import InvalidFieldError, MissingFieldError
from workflow_audit.models.base import LABEL_KEY
from workflow_audit.models.search import (
    InvalidSearch,
    Metadata,
    Results,
    Search,
    SearchSpec,
    WorkflowSearch,
)

_LABEL_KEY = re.compile(LABEL_KEY)

UNKNOWN = "unknown"
"""What an event says for an identifier that a malformed search does not have."""


class Notation(NamedTuple):
    """How what was asked and answered is written where it comes from; for messages."""

    root: str
    total_found: str
    boost_breakdown: str
    penalty_breakdown: str
    one: str
    """What to do where both results and a failure are given."""


AS_RESOURCE = Notation(
    "spec",
    "totalFound",
    "boostBreakdown",
    "penaltyBreakdown",
    "give one of them, or neither to have the operator search",
)


def parse_search(body: Mapping[str, Any]) -> Search:
    """Give the search that an object describes.

    Args:
        body: the object as the API server gives it; its metadata is the server's own and can be
            relied on, its spec cannot.
    """
    metadata = object_metadata(body["metadata"])
    spec, replaced = clean_tree(body.get("spec"))
    try:
        return WorkflowSearch(metadata, valid_spec(spec), replaced_characters=replaced)
    except InvalidFieldError as error:
        return _invalid_search(metadata, spec, error)


def object_metadata(raw: Mapping[str, Any]) -> Metadata:
    """Give what the API server itself set; all of it is always there."""
    return Metadata(
        namespace=raw["namespace"],
        name=raw["name"],
        uid=UUID(raw["uid"]),
        generation=raw["generation"],
        created=datetime.fromisoformat(raw["creationTimestamp"]),
        labels=raw.get("labels", {}),
    )


def valid_spec(spec: object) -> SearchSpec:
    """Give the spec.

    Raises:
        InvalidFieldError: the first rule that it breaks.
    """
    try:
        parsed = SearchSpec.model_validate(spec)
    except ValidationError as error:
        raise refused_field("spec", error) from None
    insist_on_rules(parsed, AS_RESOURCE)
    return parsed


def refused_field(root: str, error: ValidationError) -> InvalidFieldError:
    """Say pydantic's first finding in our words; later ones are often only its effects.

    Args:
        root: path of what was validated; empty where its fields stand alone.
        error: what pydantic says.
    """
    first = error.errors(include_url=False)[0]
    places = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in first["loc"])
    path = f"{root}{places}" if root else places.removeprefix(".")
    if first["type"] == "missing":
        return MissingFieldError(path, "give it")
    rule = first["msg"][0].lower() + first["msg"][1:]
    if first["type"] in {"dict_type", "model_type"}:  # pydantic names classes, JSON has objects
        rule = "input should be an object"
    return InvalidFieldError(path, first["input"], f"is refused: {rule}", "correct it")


def insist_on_rules(spec: SearchSpec, notation: Notation) -> None:
    """Insist on the rules between fields, as the CRD has them in CEL.

    Raises:
        InvalidFieldError: the first rule that is broken.
    """
    for finding in _broken_rules(spec, notation):
        raise finding


def _broken_rules(spec: SearchSpec, notation: Notation) -> Iterator[InvalidFieldError]:
    root = notation.root
    if spec.results is not None and spec.failure is not None:
        yield InvalidFieldError(root, "both", "of results and failure are given", notation.one)
    yield from _broken_key_rules(f"{root}.query.filters", spec.query.filters)
    if spec.results is not None:
        yield from _broken_result_rules(spec.results, notation)


def _broken_result_rules(results: Results, notation: Notation) -> Iterator[InvalidFieldError]:
    path, total_found = f"{notation.root}.results", notation.total_found
    if results.returned > results.total_found:
        yield InvalidFieldError(
            f"{path}.returned",
            results.returned,
            f"is above {total_found}, {results.total_found}",
            f"{total_found} counts all workflows that were found, listed or not",
        )
    if results.returned != len(results.workflows):
        yield InvalidFieldError(
            f"{path}.returned",
            results.returned,
            f"is not the number of workflows, {len(results.workflows)}",
            "returned counts the workflows that are listed",
        )
    ranks = [workflow.rank for workflow in results.workflows]
    if sorted(ranks) != list(range(1, len(ranks) + 1)):
        yield InvalidFieldError(
            f"{path}.workflows", ranks, "are no ranks from 1 without gaps", "number them anew"
        )
    for number, workflow in enumerate(results.workflows):
        place, scoring = f"{path}.workflows[{number}]", workflow.scoring
        if all(
            map(
                _keeps_key_rules,
                (workflow.labels, scoring.boost_breakdown, scoring.penalty_breakdown),
            )
        ):
            continue
        boosts, penalties = notation.boost_breakdown, notation.penalty_breakdown
        yield from _broken_key_rules(f"{place}.labels", workflow.labels)
        yield from _broken_key_rules(f"{place}.scoring.{boosts}", scoring.boost_breakdown)
        yield from _broken_key_rules(f"{place}.scoring.{penalties}", scoring.penalty_breakdown)


def _keeps_key_rules(labels: Mapping[str, Any] | None) -> bool:
    return not labels or all(map(_is_label_key, labels))


def _broken_key_rules(path: str, labels: Mapping[str, Any] | None) -> Iterator[InvalidFieldError]:
    """Status repeats label keys, and its schema refuses others."""
    for key in labels or ():
        if not _is_label_key(key):
            remedy = "a key has 1 to 63 letters, digits or . _ / -"
            yield InvalidFieldError(path, key, "is no label key", remedy)


@lru_cache(4096)
def _is_label_key(key: str) -> bool:
    """Tell whether it is one; searches of a catalogue have the same few dozen keys."""
    return _LABEL_KEY.fullmatch(key) is not None


def _invalid_search(metadata: Metadata, spec: JsonValue, error: InvalidFieldError) -> InvalidSearch:
    fields = spec if isinstance(spec, Mapping) else {}
    requested_by = fields.get("requestedBy")
    return InvalidSearch(
        metadata=metadata,
        correlation_id=_identifier(fields.get("correlationId")),
        service=_identifier(fields.get("service")),
        requested_by=requested_by if isinstance(requested_by, str) else None,
        finding=error,
        submitted=spec,
    )


def _identifier(value: object) -> str:
    return value if isinstance(value, str) and value else UNKNOWN
