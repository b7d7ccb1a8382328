"""No cell of CSV is a formula, whatever an event says; what is no formula stays as it is."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_audit.cli.event_formats import CSV_COLUMNS, csv_line, csv_text

BEGINNINGS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001
TEXTS = st.text(st.characters(codec="utf-8"))
FORMULAS = st.builds(str.__add__, st.sampled_from(BEGINNINGS), TEXTS)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


def written(value: Any) -> str:
    """Give the cell as a program reads it back."""
    (_, row) = csv.reader(io.StringIO(csv_text(["a", "b"], [{"a": value, "b": "end"}]), newline=""))
    assert row[1:] == ["end"]
    return row[0]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param(
            '=HYPERLINK("https://x.example")', '\'=HYPERLINK("https://x.example")', id="="
        ),
        pytest.param("+1", "'+1", id="plus"),
        pytest.param("-2+3", "'-2+3", id="minus"),
        pytest.param("@SUM(A1)", "'@SUM(A1)", id="at"),
        pytest.param("\t=1", "'\t=1", id="tab"),
        pytest.param("\r=1", "'\r=1", id="carriage-return"),
        pytest.param("a=1", "a=1", id="within"),
        pytest.param("a\r=1", "a\r=1", id="behind-a-carriage-return"),
        pytest.param("'a", "'a", id="apostrophe"),
        pytest.param("", "", id="empty"),
        pytest.param(-0.25, "-0.25", id="number"),
        pytest.param(-3, "-3", id="whole-number"),
        pytest.param("-3", "'-3", id="text-that-looks-like-a-number"),
        pytest.param({"=": "-"}, '{"=":"-"}', id="object"),
        pytest.param(["=1"], '["=1"]', id="list"),
    ],
)
def test_a_cell(value: Any, cell: str) -> None:
    assert written(value) == cell


@given(FORMULAS | TEXTS)
def test_no_text_begins_a_formula(text: str) -> None:
    cell = written(text)
    assert not cell.startswith(tuple(BEGINNINGS))
    assert cell.removeprefix("'") == text.removeprefix("'")


@given(NUMBERS)
def test_numbers_stay_numbers(number: float) -> None:
    assert type(number)(written(number)) == number


@pytest.mark.parametrize("column", CSV_COLUMNS)
def test_no_column_of_events_is_left_out(column: str) -> None:
    event: dict[str, Any] = {"metadata": {"namespace": "n"}, column: "=1+1"}
    if column == "namespace":
        event["metadata"]["namespace"] = "=1+1"
    (row,) = csv.DictReader(io.StringIO(csv_line(event), newline=""), CSV_COLUMNS)
    assert row[column] == "'=1+1"
