"""Statistics of searches, summed up by day."""

from workflow_audit.store.migrations.running import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add them; 0004 goes on writing, and what it writes is counted as well."""
    run_sql("0005_statistics.sql")
