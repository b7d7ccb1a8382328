"""Retention: what was counted for dryRun has lines of its own in the trace."""

from workflow_audit.store.migrations.running import run_sql

revision = "0003"
down_revision = "0002"
kind = "expand"
harmless = {
    "DROP CONSTRAINT retention_operations_operation_check": "a wider one takes its place",
}


def upgrade() -> None:
    """Add it; the constraint is only widened, so that 0002 goes on writing."""
    run_sql("0003_previews.sql")
