"""Creates a WorkflowSearch in the cluster for each search."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workflow_audit.client.complaints import place_of
from workflow_audit.client.outcomes import Again, Outcome, Sent, refusal
from workflow_audit.client.searches import WaitingSearch
from workflow_audit.errors import ClusterError
from workflow_audit.kube.connecting import ApiServer, in_cluster
from workflow_audit.kube.kubeconfig import DEFAULT_NAMESPACE, POD_NAMESPACE, credentials
from workflow_audit.models.kinds import WORKFLOW_SEARCH

AT_ONCE = 8
ALREADY_EXISTS = 409
SAID_IN_LOGS = {401, 403, 404}
"""What is wrong with credentials, rights or definitions, and holds nothing of the search."""


class ResourceTransport:
    """Sends with the pod's service account, or else with a kubeconfig."""

    at_once = AT_ONCE

    def __init__(self, *, kubeconfig: Path | None, timeout_seconds: float) -> None:
        """Find the credentials; where there are none yet, sending says so later."""
        self._seconds = timeout_seconds
        self._api: ApiServer | None = None
        self.namespace: str | None
        if kubeconfig is None and in_cluster():
            self._kubeconfig = None
            self.destination = "in-cluster"
            self.namespace = _pod_namespace()
            return
        paths = str(kubeconfig or os.environ.get("KUBECONFIG") or "")
        self._kubeconfig = Path(paths) if paths else None
        try:
            found = credentials(self._kubeconfig, None)
            self.destination = f"{found.kubeconfig} {found.context_name}"
            self.namespace = found.namespace
        except ClusterError:
            self.destination, self.namespace = f"{paths} ", DEFAULT_NAMESPACE

    async def send(self, searches: Sequence[WaitingSearch]) -> list[Outcome]:
        """Create each, a few at a time."""
        done = await asyncio.gather(*map(self._create, searches), return_exceptions=True)
        return [
            Again(place_of(one), concerns_all=True) if isinstance(one, BaseException) else one
            for one in done
        ]

    async def close(self) -> None:
        """Close connections."""
        if self._api is not None:
            closing, self._api = self._api, None
            await closing.__aexit__()

    async def _create(self, search: WaitingSearch) -> Outcome:
        if self._api is None:
            self._api = ApiServer(self._kubeconfig)
        manifest = search.manifest()
        path = WORKFLOW_SEARCH.resource.path(search.namespace)
        try:
            async with asyncio.timeout(self._seconds):
                answer: Any = await self._api.ask("recording a search", "POST", path, body=manifest)
        except ClusterError as error:
            return _refused(error)
        except TimeoutError:
            return Again(f"no answer within {self._seconds:g} s", concerns_all=True)
        created = isinstance(answer, dict) and answer.get("metadata")
        if isinstance(created, dict) and created.get("name") == search.name:
            return Sent()
        return Again("the answer is none of an API server", concerns_all=True)


def _refused(error: ClusterError) -> Outcome:
    if error.status is None:
        return Again(str(error), concerns_all=True)
    if error.status == ALREADY_EXISTS and "already exists" in error.words:
        return Sent("replayed")
    if error.status == ALREADY_EXISTS:
        return Again("the API server reports a conflict")
    found = refusal(error.status, error.words, error.retry_after_seconds)
    if isinstance(found, Again) and error.status in SAID_IN_LOGS:
        return Again(str(error), found.after_seconds, concerns_all=found.concerns_all)
    return found


def _pod_namespace() -> str:
    try:
        return POD_NAMESPACE.read_text(encoding="utf-8").strip() or DEFAULT_NAMESPACE
    except OSError:
        return DEFAULT_NAMESPACE
