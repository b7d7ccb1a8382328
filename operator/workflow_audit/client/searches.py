"""A call -> the search that is to be recorded, the same for either way of sending it.

Nothing that was called is refused here, because a search that went well is to be recorded: what is
too long is cut, what is out of bounds becomes the nearest that is allowed.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import orjson

from workflow_audit.client.failures import MALFORMED_RESPONSE, MESSAGE_CHARACTERS, SEARCH_FAILED
from workflow_audit.client.settings import NAMESPACE
from workflow_audit.domain.catalogue_answer import catalogue_results, label_texts, shortened
from workflow_audit.domain.characters import clean_tree
from workflow_audit.domain.free_text import as_json
from workflow_audit.domain.parsing import UNKNOWN
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.kinds import GROUP, VERSION, WORKFLOW_SEARCH
from workflow_audit.models.search import MAX_FILTERS, Failure, Query, Results, SearchSpec

SEARCH_IDS = UUID("7d0a2f0e-0e3b-5b61-9a8e-0b8a5d2c6f43")
"""Namespace of the ids that are made of what a caller gives as search id."""

TEXT_CHARACTERS = 8192
IDENTIFIER_CHARACTERS = 255
FILTER_CHARACTERS = 128
MOST_TOP_K, DEFAULT_TOP_K = 100, 10
LONGEST_MS = 2**31 - 1
NAME_CHARACTERS = 40
HASH_CHARACTERS = 20

_NAMESPACE = re.compile(NAMESPACE)
_NO_NAME = re.compile(r"[^a-z0-9]+")
_CODE = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]{0,48}[A-Za-z0-9_])?")


@dataclass(frozen=True)
class WaitingSearch:
    """A search that is to be sent, as the spool keeps it."""

    id: UUID
    """The same for every attempt, and for every call with the same search id."""

    namespace: str | None
    labels: Mapping[str, str]
    spec: SearchSpec

    @property
    def name(self) -> str:
        """Give the name of its resource: to be read by people, and the same at every attempt."""
        read = _NO_NAME.sub("-", self.spec.correlation_id.lower())[:NAME_CHARACTERS].strip("-")
        facts = f"{self.id}\n{self.spec.correlation_id}".encode()
        return f"{read or 'search'}-{hashlib.sha256(facts).hexdigest()[:HASH_CHARACTERS]}"

    def manifest(self) -> dict[str, Any]:
        """Give its resource."""
        metadata: dict[str, Any] = {"name": self.name, "namespace": self.namespace}
        if self.labels:
            metadata["labels"] = dict(self.labels)
        return {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": WORKFLOW_SEARCH.name,
            "metadata": metadata,
            "spec": self.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
        }

    def as_json(self) -> bytes:
        """Give it as the spool keeps it."""
        return orjson.dumps(
            {
                "id": str(self.id),
                "namespace": self.namespace,
                "labels": dict(self.labels),
                "spec": self.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
            }
        )

    @classmethod
    def from_json(cls, kept: bytes) -> "WaitingSearch":
        """Read what `as_json` has written.

        Raises:
            ValueError: it is something else, perhaps of a later version.
        """
        raw = orjson.loads(kept)
        try:
            spec = SearchSpec.model_validate(raw["spec"])
            return cls(UUID(raw["id"]), raw["namespace"], raw["labels"], spec)
        except (KeyError, TypeError) as error:
            raise ValueError(f"no search of this version: {error!r}") from error


def waiting_search(
    taken: bytes, *, service: str, namespace: str | None, own_id: UUID
) -> WaitingSearch:
    """Give the search that a call tells of.

    Args:
        taken: the call's arguments, as `snapshot` gives them.
        service: program that searches.
        namespace: of the search where the call does not say.
        own_id: of the search where the call has no search id.
    """
    at, call = _loaded(taken)
    duration_ms = _whole_ms(call.get("duration_ms"))
    query = _query(call)
    results, failure = _outcome(call, duration_ms, query.filters)
    spec = SearchSpec(
        correlation_id=_identifier(call.get("correlation_id")),
        service=service,
        searched_at=datetime.fromtimestamp(at, UTC),
        query=query,
        results=results,
        failure=failure,
    )
    labels = call.get("labels")
    return WaitingSearch(
        id=own_id if (given := call.get("search_id")) is None else uuid5(SEARCH_IDS, _text(given)),
        namespace=_namespace(call.get("namespace")) or namespace,
        labels={key: _text(value) for key, value in labels.items()}
        if isinstance(labels, Mapping)
        else {},
        spec=spec,
    )


def _loaded(taken: bytes) -> tuple[float, dict[str, Any]]:
    """Give the time and the arguments."""
    try:
        at, call = orjson.loads(taken)
    except orjson.JSONDecodeError:  # a lone surrogate, or NaN
        at, call = json.loads(taken)
    cleaned, _ = clean_tree(call)
    assert isinstance(cleaned, dict)  # noqa: S101 - for mypy; `snapshot` wrote it
    return at, cleaned


def _query(call: Mapping[str, Any]) -> Query:
    top_k, least = _number(call.get("top_k")), _number(call.get("min_similarity"))
    filters = call.get("filters")
    return Query(
        text=shortened(_text(call.get("query")), TEXT_CHARACTERS),
        filters=label_texts(filters, most=MAX_FILTERS, longest=FILTER_CHARACTERS)
        if isinstance(filters, Mapping)
        else {},
        top_k=DEFAULT_TOP_K if top_k is None else min(max(int(top_k), 1), MOST_TOP_K),
        min_similarity=None if least is None else min(max(least, 0.0), 1.0),
    )


def _outcome(
    call: Mapping[str, Any], duration_ms: int | None, filters: Mapping[str, str]
) -> tuple[Results | None, Failure | None]:
    if given := call.get("failure"):
        code, message = given
        return None, _failure(code, message, duration_ms)
    try:
        found = catalogue_results(call.get("response"), duration_ms=duration_ms, filters=filters)
    except InvalidFieldError as error:
        return None, _failure(MALFORMED_RESPONSE, str(error), duration_ms)
    return found, None


def _failure(code: Any, message: Any, duration_ms: int | None) -> Failure:
    words = _text(message)
    if not (isinstance(code, str) and _CODE.fullmatch(code)):
        code, words = SEARCH_FAILED, f"{_text(code)}: {words}"
    return Failure(code=code, message=shortened(words, MESSAGE_CHARACTERS), duration_ms=duration_ms)


def _namespace(value: Any) -> str | None:
    return value if isinstance(value, str) and _NAMESPACE.fullmatch(value) else None


def _identifier(value: Any) -> str:
    text: str = shortened(_text(value), IDENTIFIER_CHARACTERS)
    return text or UNKNOWN


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else as_json(value)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _whole_ms(value: Any) -> int | None:
    number = _number(value)
    return None if number is None or number < 0 else min(round(number), LONGEST_MS)
