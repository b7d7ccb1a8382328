"""Writes the status of a search: on the very object that it is about, and no final one away.

A name alone is not enough: a search may be gone and another of its name there, which would then
look recorded without being so. And two operators may differ for a moment, while a policy is
switched or one of them has lost the database. So each status is a JSON patch that tests first what
it is for (RFC 6902, section 4.6); what kopf writes by itself tests nothing
(docs/decisions/0029-a-status-says-what-it-is-for.md).
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import kopf
from kopf._cogs.clients import api, errors

from workflow_audit import metrics
from workflow_audit.models.event import Json
from workflow_audit.models.kinds import WORKFLOW_SEARCH
from workflow_audit.models.status import Phase

log = logging.getLogger(__name__)

JSON_PATCH = {"Content-Type": "application/json-patch+json"}


def status_patch(found: Mapping[str, Any], status: Json) -> list[Json]:
    """Give the operations that show a status.

    A committed event is a fact, so `Recorded` holds for this object whatever else it says by now.
    Everything else is about the object as it was seen: another operator may have said more.

    Args:
        found: the search as it was seen.
        status: the whole one.
    """
    tested = "uid" if status["phase"] == Phase.RECORDED else "resourceVersion"
    return [
        {"op": "test", "path": f"/metadata/{tested}", "value": found["metadata"][tested]},
        {"op": "add", "path": "/status", "value": status},
    ]


class Statuses:
    """Writes statuses with kopf's own requests: its session, credentials and retries."""

    def __init__(self, settings: kopf.OperatorSettings) -> None:
        """Have refused nothing yet.

        Args:
            settings: of kopf, for time-outs and retries.
        """
        self._settings = settings
        self.refused = asyncio.Event()
        """Set when the API server has refused a status: its search is to be listed again."""

    async def show(self, found: Json, status: Json) -> None:
        """Show a status; where it does not apply any more nothing is written.

        What changed a search meanwhile brings it back by the watch, unless it is done or gone.
        """
        metadata = found["metadata"]
        path = WORKFLOW_SEARCH.resource.path(metadata["namespace"], metadata["name"], "status")
        try:
            await api.patch(
                url=path,
                headers=JSON_PATCH,
                payload=status_patch(found, status),
                settings=self._settings,
                logger=log,
            )
        except errors.APINotFoundError:
            return
        except errors.APIClientError as error:
            if wrong := _wrong_fields(error):
                metrics.STATUS_ERRORS.inc()
                log.warning("a status was refused: %s", wrong, extra=_fields(metadata))
                self.refused.set()


def _wrong_fields(error: errors.APIClientError) -> str | None:
    """Say what is wrong with a status, without its texts; None where a test has failed."""
    details: Any = error.details or {}
    causes = [str(cause.get("field")) for cause in details.get("causes", ())]
    if isinstance(error, errors.APIUnprocessableEntityError) and not causes:
        return None
    return f"{error.status} {', '.join(causes)}".strip()


def _fields(metadata: Any) -> dict[str, object]:
    return {"namespace": metadata["namespace"], "search": metadata["name"]}
