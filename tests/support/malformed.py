"""Searches that break a rule: what the API server says of them, and what we say where it did not.

Two tables. `MALFORMED` are specs that no searcher should send; the shipped schema refuses all of
them. `STRANGE` are unusual requests as raw bytes, of which some are fine.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

MEGABYTE = 1024 * 1024


def good_spec() -> dict[str, Any]:
    """A small search that keeps all rules."""
    return {
        "correlationId": "rr-malformed",
        "query": {"text": "OOMKilled critical", "filters": {"signal-type": "OOMKilled"}},
        "results": {
            "totalFound": 2,
            "returned": 2,
            "workflows": [found_workflow(1), found_workflow(2)],
        },
    }


def found_workflow(rank: int) -> dict[str, Any]:
    return {"workflowId": f"workflow-{rank}", "rank": rank, "scoring": {"confidence": 0.9}}


@dataclass(frozen=True)
class Malformed:
    """A spec that breaks one rule."""

    name: str
    spec: Any
    refusal: str
    """What the API server's refusal contains: the field."""
    path: str
    """What our own finding names, where the schema let it pass."""


_GONE = object()


def _with(*changes: tuple[str, Any]) -> Any:
    spec = good_spec()
    for path, value in changes:
        *parents, last = [int(p) if p.isdigit() else p for p in path.split(".")]
        inner: Any = spec
        for part in parents:
            inner = inner[part]
        if value is _GONE:
            del inner[last]
        else:
            inner[last] = deepcopy(value)
    return spec


