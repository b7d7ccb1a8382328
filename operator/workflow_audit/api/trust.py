"""Who asks: the API server on somebody's behalf, or somebody with a token. Nobody else.

The headers that name a user count only on a connection whose client certificate was signed by the
cluster's front-proxy authority and has an allowed name. On any other connection they are ignored,
as anybody can write them.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from fastapi import Request

from workflow_audit.domain.front_proxy import FrontProxy, remote_user
from workflow_audit.errors import UnauthenticatedError
from workflow_audit.models.user import User

BEARER = "bearer "
LONGEST_TOKEN = 16384

COMMON_NAME = "workflow_audit.client_common_name"
"""Where the server puts the name of a verified client certificate into ASGI's scope."""


class Tokens(Protocol):
    """Whose tokens are whose."""

    async def user(self, token: str) -> User | None:
        """Give whose token it is."""
        ...


def authenticator(
    proxy: Callable[[], FrontProxy | None], tokens: Tokens
) -> Callable[[Request], Awaitable[User]]:
    """Give the function that tells who asks.

    Args:
        proxy: whose word counts now; None while that is not known.
        tokens: asked about bearer tokens.
    """

    async def authenticate(request: Request) -> User:
        user = _spoken_for(request, proxy()) or await _token_owner(request, tokens)
        if user is None:
            raise UnauthenticatedError(
                "it is not known who asks: send `Authorization: Bearer <token>`, or go through the"
                " API server"
            )
        return user

    return authenticate


def _spoken_for(request: Request, proxy: FrontProxy | None) -> User | None:
    name = request.scope.get(COMMON_NAME)
    if proxy is None or name is None or not proxy.allows(name):
        return None
    return remote_user(proxy, request.headers.raw)


async def _token_owner(request: Request, tokens: Tokens) -> User | None:
    header = request.headers.get("authorization", "")
    if not header.lower().startswith(BEARER) or len(header) > LONGEST_TOKEN:
        return None
    token = header[len(BEARER) :].strip()
    return await tokens.user(token) if token else None
