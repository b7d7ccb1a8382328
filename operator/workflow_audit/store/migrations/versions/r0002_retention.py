"""Retention: its trace, legal holds, and the functions that alone may remove events."""

from workflow_audit.store.migrations.running import run_sql

revision = "0002"
down_revision = "0001"
kind = "expand"


def upgrade() -> None:
    """Add everything; runs as workflow_audit_owner, so that it owns everything."""
    run_sql("0002_retention.sql")
