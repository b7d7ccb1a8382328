"""The policies, and the namespaces that they select by labels, kept up to date by watches."""

import asyncio
from typing import Any

from workflow_audit.kube import objects
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.kube.informer import Changed, Informer
from workflow_audit.models.kinds import AUDIT_POLICY, CLUSTER_AUDIT_POLICY
from workflow_audit.models.policy import PolicyKey
from workflow_audit.models.resource import NAMESPACE

Json = dict[str, Any]


class PolicyObjects:
    """The policies as the API server has them."""

    def __init__(self, api: ApiServer, policy_changed: Changed, namespace_changed: Changed) -> None:
        """Know what to watch.

        Args:
            api: whom to ask.
            policy_changed: told of every policy that comes, changes or goes.
            namespace_changed: the same of namespaces.
        """
        self._api = api
        self._policies = {
            kind.name: Informer(api, kind.resource, policy_changed)
            for kind in (AUDIT_POLICY, CLUSTER_AUDIT_POLICY)
        }
        self._informers = [*self._policies.values(), Informer(api, NAMESPACE, namespace_changed)]
        self.known = [informer.known for informer in self._informers]
        """Set when all that there is has been told."""

    async def run(self) -> None:
        """Watch, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for informer in self._informers:
                group.create_task(informer.run())

    @property
    def problem(self) -> str | None:
        """Why what is known may be out of date."""
        return next((informer.problem for informer in self._informers if informer.problem), None)

    def bodies(self) -> list[Json]:
        """Give all policy objects as they were last told."""
        return [body for informer in self._policies.values() for body in informer.objects()]

    def body(self, key: PolicyKey) -> Json | None:
        """Give a policy object as it was last told."""
        return self._policies[key.kind].get(key.namespace, key.name)

    async def write_status(self, key: PolicyKey, patch: Json) -> None:
        """Change the status of a policy.

        Raises:
            ClusterError: the API server refuses, or cannot be reached.
        """
        resource = self._policies[key.kind].resource
        await objects.patch_status(self._api, resource, key.namespace, key.name, patch)
