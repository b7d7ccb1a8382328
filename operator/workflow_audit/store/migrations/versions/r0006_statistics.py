"""Statistics of searches, summed up by day."""

from workflow_audit.store.migrations.running import run_sql

revision = "0006"
down_revision = "0005"
kind = "expand"


def upgrade() -> None:
    """Add them; 0005 goes on writing, and what it writes is counted as well."""
    run_sql("0006_statistics.sql")
