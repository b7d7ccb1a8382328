"""Named SQL blocks, and that the SQL and the Python say the same."""

import re
from dataclasses import fields

import pytest

from workflow_audit.models.event import AuditEvent
from workflow_audit.store.rows import COLUMNS
from workflow_audit.store.sql import QUERIES, RETENTION, named_blocks


def test_blocks_are_found_by_name_and_lose_their_comments() -> None:
    text = (
        "-- a file\n\n-- name: one\n-- Takes %(nothing)s.\nSELECT 1\n  -- not this\n;\n"
        "-- name: two\nSELECT '--';\n"
    )
    assert named_blocks(text) == {"one": b"SELECT 1\n;", "two": b"SELECT '--';"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(
            "-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;", "a stands there twice", id="twice"
        ),
        pytest.param("-- name: a\n-- nothing\n", "a is empty", id="empty"),
        pytest.param("SELECT 1;\n-- name: a\nSELECT 2;", "before the first name", id="nameless"),
    ],
)
def test_a_file_that_is_wrong_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        named_blocks(text)


def test_insert_events_names_the_columns_that_we_write_in_their_order() -> None:
    statement = QUERIES["insert_events"].decode()
    inserted = re.findall(r"\w+", statement.partition("(")[2].partition(")")[0])
    bound = re.findall(r"%\((\w+)\)b::(\w+)\[\]", statement)
    assert inserted == list(COLUMNS)
    assert bound == [(name, array.element) for name, array in COLUMNS.items()]
    assert set(COLUMNS) == {field.name for field in fields(AuditEvent)}


def test_every_statement_is_short_enough_for_the_drivers_cache() -> None:
    statements = [*QUERIES.values(), *RETENTION.values()]
    assert all(len(statement) <= 4096 for statement in statements)
