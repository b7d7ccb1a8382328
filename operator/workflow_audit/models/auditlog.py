"""The resources by which audit events, and statistics of them, are read, and who serves them."""

from dataclasses import dataclass

from workflow_audit.models.resource import Resource

GROUP = "auditlog.kubernaut.ai"
VERSION = "v1alpha1"

AUDIT_EVENT = Resource(GROUP, VERSION, "auditevents", "AuditEvent")

AUDIT_STATISTIC = Resource(GROUP, VERSION, "auditstatistics", "AuditStatistic")


@dataclass(frozen=True)
class Served:
    """What discovery says of a resource."""

    resource: Resource
    singular: str
    short_name: str
    verbs: tuple[str, ...]
    categories: tuple[str, ...] = ()


SERVED = (
    Served(AUDIT_EVENT, "auditevent", "aev", ("get", "list", "watch"), ("workflow-audit",)),
    # In no category: `kubectl get workflow-audit` shall show events, and not count all of them.
    Served(AUDIT_STATISTIC, "auditstatistic", "astat", ("get", "list")),
)

API_SERVICE = f"{VERSION}.{GROUP}"
"""Name of the APIService, by which the API server knows who answers."""

SERVICE = "workflow-audit-apiserver"
"""Service of the server of readers, and its service account; the chart has the same."""

TLS_SECRET = f"{SERVICE}-tls"
"""Secret with its certificate."""
