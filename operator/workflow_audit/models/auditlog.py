"""The resource by which audit events are read."""

from workflow_audit.models.resource import Resource

GROUP = "auditlog.kubernaut.ai"
VERSION = "v1alpha1"

AUDIT_EVENT = Resource(GROUP, VERSION, "auditevents", "AuditEvent")

SINGULAR = "auditevent"
SHORT_NAMES = ("aev",)
CATEGORIES = ("workflow-audit",)
