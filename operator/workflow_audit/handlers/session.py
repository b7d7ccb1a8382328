"""The HTTP session that kopf uses: bounded, verified, and with lean answers.

kopf parses the answer to every patch and copies it deeply, for a JSON patch that we never use
(kopf 1.45, `Patch.as_json_patch`). Most of an answer is the spec and the managed fields, which
nobody reads, and nobody changes the rest; without parsing and copying all that the operator needs
about a quarter less CPU a search (docs/explanation/performance.md).
"""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Self, cast

import aiohttp
import kopf
import orjson

from workflow_audit.handlers.flow import Flow, HeldStream
from workflow_audit.handlers.watch_activity import WatchActivity, is_about_all_searches

READ_FROM_AN_ANSWER = ("metadata", "status")
"""Parts of a patched object that kopf looks at."""


class Shared(dict[str, Any]):
    """A part of an answer that nobody changes, so its deep copy is itself."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "Shared":
        return self


class LeanResponse(aiohttp.ClientResponse):
    """An answer that is parsed quickly, without what nobody reads, and not faster than wanted."""

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
        """Parse the whole body."""
        parsed = orjson.loads(await self.read())
        if is_about_all_searches(self.method, self.url):
            await self.flow.room()
        if self.method != "PATCH" or not self.ok:  # kopf reads all of a refusal
            return parsed
        lean = {key: Shared(parsed[key]) for key in READ_FROM_AN_ANSWER if key in parsed}
        lean.get("metadata", Shared()).pop("managedFields", None)
        return lean


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
