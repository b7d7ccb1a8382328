"""A revision that says it only adds takes nothing away from programs of the version before.

It says so by `kind = "expand"`; what looks as if it took something away and does not is explained
in its `harmless`, by the words of the statement. `kind = "contract"` is for a release later, and
tells the database which programs it leaves behind.
"""

import re
from importlib.resources import files
from types import ModuleType

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

MIGRATIONS = files("workflow_audit.store.migrations")

TAKES_AWAY = re.compile(
    r"""
      \bDROP\b[^;,]*                   # tables, columns, constraints, defaults, functions, indexes
    | \bRENAME\s+(?:COLUMN\s+\w+\s+)?TO\s+\w+
    | \bALTER\s+(?:COLUMN\s+)?\w+\s+(?:SET\s+DATA\s+)?TYPE\b
    | \bSET\s+NOT\s+NULL\b
    | \bREVOKE\b(?!.*\bFROM\s+PUBLIC\b)[^;]*                  # PUBLIC never had any rights here
    | \bADD\s+COLUMN\b[^,;]*\bNOT\s+NULL\b(?![^,;]*\bDEFAULT\b)
    | \bSET\s+SCHEMA\b
    """,
    re.VERBOSE | re.IGNORECASE,
)

INDEX = re.compile(r"\bCREATE (?:UNIQUE )?INDEX \w+ ON (?P<only>ONLY )?(?P<table>[\w.]+)")

BUILT_IN_ONE_GO = {"0004", "0005", "0008"}
"""Revisions before the first release, which no table with many rows has met."""


def revisions() -> list[ModuleType]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    walked = ScriptDirectory.from_config(config).walk_revisions()
    return [script.module for script in walked][::-1]


def statements(revision: str) -> str:
    """Give the SQL of a revision without comments and without the bodies of its functions."""
    (file,) = (
        path for path in MIGRATIONS.joinpath("sql").iterdir() if path.name.startswith(revision)
    )
    text = re.sub(r"--[^\n]*", "", file.read_text(encoding="utf-8"))
    text = re.sub(r"(\$\w*\$).*?\1", "", text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", text)


def taken_away(text: str) -> set[str]:
    return {" ".join(found.group().split()) for found in TAKES_AWAY.finditer(text)}


def built_in_one_go(text: str) -> list[str]:
    """Give the tables with rows that nobody can write to until their new index is built."""
    return [
        found["table"]
        for found in INDEX.finditer(text)
        if not found["only"] and f"CREATE TABLE {found['table']}" not in text
    ]


@pytest.mark.parametrize("module", revisions(), ids=lambda module: module.revision)
def test_a_revision_says_what_it_is_and_keeps_to_it(module: ModuleType) -> None:
    assert module.kind in {"expand", "contract"}
    found = taken_away(statements(module.revision))
    if module.kind == "expand":
        harmless: dict[str, str] = getattr(module, "harmless", {})
        assert found == set(harmless), "explain it in `harmless`, or do it a release later"
        assert all(harmless.values())
    else:
        assert "refuse_programs_before" in module.upgrade.__code__.co_names


@pytest.mark.parametrize("module", revisions(), ids=lambda module: module.revision)
def test_a_revision_builds_no_index_in_one_go(module: ModuleType) -> None:
    if module.revision not in BUILT_IN_ONE_GO:
        assert built_in_one_go(statements(module.revision)) == [], "see decision 26"


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("ALTER TABLE t DROP COLUMN c;", id="column"),
        pytest.param("ALTER TABLE t ALTER COLUMN c DROP DEFAULT;", id="default"),
        pytest.param("ALTER TABLE t DROP CONSTRAINT c;", id="constraint"),
        pytest.param("DROP TABLE public.t;", id="table"),
        pytest.param("DROP FUNCTION public.f(date);", id="function"),
        pytest.param("DROP INDEX public.i;", id="index"),
        pytest.param("ALTER TABLE t ALTER c TYPE bigint;", id="type"),
        pytest.param("ALTER TABLE t ALTER COLUMN c SET DATA TYPE bigint;", id="data-type"),
        pytest.param("ALTER TABLE t RENAME COLUMN c TO d;", id="column-renamed"),
        pytest.param("ALTER INDEX t RENAME TO u;", id="renamed"),
        pytest.param("ALTER TABLE t ALTER c SET NOT NULL;", id="not-null"),
        pytest.param("ALTER TABLE t ADD COLUMN c text NOT NULL;", id="new-and-not-null"),
        pytest.param("REVOKE SELECT ON t FROM workflow_audit_reader;", id="right"),
        pytest.param("ALTER TABLE t SET SCHEMA other;", id="schema"),
    ],
)
def test_what_takes_something_away_is_found(statement: str) -> None:
    assert taken_away(statement)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("ALTER TABLE t ADD COLUMN c text;", id="column"),
        pytest.param("ALTER TABLE t ADD COLUMN c text NOT NULL DEFAULT '';", id="with-a-default"),
        pytest.param("REVOKE ALL ON FUNCTION f() FROM PUBLIC;", id="public"),
        pytest.param("CREATE TABLE t (c text NOT NULL);", id="table"),
    ],
)
def test_what_only_adds_is_let_through(statement: str) -> None:
    assert taken_away(statement) == set()


def test_an_index_built_in_one_go_is_found() -> None:
    new = "CREATE TABLE public.t (c text); "
    assert built_in_one_go("CREATE INDEX i ON public.t (c);") == ["public.t"]
    assert built_in_one_go(new + "CREATE UNIQUE INDEX i ON public.t (c);") == []
    assert built_in_one_go("CREATE INDEX i ON ONLY public.t (c);") == []
