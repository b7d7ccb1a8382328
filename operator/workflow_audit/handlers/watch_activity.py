"""How kopf's requests fare: kopf itself does not say.

- Whether searches are being watched. A stream that breaks is opened again at once, so the last
  list or watch request tells the present state; kopf reopens a stream that is silent for 70 s.
- How many statuses are being written, or wait for their turn.
"""

from types import SimpleNamespace

import aiohttp
from yarl import URL

from workflow_audit.handlers.flow import Flow
from workflow_audit.models.kinds import GROUP, WORKFLOW_SEARCH

OK = 200


class WatchActivity:
    """Listens to the HTTP session of kopf."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self.problem: str | None = "searches are not watched yet"

    def trace_config(self) -> aiohttp.TraceConfig:
        """Give what the session needs to report here."""
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._started)
        trace.on_request_end.append(self._answered)
        trace.on_request_exception.append(self._failed)
        return trace

    async def _started(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, params: aiohttp.TraceRequestStartParams
    ) -> None:
        if params.method == "PATCH":
            await self._flow.patch_started()

    async def _answered(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        status = params.response.status
        if params.method == "PATCH":
            self._flow.patch_ended()
        elif is_about_all_searches(params.method, params.url):
            self.problem = None if status == OK else f"the API server answers {status} to the watch"

    async def _failed(
        self,
        _: aiohttp.ClientSession,
        __: SimpleNamespace,
        params: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        if params.method == "PATCH":
            self._flow.patch_ended()
        elif is_about_all_searches(params.method, params.url):
            self.problem = f"the API server cannot be reached ({type(params.exception).__name__})"


def is_about_all_searches(method: str, url: URL) -> bool:
    """Tell a list or watch of searches from other requests."""
    return method == "GET" and GROUP in url.parts and url.name == WORKFLOW_SEARCH.plural
