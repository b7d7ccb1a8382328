"""Which schema a version works with, as the decision on versions says."""

import pytest

from workflow_audit.errors import SchemaVersionError
from workflow_audit.store import schema
from workflow_audit.store.schema import FoundSchema, checked, found_schema, is_behind


@pytest.fixture(autouse=True)
def knows_0010(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "NEEDED_REVISION", "0010")


@pytest.mark.parametrize(
    ("revision", "oldest_program", "behind"),
    [
        pytest.param("0009", None, True, id="older-is-to-be-migrated"),
        pytest.param("0010", None, False, id="the-same"),
        pytest.param("0012", None, False, id="newer-that-only-added"),
        pytest.param("0012", "0010", False, id="newer-that-still-bears-us"),
        pytest.param("0010", "0009", False, id="the-same-that-took-away-from-others"),
    ],
)
def test_schemas_that_are_worked_with_or_migrated(
    revision: str, oldest_program: str | None, behind: bool
) -> None:
    assert checked(FoundSchema(revision, oldest_program, table_exists=True)) == revision
    assert is_behind(revision) is behind


def test_a_database_without_schema_is_to_be_migrated() -> None:
    assert checked(found_schema(None, table_exists=False)) is None
    assert is_behind(None)


def test_a_schema_that_has_left_us_behind_is_refused_with_both_versions_and_the_remedy() -> None:
    with pytest.raises(SchemaVersionError) as caught:
        checked(FoundSchema("0013", "0011", table_exists=True))
    assert str(caught.value) == (
        "the database has schema 0013, with which only programs work that know schema 0011, "
        "but this version knows only up to 0010; "
        "run the version of workflow-audit that migrated it, or a later one"
    )


def test_a_table_of_somebody_else_is_refused() -> None:
    with pytest.raises(SchemaVersionError, match="did not make"):
        checked(found_schema(None, table_exists=True))
