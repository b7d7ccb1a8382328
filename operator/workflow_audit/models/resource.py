"""Where the API server keeps the objects of a kind."""

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Resource:
    """A resource of the Kubernetes API."""

    group: str
    """Empty for the core group."""

    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """Give `apiVersion` as manifests write it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(
        self, namespace: str | None = None, name: str | None = None, part: str | None = None
    ) -> str:
        """Give the path of all objects, of a namespace's, of one, or of a part of one."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        within = f"/namespaces/{quote(namespace)}" if namespace else ""
        tail = "".join(f"/{quote(piece)}" for piece in (name, part) if piece)
        return f"{root}{within}/{self.plural}{tail}"


MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "workflow-audit-operator"
"""Label that all objects have which the operator makes, and its value."""

RBAC = "rbac.authorization.k8s.io"

NAMESPACE = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
ROLE = Resource(RBAC, "v1", "roles", "Role")
ROLE_BINDING = Resource(RBAC, "v1", "rolebindings", "RoleBinding")
CLUSTER_ROLE = Resource(RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False)
CLUSTER_ROLE_BINDING = Resource(
    RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False
)
CONFIG_MAP = Resource("", "v1", "configmaps", "ConfigMap")
SECRET = Resource("", "v1", "secrets", "Secret")
API_SERVICE_RESOURCE = Resource(
    "apiregistration.k8s.io", "v1", "apiservices", "APIService", namespaced=False
)
DEFINITION = Resource(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
)
PROMETHEUS_RULE = Resource("monitoring.coreos.com", "v1", "prometheusrules", "PrometheusRule")

CHILD_RESOURCES = (
    ROLE,
    ROLE_BINDING,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    PROMETHEUS_RULE,
)
"""All that policies may ask for."""
