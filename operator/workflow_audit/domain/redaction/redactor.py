r"""Replaces personal data and secrets before anything is stored, logged or shown.

What always holds, and what the tests check:
- Of a match no fragment stays: matches that overlap are replaced as one.
- It settles: redacting once more changes nothing, because searching goes on until nothing is
  found, and what was replaced is a wall that no expression can see into or across.
- Time is linear in the text, whatever text and expressions are.

A wall is made of bytes that never occur in UTF-8, of the length of what it covers, so that
positions stay. A marker that an earlier run has left is a wall as well, if it is unmistakable:
in brackets of its own and at least six characters long, such as `[redacted:email]`. With any
other replacement (empty, `x`, `***`, `{name}`) the text around it and it may together look like
a secret to the next run, so there settling is not promised. To take such a common text for a
wall would be worse: a password that contains it would only be replaced in part.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from pydantic import JsonValue

from workflow_audit.domain.characters import rebuilt, texts
from workflow_audit.domain.redaction.credentials import SECRET_KEYS, is_placeholder
from workflow_audit.domain.redaction.expressions import (
    Check,
    Regex,
    Span,
    compiled,
    compiled_own,
    encoded,
)
from workflow_audit.domain.redaction.patterns import BEFORE_EMAIL, BUILTIN
from workflow_audit.models.policy import BuiltinPattern, Redaction

_WALL = b"\xff"
_ROUNDS = 4
"""Searches until a text has to have settled; one is usual, and then a look that finds nothing."""

_MAX_SEARCHED_BYTES = 2**27
"""Most bytes that the matches of one own pattern may cost in one text, about a tenth of a second.

