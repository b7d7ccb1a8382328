"""The HTTP session that kopf uses: bounded, verified, parsed quickly.

kopf asks for the answer to each patch as JSON, and nobody reads it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Self, cast

import aiohttp
import kopf
import orjson

from workflow_audit.handlers.flow import Flow, HeldStream
from workflow_audit.handlers.watch_activity import WatchActivity, is_about_all_searches


class LeanResponse(aiohttp.ClientResponse):
    """An answer that is parsed quickly, only where it is read, and not faster than wanted."""

    flow: ClassVar[Flow]

    async def start(self, connection: Any) -> Self:
        """Take the head of the answer; a watch's body is then held back when needed."""
        await super().start(connection)
        if self.method == "GET" and "watch" in self.url.query:
            self.content = cast("aiohttp.StreamReader", HeldStream(self.content, self.flow))
        return self

    async def json(
        self,
        *,
        encoding: str | None = None,  # noqa: ARG002 - the base class has it; JSON is UTF-8
        loads: Callable[[str], Any] | None = None,  # noqa: ARG002
        content_type: str | None = "application/json",  # noqa: ARG002
    ) -> Any:
        """Parse the whole body, but for the answer to a patch."""
        body = await self.read()
        if self.method == "PATCH" and self.ok:
            return {}
        parsed = orjson.loads(body)
        if is_about_all_searches(self.method, self.url):
            await self.flow.room()
        return parsed


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


def login_with(
    activity: WatchActivity, flow: Flow
) -> Callable[..., Awaitable[kopf.AiohttpSession]]:
    """Give a login handler; kopf calls it at start and whenever the API server says 401.

    Credentials are those of the pod's service account, or else of the kubeconfig; they are read
    anew at every call, because tokens rotate.
    """
    response_class = type("HeldResponse", (LeanResponse,), {"flow": flow})

    async def login(**context: Any) -> kopf.AiohttpSession:
        info = kopf.login_via_client(**context)
        if info is None:
            raise kopf.PermanentError("neither a service account nor a kubeconfig is there")
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),  # flow limits
            headers=info.as_http_headers(),
            json_serialize=_dumps,
            trace_configs=[activity.trace_config()],
            response_class=response_class,
        )
        return kopf.AiohttpSession(
            server=info.server,
            default_namespace=info.default_namespace,
            aiohttp_session=session,
        )

    return login
