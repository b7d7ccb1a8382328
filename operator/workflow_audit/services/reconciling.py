"""Bring everything that a policy asks for into place, and say in its status how it stands.

What always holds:
- Nothing is asked of the API server for a policy whose objects and status are as they should be.
- An object of somebody else is never changed.
- A second operator does the same and finds it done.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from workflow_audit.domain.children.child import Child, in_place, owner_uid
from workflow_audit.domain.policy_status import latest_retention, merge_patch, policy_status
from workflow_audit.domain.readiness import (
    Aspect,
    CatalogueState,
    ChildState,
    PolicyState,
    State,
)
from workflow_audit.errors import ClusterError
from workflow_audit.models.policy import AnyPolicy, Policy, PolicyKey
from workflow_audit.models.policy_status import RetentionStatus
from workflow_audit.models.resource import Resource

log = logging.getLogger(__name__)

Json = dict[str, Any]

AGAIN_SECONDS = 60.0
"""When an object that others refuse or own is looked at again; nobody tells us of its change."""

SOON_SECONDS = 5.0
"""When one that could not be reached is tried again."""

REFUSED_FROM, REFUSED_UNTIL = 400, 500
PASSING = frozenset({409, 429})
"""Somebody else was quicker, or too many ask: not a refusal of what is asked."""


class ManagedObjects(Protocol):
    """The objects of all policies, as the API server has them."""

    def served(self, resource: Resource) -> bool:
        """Tell whether the API server knows the resource."""
        ...

    def known(self, resource: Resource, namespace: str | None, name: str) -> Json | None:
        """Give one of ours as it was last told, without asking."""
        ...

    def owned(self, uid: str) -> Sequence[tuple[Resource, Json]]:
        """Give all objects whose controller has this uid, without asking."""
        ...

    async def find(self, resource: Resource, namespace: str | None, name: str) -> Json | None:
        """Ask for an object, whosever it is."""
        ...

    async def apply(self, resource: Resource, manifest: Json) -> Json:
        """Bring an object into place."""
        ...

    async def remove(self, resource: Resource, item: Json) -> bool:
        """Remove an object."""
        ...


class PolicyObjects(Protocol):
    """The policies as the API server has them."""

    def body(self, key: PolicyKey) -> Json | None:
        """Give a policy object as it was last told, without asking."""
        ...

    async def write_status(self, key: PolicyKey, patch: Json) -> None:
        """Change the status of a policy."""
        ...


WantedChildren = Callable[[Policy], Iterable[tuple[Aspect, Child]]]


@dataclass(frozen=True)
class PolicyReconciler:
    """Reconciles one policy at a time."""

    policy: Callable[[PolicyKey], AnyPolicy | None]
    objects: ManagedObjects
    policies: PolicyObjects
    wanted: WantedChildren
    retention: Callable[[PolicyKey], RetentionStatus | None]
    catalogue: Callable[[Policy], Awaitable[CatalogueState | None]]
    """Says why its catalogue cannot be asked, as far as that shows without asking it."""

    clock: Callable[[], datetime]

    async def reconcile(self, key: PolicyKey) -> float | None:
        """Bring a policy's objects into place; gives after how many seconds to look again.

        Raises:
            ClusterError: its status could not be written.
        """
        policy, body = self.policy(key), self.policies.body(key)
        if policy is None or body is None:
            return None  # the cluster removes its objects
        states, catalogue = [], None
        if isinstance(policy, Policy):
            catalogue = await self.catalogue(policy)
            wanted = list(self.wanted(policy))
            states = [await self._brought(policy, aspect, child) for aspect, child in wanted]
            await self._remove_others(policy, [child for _, child in wanted])
        before = body.get("status", {})
        state = PolicyState(policy, states, catalogue)
        dry_run = isinstance(policy, Policy) and policy.spec.retention.dry_run
        retention = latest_retention(self.retention(key), before, dry_run=dry_run)
        status = policy_status(state, retention, before, now=self.clock())
        if patch := merge_patch(before, status):
            await self.policies.write_status(key, patch)
        return _again(state)

    async def _brought(self, policy: Policy, aspect: Aspect, child: Child) -> ChildState:
        def state(state: State, message: str = "") -> ChildState:
            kind = child.resource.kind
            return ChildState(aspect, kind, child.namespace, child.name, state, message)

        resource = child.resource
        if not self.objects.served(resource):
            return state("NotInstalled", f"{resource.kind} is not known to this cluster")
        try:
            found = self.objects.known(resource, child.namespace, child.name)
            if found is None:
                found = await self.objects.find(resource, child.namespace, child.name)
            if found is not None and owner_uid(found) != str(policy.uid):
                return state("Conflict", "is there already and belongs to somebody else")
            if found is None or not in_place(child.manifest, found):
                await self.objects.apply(resource, child.manifest)
                log.info("applied %s %s", resource.kind, child.name, extra=_fields(policy))
        except ClusterError as error:
            return state("Refused" if _is_refusal(error) else "Unreachable", str(error))
        return state("InPlace")

    async def _remove_others(self, policy: Policy, wanted: Sequence[Child]) -> None:
        """Remove what an earlier version of the policy asked for."""
        names = {(child.resource, child.namespace, child.name) for child in wanted}
        for resource, item in self.objects.owned(str(policy.uid)):
            metadata = item["metadata"]
            if (resource, metadata.get("namespace"), metadata["name"]) not in names:
                await self.objects.remove(resource, item)
                log.info("removed %s %s", resource.kind, metadata["name"], extra=_fields(policy))


def _is_refusal(error: ClusterError) -> bool:
    status = error.status
    return status is not None and REFUSED_FROM <= status < REFUSED_UNTIL and status not in PASSING


def _again(state: PolicyState) -> float | None:
    found: set[str] = {child.state for child in state.children}
    if state.catalogue:
        found.add(state.catalogue.reason)
    if "Unreachable" in found:
        return SOON_SECONDS
    return AGAIN_SECONDS if found & {"Refused", "Conflict", "CredentialsMissing"} else None


def _fields(policy: Policy) -> dict[str, str | None]:
    return {"policy": str(policy.key), "namespace": policy.key.namespace}
