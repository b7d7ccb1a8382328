"""Statistics of searches as the cluster's aggregated API gives them to whoever asks."""

from collections.abc import Mapping
from typing import Any

from workflow_audit.kube.connecting import ApiServer
from workflow_audit.models.auditlog import AUDIT_STATISTIC

Json = dict[str, Any]

DOING = "reading statistics"


class AuditStatistics:
    """The statistics of one namespace, or of all."""

    def __init__(self, api: ApiServer, namespace: str | None) -> None:
        """Know where they are; nothing is asked yet."""
        self._api = api
        self._namespace = namespace

    async def statistic(self, name: str, parameters: Mapping[str, str]) -> Json:
        """Give the statistic of a name.

        Raises:
            ClusterError: the API server refuses, or cannot be reached.
        """
        path = AUDIT_STATISTIC.path(self._namespace, name)
        return await self._api.ask(DOING, "GET", path, query=dict(parameters))