def _deep(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = {"deeper": value}
    return value


def _case(
    name: str, path: str, value: Any, *, refusal: str | None = None, ours: str | None = None
) -> Malformed:
    """Change one field; the refusal has its name and we have its path, unless told otherwise."""
    shown = "".join(f"[{p}]" if p.isdigit() else f".{p}" for p in path.split("."))
    field = [part for part in path.split(".") if not part.isdigit()][-1]
    return Malformed(name, _with((path, value)), refusal or field, ours or f"spec{shown}")


_FIRST = "results.workflows.0"
_SCORING = f"{_FIRST}.scoring"

MALFORMED = (
    Malformed("spec is a text", "search", "spec", "spec"),
    Malformed("spec is a list", [], "spec", "spec"),
    Malformed("spec is empty", {}, "spec.correlationId", "spec.correlationId"),
    _case("no correlation id", "correlationId", _GONE),
    _case("empty correlation id", "correlationId", ""),
    _case("correlation id of 300 characters", "correlationId", "r" * 300),
    _case("correlation id is a number", "correlationId", 7),
    _case("correlation id is null", "correlationId", None),
    _case("empty service", "service", ""),
    _case("service of 300 characters", "service", "s" * 300),
    _case("searchedAt is no time", "searchedAt", "yesterday"),
    _case("searchedAt without a zone", "searchedAt", "2026-11-23T10:31:07"),
    _case("no query", "query", _GONE),
    _case("query is a text", "query", "OOMKilled"),
    _case("no query text", "query.text", _GONE),
    _case("query text is a list", "query.text", ["OOMKilled"]),
    _case("query text of 1 MB", "query.text", "x" * MEGABYTE),
    _case("query text is deep", "query.text", _deep(200)),
    _case("filters are a list", "query.filters", ["signal-type"]),
    _case("17 filters", "query.filters", {f"label-{n}": "x" for n in range(17)}),
    _case("filter key of 64 characters", "query.filters", {"k" * 64: "x"}),
    _case("filter value is a number", "query.filters.signal-type", 1),
    _case("filter value of 129 characters", "query.filters.signal-type", "v" * 129),
    _case("topK is 0", "query.topK", 0),
    _case("topK is 101", "query.topK", 101),
    _case("topK is a text", "query.topK", "ten"),
    _case("topK is 1.5", "query.topK", 1.5),
    _case("minSimilarity is 1.01", "query.minSimilarity", 1.01),
    Malformed("results and failure", _with(("failure", {"code": "Both"})), "spec", "spec"),
    _case("results are a list", "results", []),
    _case("no totalFound", "results.totalFound", _GONE),
    _case("totalFound is negative", "results.totalFound", -1),
    _case("totalFound is huge", "results.totalFound", 10**30),
    _case("returned above totalFound", "results.totalFound", 1, refusal="returned",
          ours="spec.results.returned"),
    _case("returned is not what is listed", "results.returned", 1),
    _case("returned is a text", "results.returned", "two"),
    _case("duration is negative", "results.durationMs", -5),
    _case("workflows are a text", "results.workflows", "none"),
    Malformed(
        "101 workflows",
        _with(
            ("results.workflows", [found_workflow(n) for n in range(1, 102)]),
            ("results.returned", 101),
            ("results.totalFound", 101),
        ),
        "spec.results",
        "spec.results.returned",
    ),
    _case("workflow is a text", _FIRST, "workflow-1"),
    _case("no workflow id", f"{_FIRST}.workflowId", _GONE),
    _case("empty workflow id", f"{_FIRST}.workflowId", ""),
    _case("title of 257 characters", f"{_FIRST}.title", "t" * 257),
    _case("no rank", f"{_FIRST}.rank", _GONE),
    _case("rank is 0", f"{_FIRST}.rank", 0),
    _case("rank twice", "results.workflows.1.rank", 1, refusal="workflows[1]",
          ours="spec.results.workflows"),
    _case("rank gap", "results.workflows.1.rank", 3, refusal="workflows",
          ours="spec.results.workflows"),
    _case("labels are a text", f"{_FIRST}.labels", "a=b"),
    _case("no scoring", _SCORING, _GONE),
    _case("scoring is null", _SCORING, None),
    _case("scoring is a number", _SCORING, 0.9),
    _case("no confidence", f"{_SCORING}.confidence", _GONE),
    _case("confidence is 1.2", f"{_SCORING}.confidence", 1.2),
    _case("confidence is -0.1", f"{_SCORING}.confidence", -0.1),
    _case("confidence is 95", f"{_SCORING}.confidence", 95),
    _case("confidence is a text", f"{_SCORING}.confidence", "NaN"),
    _case("confidence is 1e300", f"{_SCORING}.confidence", 1e300),
    _case("label boost is negative", f"{_SCORING}.labelBoost", -0.05),
    _case("label penalty is a list", f"{_SCORING}.labelPenalty", [0.1]),
    _case("breakdown is a list", f"{_SCORING}.boostBreakdown", [0.1]),
    _case("breakdown value is a text", f"{_SCORING}.boostBreakdown", {"environment": "much"},
          refusal="boostBreakdown.environment",
          ours="spec.results.workflows[0].scoring.boostBreakdown.environment"),
    _case("breakdown key of 64 characters", f"{_SCORING}.boostBreakdown", {"k" * 64: 0.1}),
    Malformed(
        "failure without a code",
        _with(("results", _GONE), ("failure", {"message": "no answer"})),
        "spec.failure.code",
        "spec.failure.code",
    ),
    Malformed(
        "failure code of two words",
        _with(("results", _GONE), ("failure", {"code": "no answer"})),
        "spec.failure.code",
        "spec.failure.code",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Strange:
    """A request that is unusual in its bytes."""

    name: str
    body: bytes
    refusal: str | None
    """What its refusal contains; None: it is accepted and recorded."""
    query: str = ""


def _raw(change: Callable[[str], str]) -> Callable[[str], bytes]:
    """Change the JSON text of a good search; the name is filled in."""

    def body(name: str) -> bytes:
        manifest = {
            "apiVersion": "audit.kubernaut.ai/v1alpha1",
            "kind": "WorkflowSearch",
            "metadata": {"name": name},
            "spec": good_spec(),
        }
        return change(json.dumps(manifest)).encode("utf-8", "surrogatepass")

    return body


def _replaced(old: str, new: str) -> Callable[[str], bytes]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return _raw(change)


_TEXT = '"OOMKilled critical"'
_CONFIDENCE = '"confidence": 0.9'
_STRICT = "?fieldValidation=Strict"


def _strange() -> tuple[Strange, ...]:
    table: list[tuple[Callable[[str], bytes], str, str | None, str]] = [
        (_replaced(_CONFIDENCE, '"confidence": NaN'), "NaN", "", ""),
        (_replaced(_CONFIDENCE, '"confidence": Infinity'), "Infinity", "", ""),
        (_replaced(_CONFIDENCE, '"confidence": 1e999'), "1e999", "", ""),
        (_replaced(_CONFIDENCE, '"confidence": 0.' + "9" * 5000), "5000 digits", None, ""),
        (_replaced(_CONFIDENCE, '"confidence": 1e-320'), "denormal", None, ""),
        (_replaced(_CONFIDENCE, '"confidence": -0.0'), "minus zero", None, ""),
        (_replaced('"totalFound": 2', '"totalFound": 2.0'), "2.0 workflows", "spec.results", ""),
        (_replaced('"totalFound": 2', '"totalFound": 1e999'), "1e999 workflows", "", ""),
        (_replaced('"totalFound": 2', '"totalFound": 1' + "0" * 400), "10^400 workflows", "", ""),
        (_replaced('"totalFound": 2', '"totalFound": 99999999999999999999'), "int64+",
         "totalFound", ""),
        (_replaced(_CONFIDENCE, '"confidence": 0.9, "confidence": 2'), "twice", "confidence", ""),
        (_replaced(_CONFIDENCE, '"confidence": 0.9, "confidence": 0.8'), "same key", None, ""),
        (_replaced(_CONFIDENCE, '"confidence": 0.9, "confidence": 0.8'), "same key strict",
         "confidence", _STRICT),
        (_replaced(_TEXT, '"a\\u0000b"'), "NUL", None, ""),
        (_replaced(_TEXT, '"a\\ud800b"'), "lone high surrogate", None, ""),
        (_replaced(_TEXT, '"a\\udc00\\ud800b"'), "swapped surrogates", None, ""),
        (_replaced(_TEXT, '"a\ud800b"'), "surrogate as bytes", None, ""),
        (_replaced('"OOMKilled"', '"\\u0000"'), "NUL in a filter", None, ""),
        (_replaced('"signal-type"', '"signal\\u0000type"'), "NUL in a key",
         "spec.query.filters", ""),
        (_replaced(_TEXT, '"' + "".join(f"\\u{n:04x}" for n in range(1, 32)) + '\\u007f\\u009b"'),
         "control characters", None, ""),
        (_replaced(_TEXT, '"\\u001b[31mred\\u001b[0m\\r\\nforged log line"'), "terminal", None, ""),
        (_replaced(_TEXT, '"\u202eevil\u202c \u05d0\u05d1 \u0627\u0644"'), "right to left",
         None, ""),
        (_replaced(_TEXT, '"\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301 z\u0351\u0489"'),
         "emoji and combining", None, ""),
        (_replaced(_TEXT, '"\ufeff\u2028\u2029\ufffe\uffff"'), "non-characters", None, ""),
        (_replaced(_TEXT, '"' + "\U0001f525" * 8192 + '"'), "8192 emoji", None, ""),
        (_replaced(_TEXT, '"' + "\U0001f525" * 8193 + '"'), "8193 emoji", "spec.query.text", ""),
        (_replaced(_TEXT, '""'), "empty text", None, ""),
        (_replaced('"spec": {', '"spec": {"unknown": 1, '), "unknown field", None, ""),
        (_replaced('"spec": {', '"spec": {"unknown": 1, '), "unknown strict",
         "spec.unknown", _STRICT),
        (_replaced('"spec": {', f'"spec": {{"deep": {json.dumps(_deep(900))}, '), "deep unknown",
         None, ""),
        (_replaced('"spec": {', '"spec": {"deep": ' + '{"a":' * 20_000 + "1" + "}" * 20_000 + ", "),
         "20000 levels", "", ""),
        (_replaced('"spec": {', '"spec": {"big": "' + "x" * 4 * MEGABYTE + '", '), "4 MB", "", ""),
        (_replaced('"spec": {', '"status": {"phase": "Recorded"}, "spec": {'), "forged status",
         None, ""),
        (_replaced('"spec": {', '"spec": {"requestedBy": "somebody-else", '), "forged requester",
         None, ""),
        (_replaced('"kind": "WorkflowSearch"', '"kind": "Other"'), "other kind", None, ""),
        (_replaced('"spec": {', '"specs": {'), "no spec", "spec", ""),
        (lambda _: b'{"metadata": {"name": "half"}', "half an object", "", ""),
        (lambda _: b"\x00\xff\xfe", "no JSON", "", ""),
        (lambda _: b"", "nothing", "", ""),
    ]  # fmt: skip
    return tuple(
        Strange(name, body(f"strange-{number:02}"), refusal, query)
        for number, (body, name, refusal, query) in enumerate(table)
    )


STRANGE = _strange()
