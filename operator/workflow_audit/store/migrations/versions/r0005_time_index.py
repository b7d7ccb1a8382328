"""An index for lists that name no field."""

from workflow_audit.store.migrations.running import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Change indexes; 0004 goes on reading and writing with them."""
    run_sql("0005_time_index.sql")
