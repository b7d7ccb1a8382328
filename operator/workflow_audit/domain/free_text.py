"""Which parts of a search are free text: these are redacted before anything leaves memory.

Identifiers are not: correlation id, service, requester, workflow ids and versions attribute and
join events, and a version such as 10.0.0.1 is no address. A malformed search has no such known
places, so all of it is redacted.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from pydantic import JsonValue

from workflow_audit.models.search import (
    Failure,
    FoundWorkflow,
    InvalidSearch,
    Search,
    SearchSpec,
)


class TreeRedactor(Protocol):
    """Replaces what must not be stored in every string of a JSON tree."""

    def redact_tree(self, value: JsonValue) -> tuple[JsonValue, Counter[str]]:
        """Give the tree without it, and how often each pattern was replaced."""
        ...

    def finds_nothing(self, among: Iterable[str]) -> bool:
        """Tell, by one look, that surely none of some texts holds any of it."""
        ...


@dataclass(frozen=True)
class RedactedSearch:
    """A search that may be stored and shown."""

    search: Search
    redactions: Mapping[str, int]


def redacted_search(search: Search, redactor: TreeRedactor) -> RedactedSearch:
    """Give the search without personal data and secrets, and what was replaced how often."""
    if isinstance(search, InvalidSearch):
        return _redacted_invalid(search, redactor)
    if redactor.finds_nothing(_texts(search.spec)):  # the common case keeps the search as it is
        return RedactedSearch(search, {})
    tree, counts = redactor.redact_tree(free_text(search.spec))
    spec = _with_free_text(search.spec, cast("list[Any]", tree))
    return RedactedSearch(replace(search, spec=spec), counts)


def _redacted_invalid(search: InvalidSearch, redactor: TreeRedactor) -> RedactedSearch:
    finding = search.finding
    tree: JsonValue = [
        search.correlation_id,
        search.service,
        finding.path,
        cast("JsonValue", finding.value),
        search.submitted,
    ]
    redacted, counts = redactor.redact_tree(tree)
    correlation_id, service, path, value, submitted = cast("list[Any]", redacted)
    # Once more as text: a card number may have come as a number.
    submitted, more = redactor.redact_tree(as_json(submitted))
    shown = replace(
        search,
        correlation_id=correlation_id,
        service=service,
        finding=finding.showing(path, _shown(value, redactor)),
        submitted=submitted,
    )
    return RedactedSearch(shown, counts + more)


def _shown(value: JsonValue, redactor: TreeRedactor) -> JsonValue:
    """Give a value that a message may repeat: numbers have to be looked at as text."""
    if isinstance(value, str):
        return value
    text, counts = redactor.redact_tree(as_json(value))
    return text if counts else value


def as_json(tree: JsonValue) -> str:
    """Give a tree as text, whatever somebody has nested."""
    try:
        return json.dumps(tree, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply to be kept)"


def _texts(spec: SearchSpec) -> Iterator[str]:
    """Give every text and every key of `free_text`."""
    yield spec.query.text
    yield from spec.query.filters
    yield from spec.query.filters.values()
    if spec.failure:
        yield spec.failure.message
    for workflow in spec.results.workflows if spec.results else ():
        yield workflow.title
        yield from workflow.labels
        yield from workflow.labels.values()


def free_text(spec: SearchSpec) -> JsonValue:
    """Give all free texts by place and not by name: expressions see names of a tree as well."""
    workflows = spec.results.workflows if spec.results else []
    return [
        spec.query.text,
        cast("JsonValue", spec.query.filters),
        spec.failure.message if spec.failure else "",
        [workflow.title for workflow in workflows],
        [cast("JsonValue", workflow.labels) for workflow in workflows],
    ]


def _with_free_text(spec: SearchSpec, tree: Sequence[Any]) -> SearchSpec:
    text, filters, message, titles, labels = tree
    query = spec.query.model_copy(update={"text": text, "filters": filters})
    failure: Failure | None = spec.failure and spec.failure.model_copy(update={"message": message})
    results = spec.results and spec.results.model_copy(
        update={"workflows": _with_texts(spec.results.workflows, titles, labels)}
    )
    return spec.model_copy(update={"query": query, "failure": failure, "results": results})


def _with_texts(
    workflows: list[FoundWorkflow], titles: list[str], labels: list[dict[str, str]]
) -> list[FoundWorkflow]:
    return [
        workflow.model_copy(update={"title": title, "labels": own})
        for workflow, title, own in zip(workflows, titles, labels, strict=True)
    ]
