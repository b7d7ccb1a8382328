"""What policies have in place: all objects that carry our label, kept up to date by watches."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from workflow_audit.kube import objects
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.kube.informer import Informer
from workflow_audit.models.resource import Resource

Json = dict[str, Any]


class ManagedObjects:
    """The objects of all policies."""

    def __init__(
        self,
        api: ApiServer,
        resources: Iterable[Resource],
        *,
        label_selector: str,
        owner_uid: Callable[[Json], str | None],
        changed: Callable[[Json], None],
        served_changed: Callable[[], None],
    ) -> None:
        """Know what to watch.

        Args:
            api: whom to ask.
            resources: what to watch.
            label_selector: what makes an object ours.
            owner_uid: gives the uid of an object's controller.
            changed: told each object that came, changed or went.
            served_changed: told when the API server begins or ceases to know a resource.
        """
        self._api = api
        self._owner_uid = owner_uid
        self._tell = changed
        self._owned: dict[str, dict[tuple[Resource, str | None, str], Json]] = defaultdict(dict)
        self._informers = {
            resource: Informer(
                api,
                resource,
                partial(self._changed, resource),
                label_selector=label_selector,
                served_changed=served_changed,
            )
            for resource in resources
        }

    async def run(self) -> None:
        """Watch, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for informer in self._informers.values():
                group.create_task(informer.run())

    def served(self, resource: Resource) -> bool:
        """Tell whether the API server knows the resource."""
        return self._informers[resource].served

    def known(self, resource: Resource, namespace: str | None, name: str) -> Json | None:
        """Give one of ours as it was last told."""
        return self._informers[resource].get(namespace, name)

    def owned(self, uid: str) -> Sequence[tuple[Resource, Json]]:
        """Give all objects whose controller has this uid."""
        owned = self._owned.get(uid, {})
        return [(resource, item) for (resource, _, _), item in owned.items()]

    async def find(self, resource: Resource, namespace: str | None, name: str) -> Json | None:
        """Ask for an object, whosever it is.

        Raises:
            ClusterError: the API server refuses, or cannot be reached.
        """
        return await objects.find(self._api, resource, namespace, name)

    async def apply(self, resource: Resource, manifest: Json) -> Json:
        """Bring an object into place.

        Raises:
            ClusterError: the API server refuses, or cannot be reached.
        """
        return await objects.apply(self._api, resource, manifest)

    async def remove(self, resource: Resource, item: Json) -> bool:
        """Remove an object.

        Raises:
            ClusterError: the API server refuses, or cannot be reached.
        """
        return await objects.remove(self._api, resource, item)

    def _changed(self, resource: Resource, before: Json | None, after: Json | None) -> None:
        for item, there in ((before, False), (after, True)):
            if item is not None and (uid := self._owner_uid(item)):
                metadata = item["metadata"]
                place = resource, metadata.get("namespace"), metadata["name"]
                if there:
                    self._owned[uid][place] = item
                else:
                    self._owned[uid].pop(place, None)
                if not self._owned[uid]:
                    del self._owned[uid]
                self._tell(item)
