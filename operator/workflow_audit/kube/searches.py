"""Searches: those that are done and their removal, and all of them."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

from workflow_audit.errors import ClusterError
from workflow_audit.kube import objects
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.models.kinds import WORKFLOW_SEARCH
from workflow_audit.models.search import Metadata
from workflow_audit.models.status import Phase

PAGE = 500
GONE = 410
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
FINAL = (Phase.RECORDED, Phase.SKIPPED)


async def done_searches(api: ApiServer) -> AsyncIterator[Metadata]:
    """Give searches that are recorded or skipped, without their content.

    All of them, unless the caller takes so long that the API server forgets where the list was.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    for phase in FINAL:
        query = {"limit": str(PAGE), "fieldSelector": f"status.phase={phase}"}
        while True:
            try:
                page = await api.ask(
                    "listing searches that are done",
                    "GET",
                    WORKFLOW_SEARCH.resource.path(),
                    query=query,
                    accept=METADATA_ONLY,
                )
            except ClusterError as error:
                if error.status == GONE:
                    break
                raise
            for item in page["items"] or ():  # null where there are none
                yield _metadata(item["metadata"])
            query["continue"] = page["metadata"].get("continue", "")
            if not query["continue"]:
                break


async def search_pages(
    api: ApiServer, namespace: str | None = None
) -> AsyncIterator[list[dict[str, Any]]]:
    """Give all searches as they are, in pages; none of them is empty.

    Where it takes longer than the API server remembers, later pages show a later moment. So what
    is asked about a page must be asked after it was given.

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    query = {"limit": str(PAGE)}
    while True:
        try:
            page = await api.ask(
                "listing searches", "GET", WORKFLOW_SEARCH.resource.path(namespace), query=query
            )
        except ClusterError as error:
            if error.status != GONE or not error.next_page:
                raise
            query["continue"] = error.next_page
            continue
        if page["items"]:  # null where there are none
            yield page["items"]
        query["continue"] = page["metadata"].get("continue", "")
        if not query["continue"]:
            return


async def remove_search(api: ApiServer, search: Metadata) -> bool:
    """Remove this very search; False where it is gone already.

    The API server itself refuses it for one that is not recorded (admission/delete-guard.yaml).

    Raises:
        ClusterError: the API server refuses, or cannot be reached.
    """
    item: dict[str, Any] = {
        "metadata": {"namespace": search.namespace, "name": search.name, "uid": str(search.uid)}
    }
    return await objects.remove(api, WORKFLOW_SEARCH.resource, item)


def _metadata(raw: dict[str, Any]) -> Metadata:
    return Metadata(
        namespace=raw["namespace"],
        name=raw["name"],
        uid=UUID(raw["uid"]),
        generation=raw["generation"],
        created=datetime.fromisoformat(raw["creationTimestamp"]),
        labels=raw.get("labels", {}),
    )
