"""A column is written byte for byte as psycopg's own, slower dumper of lists writes it."""

import struct
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import adapters
from psycopg.pq import Format
from psycopg.types.array import ListBinaryDumper

from workflow_audit.store.arrays import (
    _DUMPERS,
    _OWN_DUMPERS,
    Array,
    BooleanArray,
    DateArray,
    FloatArray,
    IntegerArray,
    JsonbArray,
    TextArray,
    TimeArray,
    UuidArray,
)

VALUES: dict[type[Array], st.SearchStrategy[Any]] = {
    TextArray: st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    UuidArray: st.uuids(),
    DateArray: st.dates(),
    TimeArray: st.datetimes(timezones=st.just(UTC)),
    IntegerArray: st.integers(-(2**31), 2**31 - 1),
    FloatArray: st.floats(allow_nan=False),
    BooleanArray: st.booleans(),
    JsonbArray: st.binary(),
}
COLUMNS = st.sampled_from(list(VALUES)).flatmap(
    lambda array: st.lists(st.none() | VALUES[array], min_size=1).map(array)
)


def psycopgs_own(column: Array) -> bytes:
    element = adapters.types[column.element]

    class Reference(ListBinaryDumper):
        oid = element.array_oid

    own = _OWN_DUMPERS.get(type(column))
    of_element = own or adapters.get_dumper_by_oid(element.oid, Format.BINARY)
    reference = Reference(list)
    reference.sub_dumper = of_element(list)
    return bytes(reference.dump(list(column)) or b"")


def test_every_kind_of_column_is_tried() -> None:
    assert VALUES.keys() == set(Array.__subclasses__()) == _DUMPERS.keys()


@given(COLUMNS)
def test_a_column_is_written_as_psycopg_does(column: Array) -> None:
    assert _DUMPERS[type(column)](Array).dump(column) == psycopgs_own(column)


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(TextArray(["a"] * 3), id="one-value"),
        pytest.param(TextArray([None, None]), id="nulls-only"),
        pytest.param(TextArray(["", None, "ä"]), id="empty-text"),
        pytest.param(UuidArray([UUID(int=1), UUID(int=1), UUID(int=2)]), id="ids"),
        pytest.param(DateArray([date(2026, 11, 27)]), id="a-day"),
        pytest.param(TimeArray([datetime(2026, 11, 27, 1, 2, 3, 4, UTC)]), id="a-time"),
        pytest.param(BooleanArray([True, False, None]), id="booleans"),
        pytest.param(JsonbArray([b"{}", b"[]"]), id="json"),
    ],
)
def test_columns(column: Array) -> None:
    assert _DUMPERS[type(column)](Array).dump(column) == psycopgs_own(column)


def test_the_sign_of_zero_stays() -> None:
    column = FloatArray([0.0, -0.0])
    assert _DUMPERS[FloatArray](Array).dump(column) == psycopgs_own(column)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(struct.error):
        _DUMPERS[IntegerArray](Array).dump(IntegerArray([2**31]))
