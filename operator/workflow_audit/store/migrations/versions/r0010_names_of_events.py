"""The writer tells events apart by their resource's name too."""

from workflow_audit.store.migrations.running import run_sql

revision = "0010"
down_revision = "0009"
kind = "expand"


def upgrade() -> None:
    """Add a right; what worked with 0009 works on."""
    run_sql("0010_names_of_events.sql")
