"""What the API server refuses, with what to do about it."""

from workflow_audit.errors import AuditError, ClusterError, EventNotFoundError
from workflow_audit.models.auditlog import API_SERVICE

READER_ROLE = "workflow-audit-reader"

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, GONE, UNAVAILABLE = 401, 403, 404, 410, 503


def explained(error: ClusterError) -> AuditError:
    """Give the error that readers see: the API server's own words, and the remedy."""
    remedy = _REMEDIES.get(error.status)
    if error.status == NOT_FOUND and error.words:
        return EventNotFoundError(error.words)
    if error.status in {NOT_FOUND, UNAVAILABLE} and not error.words:
        return AuditError(
            f"the API server does not serve audit events ({error.status}): the APIService is not"
            f" installed or not Available; look with `kubectl get apiservice {API_SERVICE}`"
        )
    if remedy is None:
        return error
    return AuditError(f"{error.words or error}\n{remedy}")


_REMEDIES = {
    UNAUTHORIZED: (
        "The API server does not accept these credentials: log in to the cluster again, or choose"
        " others with --context or --kubeconfig; `kubectl auth whoami` tells who you are."
    ),
    FORBIDDEN: (
        "Ask an administrator to name you in spec.access.readers of a policy (AuditPolicy: this"
        " namespace, ClusterAuditPolicy: all), or for a RoleBinding to the ClusterRole"
        f" {READER_ROLE}. Who may read events of one type only, names it with --type."
    ),
    None: "Is the cluster up, and does the kubeconfig lead to it? `kubectl version` tries, too.",
}
