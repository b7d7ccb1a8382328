"""JSON of anybody is read as the API server reads it, within bounds."""

from typing import Any

import pytest

from workflow_audit.domain.json_text import BRANCHES, json_value
from workflow_audit.errors import InvalidFieldError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rb'"\ud83d\ude80"', "\U0001f680"),
        (rb'"a\ud800b"', "a\ufffdb"),
        (rb'"\udc00\ud800"', "\ufffd\ufffd"),
        (rb'"\ud800\ud83d\ude80"', "\ufffd\U0001f680"),
        (rb'"\\ud800\ud800"', "\\ud800\ufffd"),
        (rb'"\\\ud800"', "\\\ufffd"),
        (rb'{"\uDFFF": "\u0000"}', {"\ufffd": "\x00"}),
    ],
)
def test_half_of_a_pair_is_replaced(text: bytes, value: Any) -> None:
    assert json_value(text) == value


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff", b'"\xed\xa0\x80"', b"NaN", b"[1,]", b"{}{}", b"[" * 5000, rb'"\ud800'],
    ids=repr,
)
def test_what_is_no_json_is_refused_with_its_beginning(text: bytes) -> None:
    with pytest.raises(InvalidFieldError, match=r"^body: .* is no JSON: .*; send one JSON value"):
        json_value(text)


def test_it_has_no_more_objects_and_lists_than_its_size_allows() -> None:
    few = b"[" + b"{}," * (BRANCHES - 2) + b"1]"
    assert len(json_value(few)) == BRANCHES - 1  # type: ignore[arg-type]
    many = b"[" + b"{}," * BRANCHES + b"1]"
    with pytest.raises(InvalidFieldError, match="objects and lists; send fewer events at a time"):
        json_value(many)
    spread = b"[" + b'{},"........",' * BRANCHES + b"1]"
    assert len(json_value(spread)) == 2 * BRANCHES + 1  # type: ignore[arg-type]
