r"""One expression of a pattern: RE2 syntax, and the check behind it.

RE2 has neither look-around nor arithmetic. So an expression finds a candidate, and its check
looks at it and at its neighbours and says which parts of it must go. What always holds:
- No built-in expression uses `^`, `$`, `\A` or `\z`: one search over all texts of a tree, joined by
  line feeds, finds whatever a search of each text would find.
- A repeated search stays linear: what an expression reads ahead and gives back holds no
  further match, so the next search does not read ahead over it once more. The checks use `re`,
  which is three times as fast to call, on expressions that never try a byte twice.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import re2

from workflow_audit.errors import InvalidFieldError

Span = tuple[int, int]
"""Start and end in bytes."""

Check = Callable[[bytes, int, int, int], Iterator[Span]]
"""From the data, the start of the match and the span of its group: the spans that must go."""

Regex: TypeAlias = Any
"""A compiled expression; re2 comes without types."""

_MAX_PROGRAM = 20_000
"""Most instructions of an own pattern; a counted `.{1000}` has 8,004."""

_ANY_BYTE = re.compile(r"(?:^|[^\\])(?:\\\\)*\\C")

_QUIET = re2.Options()
_QUIET.log_errors = False
_QUIET.max_mem = 2**24
"""Bytes for an expression and its automaton. With re2's 8 MiB, the one that looks for all patterns
at once has no room for its automaton and takes eight times as long: 44 instead of 5 us a search."""


class Expression(NamedTuple):
    """One expression of a pattern; its first group that took part must go, else all of it."""

    regex: str
    check: Check | None = None


def encoded(text: str) -> bytes:
    """Give a text as expressions see it; lone surrogates are bytes like any other."""
    return text.encode("utf-8", "surrogatepass")


def compiled(regex: str) -> Regex:
    """Give an expression ready for use."""
    return re2.compile(encoded(regex), _QUIET)


def compiled_own(regex: str, path: str) -> Regex:
    """Give an expression of a policy ready for use.

    Args:
        regex: it, in RE2 syntax.
        path: where it stands.

    Raises:
        InvalidFieldError: it is none, splits characters or is too large.
    """
    if _ANY_BYTE.search(regex):
        raise InvalidFieldError(
            path,
            regex,
            r"uses \C, which splits characters",
            "write (?s:.) for any character",
        )
    try:
        expression = compiled(regex)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace")
        remedy = "write it in RE2 syntax, which has no look-around and no backreferences"
        raise InvalidFieldError(path, regex, f"is no valid expression: {reason}", remedy) from error
    if expression.programsize > _MAX_PROGRAM:
        rule = f"is too large: {expression.programsize} instructions, at most {_MAX_PROGRAM}"
        raise InvalidFieldError(path, regex, rule, "lower its repetition counts")
    return expression
