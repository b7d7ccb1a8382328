"""The resource by which audit events are read, and the server that gives it."""

from workflow_audit.models.resource import Resource

GROUP = "auditlog.kubernaut.ai"
VERSION = "v1alpha1"

AUDIT_EVENT = Resource(GROUP, VERSION, "auditevents", "AuditEvent")

API_SERVICE = f"{VERSION}.{GROUP}"
"""Name of the APIService, by which the API server knows who answers."""

SERVICE = "workflow-audit-apiserver"
"""Service of the server of readers, and its service account; manifests/apiserver has the same."""

TLS_SECRET = f"{SERVICE}-tls"
"""Secret with its certificate."""

SINGULAR = "auditevent"
SHORT_NAMES = ("aev",)
CATEGORIES = ("workflow-audit",)
