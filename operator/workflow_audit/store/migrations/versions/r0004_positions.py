"""The order of recording, for watches."""

from workflow_audit.store.migrations.running import run_sql

revision = "0004"
down_revision = "0003"
kind = "expand"


def upgrade() -> None:
    """Add it; 0003 goes on writing, as positions come from a default."""
    run_sql("0004_positions.sql")
