"""Searches for tests: the bundled ones, one to change, and all that the schema allows."""

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from workflow_audit.domain.crds import structural_schema
from workflow_audit.domain.events import audit_event, low_confidence
from workflow_audit.domain.free_text import redacted_search
from workflow_audit.domain.parsing import parse_search
from workflow_audit.domain.redaction import Redactor
from workflow_audit.models.event import AuditEvent
from workflow_audit.models.outcome import Recorded
from workflow_audit.models.policy import DEFAULT_POLICY_NAME, PolicySpec, Redaction
from workflow_audit.models.search import Search, SearchSpec

CLUSTER = UUID("6f1c8a52-1111-4222-8333-944455566677")
UID = UUID("0b6f5d0c-2222-4333-8444-955566677788")
RECORDED_AT = datetime(2026, 11, 23, 10, 31, 8, 654321, UTC)

CORPUS = Path(__file__).parents[2] / "examples" / "searches.jsonl"
LINES: list[dict[str, Any]] = [json.loads(line) for line in CORPUS.read_text("utf-8").splitlines()]
REDACTOR = Redactor(Redaction())
POLICY = PolicySpec()

WITHOUT = object()
"""Stands for a field that is to be left out."""

TINY: dict[str, Any] = {
    "correlationId": "rr-2026-001",
    "query": {"text": "OOMKilled critical", "filters": {"signal-type": "OOMKilled"}},
    "results": {
        "totalFound": 3,
        "returned": 2,
        "durationMs": 45,
        "workflows": [
            {"workflowId": "pod-oom-gitops", "rank": 1, "scoring": {"confidence": 0.9}},
            {"workflowId": "pod-oom-manual", "rank": 2, "scoring": {"confidence": 0.4}},
        ],
    },
}
FAILED: dict[str, Any] = {
    "correlationId": "rr-2026-002",
    "query": {"text": "OOMKilled critical"},
    "failure": {"code": "CatalogueTimeout", "message": "no answer within 5 s"},
}


def line(number: int) -> dict[str, Any]:
    """A bundled search; lines count from 1, as in the data's README."""
    return LINES[number - 1]


def changed(spec: Mapping[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """A copy with another value at one place, or without it."""
    root: Any = copy.deepcopy(dict(spec))
    inner = root
    for part in path[:-1]:
        inner = inner[part]
    if value is WITHOUT:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return root  # type: ignore[no-any-return]


def an_object(
    spec: Any, *, created: str = "2026-11-23T10:31:07Z", uid: UUID = UID, **top: Any
) -> dict[str, Any]:
    """A WorkflowSearch as the API server gives it."""
    return {
        "apiVersion": "audit.kubernaut.ai/v1alpha1",
        "kind": "WorkflowSearch",
        "metadata": {
            "namespace": "payments",
            "name": "rr-2026-001-x7k2p",
            "uid": str(uid),
            "generation": 1,
            "creationTimestamp": created,
        },
        "spec": spec,
        **top,
    }


def a_search(spec: Any = TINY, **metadata: Any) -> Search:
    return parse_search(an_object(spec, **metadata))


def an_event(
    spec: Any = TINY,
    policy: PolicySpec = POLICY,
    redactor: Redactor = REDACTOR,
    **metadata: Any,
) -> AuditEvent:
    redacted = redacted_search(a_search(spec, **metadata), redactor)
    return audit_event(redacted, policy, DEFAULT_POLICY_NAME, CLUSTER)


def an_outcome(event: AuditEvent, policy: PolicySpec = POLICY) -> Recorded:
    return Recorded(event, RECORDED_AT, "default", low_confidence(event, policy))


# --- Every search that the schema allows ---

SPEC_SCHEMA = structural_schema(SearchSpec)

ZONES = [UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))]
ODD_CHARACTERS = 'a*\x00\x01\x7f"\\ä漢\u2028\ufffd\U0001f680\U0010ffff'
_short_texts = st.text(st.characters(codec="utf-8") | st.sampled_from(ODD_CHARACTERS), max_size=12)
_identifying = st.sampled_from(["jane.doe@example.com", "password=hunter2 ", "10.1.2.3 "])


