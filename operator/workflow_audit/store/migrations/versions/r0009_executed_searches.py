"""The operator finds the events of searches that it ran itself."""

from workflow_audit.store.migrations.running import run_sql

revision = "0009"
down_revision = "0008"
kind = "expand"


def upgrade() -> None:
    """Add a function; what worked with 0008 works on."""
    run_sql("0009_executed_searches.sql")
