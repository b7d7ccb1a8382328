"""An index for lists that name no field."""

from workflow_audit.store.migrations.running import run_sql

revision = "0005"
down_revision = "0004"
kind = "expand"
harmless = {
    "DROP INDEX public.audit_events_time_brin": "the new one finds what it found",
    "DROP INDEX public.audit_events_type_idx": "made anew in the same transaction",
}


def upgrade() -> None:
    """Change indexes; 0004 goes on reading and writing with them."""
    run_sql("0005_time_index.sql")