def _texts(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return st.datetimes(timezones=st.sampled_from(ZONES)).map(datetime.isoformat)
    if pattern := schema.get("pattern"):
        return st.from_regex(pattern.rstrip("$") + r"\Z").filter(
            lambda text: len(text) <= schema["maxLength"]
        )
    least, most = schema.get("minLength", 0), schema["maxLength"]
    long = st.builds(
        lambda part, length: (part * (length // len(part) + 1))[:length],
        st.sampled_from(ODD_CHARACTERS) | _identifying,
        st.integers(least, most) | st.just(most),
    )
    return (_short_texts | long).filter(lambda text: least <= len(text) <= most)


_keys = st.builds(
    lambda character, length, number: (character * length + str(number))[-63:],
    st.sampled_from("k0._/-"),
    st.integers(0, 62) | st.just(62),
    st.integers(0, 9),
) | st.sampled_from(["signal-type", "environment", "gitops-tool", "priority"])


def _values(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Give values for a structural schema; rules in CEL are the caller's business."""
    kind = schema["type"]
    if kind == "string":
        return _texts(schema)
    if kind == "integer":
        return st.integers(schema["minimum"], schema["maximum"])
    if kind == "number":
        return st.floats(schema["minimum"], schema["maximum"])
    if kind == "object" and (inner := schema.get("additionalProperties")):
        return st.dictionaries(_keys, _values(inner), max_size=schema["maxProperties"])
    assert kind == "object", schema
    properties = {key: _values(value) for key, value in schema["properties"].items()}
    required = {key: properties.pop(key) for key in schema["required"] if key in properties}
    return st.fixed_dictionaries(required, optional=properties)


def _without(schema: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    rest = {k: v for k, v in schema["properties"].items() if k not in keys}
    return {**schema, "properties": rest, "required": [k for k in schema["required"] if k in rest]}


_RESULTS = SPEC_SCHEMA["properties"]["results"]
_workflows = _values(_without(_RESULTS["properties"]["workflows"]["items"], "rank"))


@st.composite
def _results(draw: st.DrawFn) -> dict[str, Any]:
    few = draw(st.lists(_workflows, max_size=3))
    listed = (few * draw(st.sampled_from([1, 1, 1, 4, 34])))[:100]
    ranks = range(1, len(listed) + 1)
    if draw(st.booleans()):
        ranks = reversed(ranks)  # type: ignore[assignment]
    rest = draw(_values(_without(_RESULTS, "workflows", "returned", "totalFound")))
    numbers = {
        "returned": len(listed),
        "totalFound": draw(st.integers(len(listed), 2**31 - 1)),
    }
    workflows = [{**workflow, "rank": rank} for workflow, rank in zip(listed, ranks, strict=True)]
    if not workflows and draw(st.booleans()):
        return rest | numbers
    return rest | numbers | {"workflows": workflows}


def specs() -> st.SearchStrategy[dict[str, Any]]:
    """Every spec that schema and CEL rules allow, sizes up to the greatest."""
    answer = st.fixed_dictionaries({"results": _results()}) | st.fixed_dictionaries(
        {"failure": _values(SPEC_SCHEMA["properties"]["failure"])}
    )
    rest = _values(_without(SPEC_SCHEMA, "results", "failure"))
    return st.builds(dict.__or__, rest, answer)


def greatest_spec(character: str) -> dict[str, Any]:
    """The greatest search that the schema allows, made of one character."""
    keys = [f"{'k' * 61}{number:02}" for number in range(16)]
    labels = dict.fromkeys(keys[:12], character * 63)
    parts = dict.fromkeys(keys[:12], 0.123456789012345)
    scoring = {
        "confidence": 0.123456789012345,
        "baseSimilarity": 0.123456789012345,
        "labelBoost": 9.123456789012345,
        "labelPenalty": 9.123456789012345,
        "boostBreakdown": parts,
        "penaltyBreakdown": parts,
    }
    workflows = [
        {
            "workflowId": character * 128,
            "version": character * 64,
            "title": character * 200,
            "rank": rank,
            "labels": labels,
            "scoring": scoring,
        }
        for rank in range(1, 101)
    ]
    return {
        "correlationId": character * 255,
        "service": character * 255,
        "requestedBy": character * 1024,
        "searchedAt": "2026-11-23T10:31:07.123456Z",
        "query": {
            "text": character * 8192,
            "filters": dict.fromkeys(keys, character * 128),
            "topK": 100,
            "minSimilarity": 0.1,
        },
        "results": {
            "totalFound": 2**31 - 1,
            "returned": 100,
            "durationMs": 2**31 - 1,
            "workflows": workflows,
        },
    }


def offset_time(hours: int) -> str:
    """The instant 2026-11-23T23:30:00Z as clocks elsewhere show it."""
    there = datetime(2026, 11, 23, 23, 30, tzinfo=UTC) + timedelta(hours=hours)
    return there.strftime("%Y-%m-%dT%H:%M:%S") + f"{hours:+03}:00"
