"""Sums of all namespaces together."""

from workflow_audit.store.migrations.running import run_sql

revision = "0007"
down_revision = "0006"
kind = "expand"


def upgrade() -> None:
    """Add them; 0006 goes on writing, and its sums are made by the functions of this one."""
    run_sql("0007_statistics_everywhere.sql")
