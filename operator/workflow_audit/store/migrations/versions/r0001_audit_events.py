"""The table audit_events: columns, guards, indexes, partitions by month, grants."""

from workflow_audit.store.migrations.running import run_sql

revision = "0001"
down_revision = None
kind = "expand"


def upgrade() -> None:
    """Create everything; runs as workflow_audit_owner, so that it owns everything."""
    run_sql("0001_audit_events.sql")
