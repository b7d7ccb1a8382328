"""Indexes that count without looking at events."""

from workflow_audit.store.migrations.running import run_sql

revision = "0008"
down_revision = "0007"
kind = "expand"
harmless = {
    "DROP INDEX public.audit_events_time_idx": "this and the next two have been made anew",
    "RENAME TO audit_events_time_idx": "the new one takes its place",
    "RENAME TO audit_events_type_idx": "the new one takes its place",
    "RENAME TO audit_events_top_workflow_idx": "the new one takes its place",
}


def upgrade() -> None:
    """Exchange them; what worked with 0007 works on."""
    run_sql("0008_counting.sql")
