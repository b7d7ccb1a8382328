"""The gate knows exactly the revisions that are shipped."""

from importlib.resources import files

from alembic.config import Config
from alembic.script import ScriptDirectory

from workflow_audit.store.schema import KNOWN_REVISIONS, NEEDED_REVISION


def test_the_gate_knows_the_revisions_of_alembic() -> None:
    config = Config()
    config.set_main_option("script_location", str(files("workflow_audit.store.migrations")))
    script = ScriptDirectory.from_config(config)
    shipped = [revision.revision for revision in script.walk_revisions()][::-1]
    assert tuple(shipped) == KNOWN_REVISIONS
    assert script.get_current_head() == NEEDED_REVISION


def test_every_revision_has_its_sql_file() -> None:
    folder = files("workflow_audit.store.migrations").joinpath("sql")
    numbers = sorted(path.name[:4] for path in folder.iterdir() if path.name[0].isdigit())
    assert tuple(numbers) == KNOWN_REVISIONS
