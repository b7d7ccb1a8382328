"""Audits the searches of an agent: `docs/how-to/library.md` in one page.

audit = AuditClient.from_env()
with audit.search(correlation_id="rr-2026-001", query="OOMKilled critical") as search:
    search.response = catalogue.search(...)
"""

from workflow_audit.client.auditing import AuditedSearch
from workflow_audit.client.counts import ClientStats, OnMetric
from workflow_audit.client.library import AuditClient
from workflow_audit.client.settings import ClientSettings

__all__ = ["AuditClient", "AuditedSearch", "ClientSettings", "ClientStats", "OnMetric"]
