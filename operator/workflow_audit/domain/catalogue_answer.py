"""What the catalogue answered -> results, whichever of its two shapes the answer has.

The first shape nests what a workflow is and writes snake_case; the later one is flat and writes
camelCase (kubernaut Data Storage). What is too long for the resource's schema is cut to fit: the
search itself went well. What contradicts itself is refused, and recorded as a failure.
"""

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from workflow_audit.domain.characters import KEY_CHARACTERS
from workflow_audit.domain.free_text import as_json
from workflow_audit.domain.limits import OMISSION
from workflow_audit.domain.parsing import refused_field
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.base import Fraction, ScorePart
from workflow_audit.models.scoring import MAX_BREAKDOWN_LABELS, Scoring
from workflow_audit.models.search import MAX_LABELS, MAX_WORKFLOWS, FoundWorkflow, Results

ROOT = "answer"
"""Where paths of messages begin."""

ROUNDING = 1e-6
"""So far beyond its bound a score is a matter of rounding."""

VALUE_CHARACTERS = 63
TITLE_CHARACTERS = 200
VERSION_CHARACTERS = 64

_NO_KEY = re.compile(r"[^A-Za-z0-9._/-]")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        nearest = min(max(value, 0.0), 1.0)
        return nearest if abs(value - nearest) <= ROUNDING else value
    return value


def _cut(longest: int) -> BeforeValidator:
    return BeforeValidator(lambda value: shortened("" if value is None else value, longest))


def _flat(entry: Any) -> Any:
    """Give an entry of either shape with all fields beside each other."""
    if isinstance(entry, Mapping) and isinstance(entry.get("workflow"), Mapping):
        return {**entry["workflow"], **entry}
    return entry


Score = Annotated[Fraction, BeforeValidator(_rounded)]


def _named(name: str, *others: str) -> AliasChoices:
    return AliasChoices(name, *others, to_camel(name))


class _Given(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Entry(_Given):
    """A workflow of the answer."""

    workflow: dict[str, Any] | None = None
    """Of the first shape; its fields are read as if they stood beside it."""

    workflow_id: str = Field(min_length=1, max_length=128, validation_alias=_named("workflow_id"))
    version: Annotated[str, _cut(VERSION_CHARACTERS)] = ""
    title: Annotated[str, _cut(TITLE_CHARACTERS)] = ""
    labels: dict[str, Any] | None = None
    rank: int | None = None
    final_score: Score = Field(
        validation_alias=AliasChoices("final_score", "finalScore", "confidence")
    )
    base_similarity: Score | None = Field(None, validation_alias=_named("base_similarity"))
    label_boost: ScorePart | None = Field(None, validation_alias=_named("label_boost"))
    label_penalty: ScorePart | None = Field(None, validation_alias=_named("label_penalty"))
    boost_breakdown: dict[str, ScorePart] | None = Field(
        None, validation_alias=_named("boost_breakdown"), max_length=MAX_BREAKDOWN_LABELS
    )
    penalty_breakdown: dict[str, ScorePart] | None = Field(
        None, validation_alias=_named("penalty_breakdown"), max_length=MAX_BREAKDOWN_LABELS
    )


class _Answer(_Given):
    """All of it."""

    workflows: list[Annotated[_Entry, BeforeValidator(_flat)]] | None = Field(
        max_length=MAX_WORKFLOWS
    )
    total_results: int | None = Field(
        None, ge=0, le=2**31 - 1, validation_alias=_named("total_results")
    )


def catalogue_results(
    answer: Any, *, duration_ms: int | None, filters: Collection[str] = ()
) -> Results:
    """Give the results that an answer tells of.

    Args:
        answer: JSON value of either shape.
        duration_ms: how long the catalogue took, in whole milliseconds.
        filters: keys of the labels that were asked for; of too many labels these are kept.

    Raises:
        InvalidFieldError: it is no answer, or contradicts itself; the path begins with `answer`.
    """
    if not isinstance(answer, Mapping):
        raise InvalidFieldError(ROOT, answer, "is no JSON object", "look at the catalogue's answer")
    try:
        given = _Answer.model_validate(answer)
    except ValidationError as error:
        raise refused_field(ROOT, error) from None
    entries = given.workflows or []
    ranks = [number if e.rank is None else e.rank for number, e in enumerate(entries, start=1)]
    if sorted(ranks) != list(range(1, len(ranks) + 1)):
        rule = "are no ranks from 1 without gaps"
        raise InvalidFieldError(f"{ROOT}.workflows", ranks, rule, "look at the catalogue's answer")
    total = len(entries) if given.total_results is None else given.total_results
    if total < len(entries):
        rule = f"is less than the {len(entries)} workflows listed"
        raise InvalidFieldError(
            f"{ROOT}.total_results", total, rule, "look at the catalogue's answer"
        )
    return Results(
        total_found=total,
        returned=len(entries),
        duration_ms=duration_ms,
        workflows=[_found(e, rank, filters) for e, rank in zip(entries, ranks, strict=True)],
    )


def _found(entry: _Entry, rank: int, filters: Collection[str]) -> FoundWorkflow:
    return FoundWorkflow(
        workflow_id=entry.workflow_id,
        version=entry.version,
        title=entry.title,
        rank=rank,
        labels=label_texts(
            entry.labels or {}, most=MAX_LABELS, longest=VALUE_CHARACTERS, first=filters
        ),
        scoring=Scoring(
            confidence=entry.final_score,
            base_similarity=entry.base_similarity,
            label_boost=entry.label_boost,
            label_penalty=entry.label_penalty,
            boost_breakdown=_by_key(entry.boost_breakdown),
            penalty_breakdown=_by_key(entry.penalty_breakdown),
        ),
    )


def _by_key(breakdown: Mapping[str, float] | None) -> dict[str, float] | None:
    return None if breakdown is None else {_key(key): part for key, part in breakdown.items()}


def label_texts(
    raw: Mapping[str, Any], *, most: int, longest: int, first: Collection[str] = ()
) -> dict[str, str]:
    """Give labels as texts that the resource's schema takes.

    Args:
        raw: values of any kind; a list becomes its elements with commas, null is left out.
        most: labels that are kept.
        longest: characters of a value.
        first: keys that are kept before others.
    """
    keys = sorted(raw, key=lambda key: key not in first)
    texts = {_key(key): shortened(_text(raw[key]), longest) for key in keys if raw[key] is not None}
    return dict(list(texts.items())[:most])


def _key(key: str) -> str:
    return _NO_KEY.sub("_", key)[:KEY_CHARACTERS] or "_"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return as_json(value)


def shortened(value: Any, longest: int) -> Any:
    """Give a text that is no longer, with a sign where it was cut; any other value as it is."""
    if isinstance(value, str) and len(value) > longest:
        return value[: longest - len(OMISSION)] + OMISSION
    return value