`a.*b|a` reads to the end of the text for each of its matches, which is quadratic."""

_MAX_REREAD_BYTES = 2**23
"""Most bytes that a built-in expression may read again in one text, as in `://a:1/` without end."""

_PATTERNS = "spec.redaction.patterns"

_TEXT_EDGE = re.compile(r"\\[Az]|\(\?[a-zA-Z]*-")
_UNMISTAKABLE = re.compile(r"\[[^\[\]]{4,}\]|<[^<>]{4,}>|\([^()]{4,}\)|\{[^{}]{4,}\}|«[^«»]{4,}»")


@dataclass(frozen=True)
class Redacted:
    """A text without what had to go."""

    text: str
    counts: Mapping[str, int] = field(default_factory=dict)
    """Replacements by pattern name, only those > 0."""


class _Search(NamedTuple):
    marker: int
    regex: Regex
    check: Check | None


class _Match(NamedTuple):
    start: int
    end: int
    marker: int


class Redactor:
    """One policy's rules, compiled; build it once and use it for every search.

    Two of the same rules are equal and have the same hash.
    """

    def __init__(self, rules: Redaction) -> None:
        self._rules = rules
        builtin = [name for name in BUILTIN if name in rules.builtin] if rules.enabled else []
        own = rules.patterns if rules.enabled else ()
        self._names: list[str] = [*map(str, builtin), *(pattern.name for pattern in own)]
        markers = [rules.replacement.replace("{name}", name) for name in self._names]
        self._markers = [encoded(marker) for marker in markers]
        self._walls = {encoded(marker) for marker in markers if _UNMISTAKABLE.fullmatch(marker)}
        self._builtin = [
            (marker, [_Search(marker, compiled(regex), check) for regex, check in BUILTIN[name]])
            for marker, name in enumerate(builtin)
        ]
        self._own = [
            _Search(marker, compiled_own(pattern.regex, f"{_PATTERNS}[{index}].regex"), None)
            for index, (marker, pattern) in enumerate(enumerate(own, len(builtin)))
        ]
        self._keys = [
            (marker, compiled(SECRET_KEYS[name]))
            for marker, name in enumerate(builtin)
            if name in SECRET_KEYS
        ]
        self._suspicions = [*_first_look(builtin), *(compiled(f"(?m){p.regex}") for p in own)]
        # Such an expression could find in one text what it does not find in joined ones.
        self._joinable = not any(_TEXT_EDGE.search(pattern.regex) for pattern in own)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Redactor) and self._rules == other._rules

    def __hash__(self) -> int:
        return hash(self._rules)

    def redact(self, text: str) -> Redacted:
        """Give the text with a marker for each match; without one, the same object."""
        data = encoded(text)
        matches = self._found(data)
        return self._replaced(data, matches) if matches else Redacted(text)

    def redact_tree(self, value: JsonValue) -> tuple[JsonValue, Counter[str]]:
        """Redact every text and every key of a tree, which itself stays as it is.

        The text under a key such as `password` goes as a whole. Without any match, the tree
        comes back as the same object.
        """
        counts: Counter[str] = Counter()
        if not isinstance(value, list):
            return self._redacted_branch(value, counts), counts
        if self.finds_nothing(texts(value)):
            return value, counts
        branches = [self._redacted_branch(branch, counts) for branch in value]
        return (branches if counts else value), counts

    def _redacted_branch(self, value: JsonValue, counts: Counter[str]) -> JsonValue:
        if self.finds_nothing(texts(value)):
            return value
        before = counts.total()

        def redacted(text: str) -> str:
            result = self.redact(text)
            counts.update(result.counts)
            return result.text

        def entry(key: str | None, text: str) -> str:
            result = self._under_key(key, text) if key else None
            if result is None:
                return redacted(text)
            counts.update(result.counts)
            return result.text

        tree = rebuilt(value, of_key=redacted, of_text=entry)
        return tree if counts.total() > before else value

    def finds_nothing(self, among: Iterable[str]) -> bool:
        """Tell, by one look, that surely none of some texts holds anything that has to go."""
        if not self._names:
            return True
        return self._joinable and not self._suspects(encoded("\n".join(among)))

    def _suspects(self, data: bytes) -> bool:
        return any(look.search(data) for look in self._suspicions)

    def _under_key(self, key: str, text: str) -> Redacted | None:
        data = encoded(text)
        if not data or data in self._walls or is_placeholder(data):
            return None
        for marker, keys in self._keys:
            if keys.fullmatch(encoded(key)):
                return self._replaced(data, [_Match(0, len(data), marker)])
        return None

    def _replaced(self, data: bytes, matches: list[_Match]) -> Redacted:
        counts: Counter[str] = Counter()
        parts: list[bytes] = []
        last = 0
        for match in matches:
            parts += data[last : match.start], self._markers[match.marker]
            last = match.end
            counts[self._names[match.marker]] += 1
        text = b"".join([*parts, data[last:]]).decode("utf-8", "surrogatepass")
        return Redacted(text, dict(counts))

    def _found(self, data: bytes) -> list[_Match]:
        for wall in self._walls:
            data = data.replace(wall, _WALL * len(wall))
        found: list[_Match] = []
        for left in reversed(range(_ROUNDS)):
            matches = self._round(data) if self._suspects(data) else []
            if not matches:
                break
            if not left:
                matches = _widened(data, matches)
            found += matches
            data = _covered(data, matches)
        return _merged(found)

    def _round(self, data: bytes) -> list[_Match]:
        found = [match for search in self._own for match in _own_matches(search, data)]
        credentials: list[_Match] = []
        for marker, searches in self._builtin:
            name = self._names[marker]
            # In amqp://user:secret@host.example only the secret must go.
            seen = _covered(data, credentials) if name == BuiltinPattern.EMAIL else data
            matches = [
                _Match(*span, marker) for search in searches for span in _spans(search, seen)
            ]
            if name in BEFORE_EMAIL:
                credentials += matches
            found += matches
        return found


def _covered(data: bytes, matches: list[_Match]) -> bytes:
    if not matches:
        return data
    mask = bytearray(data)
    for start, end, _ in matches:
        mask[start:end] = _WALL * (end - start)
    return bytes(mask)


def _first_look(builtin: list[BuiltinPattern]) -> Iterator[Regex]:
    """Give one expression that finds something wherever any of the built-in ones does."""
    every = [expression.regex for name in builtin for expression in BUILTIN[name]]
    every += [rf"(?m:^(?:{SECRET_KEYS[name]})$)" for name in builtin if name in SECRET_KEYS]
    if every:
        yield compiled("|".join(f"(?:{regex})" for regex in every))


def _spans(search: _Search, data: bytes) -> Iterator[Span]:
    """Give what must go; the search goes on behind it, or inside of what the check let pass."""
    budget = _MAX_REREAD_BYTES
    position = 0
    while match := search.regex.search(data, position):
        start, end = match.span(match.lastindex or 0)
        spans = (
            list(search.check(data, match.start(), start, end)) if search.check else [(start, end)]
        )
        yield from spans
        stop = match.end() if start == match.start() else start
        position = spans[-1][1] if spans else stop
        budget -= max(0, match.end() - position)
        if budget < 0:
            yield position, len(data)
            return


def _own_matches(search: _Search, data: bytes) -> Iterator[_Match]:
    """Give what an own pattern matches; past the budget, one match takes the rest of the text."""
    budget = _MAX_SEARCHED_BYTES
    for match in search.regex.finditer(data):
        start, end = match.span()
        budget -= len(data) - start
        if budget < 0:
            yield _Match(start, len(data), search.marker)
            return
        if start < end:
            yield _Match(start, end, search.marker)


def _widened(data: bytes, matches: list[_Match]) -> list[_Match]:
    """Give matches from wall to wall: what is then left was searched and held none."""
    wide: list[_Match] = []
    for match in sorted(matches):
        if wide and match.start < wide[-1].end:
            continue
        start = data.rfind(_WALL, 0, match.start) + 1
        end = data.find(_WALL, match.end)
        wide.append(_Match(start, len(data) if end < 0 else end, match.marker))
    return wide


def _merged(matches: list[_Match]) -> list[_Match]:
    """Give matches without overlaps, in order; the widest one names what they cover together."""
    merged: list[_Match] = []
    widest = 0
    for match in sorted(matches):
        width = match.end - match.start
        if merged and match.start < merged[-1].end:
            start, end, marker = merged[-1]
            marker = match.marker if width > widest else marker
            merged[-1] = _Match(start, max(end, match.end), marker)
            widest = max(width, widest)
        else:
            merged.append(match)
            widest = width
    return merged


@lru_cache(maxsize=512)
def redactor(rules: Redaction) -> Redactor:
    """Give the redactor of some rules; policies with the same rules share it.

    Raises:
        InvalidFieldError: an own expression is not valid.
    """
    return Redactor(rules)
