"""Indexes that count without looking at events."""

from workflow_audit.store.migrations.running import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Exchange them; what worked with 0007 works on."""
    run_sql("0008_counting.sql")
