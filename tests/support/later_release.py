"""A release that is still to come: the schema that programs of today meet in an upgrade."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workflow_audit.store import migrating, schema

EXPANDING = """
ALTER TABLE public.audit_events ADD COLUMN later text;
CREATE TABLE public.later_things (event_id uuid PRIMARY KEY);
"""
"""SQL of a revision that takes nothing away, but needs every lock on the events."""

NEXT, AFTER_NEXT = (f"{int(schema.NEEDED_REVISION) + more:04}" for more in (1, 2))

REVISION = """
from workflow_audit.store.migrations.running import _connection, refuse_programs_before

revision = {revision!r}
down_revision = {before!r}


def upgrade() -> None:
    _connection().execute({sql!r})
    if {oldest!r}:
        refuse_programs_before({oldest!r})
"""


@contextmanager
def later_release(*statements: str, oldest_program: str = "") -> Iterator[None]:
    """Be the program of a later release for as long as the block takes; processes are not.

    Args:
        statements: SQL of the revisions after those of today.
        oldest_program: what the last of them says of the programs that work with it.
    """
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        migrations = Path(folder) / "migrations"
        shutil.copytree(str(migrating._MIGRATIONS), migrations)
        revision = schema.NEEDED_REVISION
        for number, sql in enumerate(statements, 1):
            before, revision = revision, f"{int(revision) + 1:04}"
            oldest = oldest_program if number == len(statements) else ""
            text = REVISION.format(revision=revision, before=before, sql=sql, oldest=oldest)
            (migrations / "versions" / f"r{revision}_later.py").write_text(text, encoding="utf-8")
        patched.setattr(migrating, "_MIGRATIONS", migrations)
        patched.setattr(schema, "NEEDED_REVISION", revision)
        yield
