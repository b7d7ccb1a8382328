"""The Secret with the certificate of the server of readers, and the APIService that trusts it.

Both are written only as they were read: the API server refuses what was changed in between.
"""

from base64 import b64decode, b64encode
from typing import Any

from workflow_audit.domain.serving_certificates import Stored
from workflow_audit.errors import CertificateError, ClusterError
from workflow_audit.kube import objects
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.models.auditlog import API_SERVICE, TLS_SECRET
from workflow_audit.models.resource import API_SERVICE_RESOURCE, MANAGED_BY, MANAGER, SECRET

TYPE = "kubernetes.io/tls"
BEATEN = frozenset({objects.CONFLICT, objects.NOT_FOUND})
"""What the API server answers when somebody else was quicker."""

KEY, SERVED, AUTHORITIES, FOLLOWING = "tls.key", "tls.crt", "ca.crt", "next.crt"

Json = dict[str, Any]


class CertificateObjects:
    """Both of them."""

    def __init__(self, api: ApiServer, namespace: str) -> None:
        """Know where they are.

        Args:
            api: as an identity that has manifests/base/certificates/by-operator.yaml.
            namespace: of the Secret.
        """
        self._api, self._namespace = api, namespace
        self._version = ""

    async def stored(self) -> Stored | None:
        """Give what the Secret has; None where there is none.

        Raises:
            CertificateError: it is somebody else's.
            ClusterError: the API server refuses, or cannot be reached.
        """
        found = await objects.find(self._api, SECRET, self._namespace, TLS_SECRET)
        if found is None:
            return None
        metadata = found["metadata"]
        if metadata.get("labels", {}).get(MANAGED_BY) != MANAGER or found.get("type") != TYPE:
            raise CertificateError(
                f"Secret/{TLS_SECRET} is there already and belongs to somebody else; remove it, or"
                " set AUDIT_OPERATOR_MANAGE_CERTIFICATES=false"
            )
        data = found.get("data") or {}
        key, served, authorities, following = (
            _text(data.get(name)) for name in (KEY, SERVED, AUTHORITIES, FOLLOWING)
        )
        return Stored(key, served, authorities, following, metadata["resourceVersion"])

    async def store(self, wanted: Stored) -> bool:
        """Write the Secret; gives False when somebody else has written it since it was read.

        Raises:
            ClusterError: the API server refuses, or cannot be reached.
        """
        data = {
            KEY: _packed(wanted.key),
            SERVED: _packed(wanted.served),
            AUTHORITIES: _packed(wanted.authorities),
            FOLLOWING: _packed(wanted.following) if wanted.following else None,
        }
        doing = f"writing Secret/{TLS_SECRET}"
        query = {"fieldManager": objects.FIELD_MANAGER}
        try:
            if wanted.version:
                await self._api.ask(
                    doing,
                    "PATCH",
                    SECRET.path(self._namespace, TLS_SECRET),
                    query=query,
                    body={"metadata": {"resourceVersion": wanted.version}, "data": data},
                    content_type=objects.MERGE_PATCH,
                )
            else:
                labels = {MANAGED_BY: MANAGER, "app.kubernetes.io/part-of": "workflow-audit"}
                body = {
                    "apiVersion": SECRET.api_version,
                    "kind": SECRET.kind,
                    "metadata": {"name": TLS_SECRET, "labels": labels},
                    "type": TYPE,
                    "data": {name: text for name, text in data.items() if text is not None},
                }
                path = SECRET.path(self._namespace)
                await self._api.ask(doing, "POST", path, query=query, body=body)
        except ClusterError as error:
            if error.status in BEATEN:
                return False
            raise
        return True

    async def told(self) -> str:
        """Give whom the API server trusts, in PEM.

        Raises:
            CertificateError: there is no APIService.
            ClusterError: the API server refuses, or cannot be reached.
        """
        found = await objects.find(self._api, API_SERVICE_RESOURCE, None, API_SERVICE)
        if found is None:
            raise CertificateError(
                f"APIService/{API_SERVICE} is not there; apply manifests/base/apiserver"
            )
        self._version = found["metadata"]["resourceVersion"]
        return _text(found["spec"].get("caBundle"))

    async def tell(self, authorities: str) -> bool:
        """Tell the API server whom to trust; False when somebody has changed it since it was read.

        Raises:
            ClusterError: the API server refuses, or cannot be reached.
        """
        manifest = {
            "apiVersion": API_SERVICE_RESOURCE.api_version,
            "kind": API_SERVICE_RESOURCE.kind,
            "metadata": {"name": API_SERVICE, "resourceVersion": self._version},
            "spec": {"caBundle": _packed(authorities)},
        }
        try:
            await objects.apply(self._api, API_SERVICE_RESOURCE, manifest)
        except ClusterError as error:
            if error.status in BEATEN:
                return False
            raise
        return True


def _text(packed: str | None) -> str:
    """Give a text; what is none gives one that is no certificate and no key."""
    return b64decode(packed or "").decode(errors="replace")


def _packed(text: str) -> str:
    return b64encode(text.encode()).decode()
