"""Headers name a user only beside a certificate that may; else a token does, or nobody."""

import pytest
from fastapi import Request

from workflow_audit.api.trust import COMMON_NAME, LONGEST_TOKEN, authenticator
from workflow_audit.domain.front_proxy import FrontProxy
from workflow_audit.errors import UnauthenticatedError
from workflow_audit.models.user import User

PROXY = FrontProxy(
    "PEM", frozenset({"proxy"}), ("x-remote-user",), (), ("x-remote-group",), ("x-remote-extra-",)
)
SPOKEN_FOR = {"X-Remote-User": "ada", "X-Remote-Group": "admins"}
TOKEN = {"Authorization": "Bearer good"}


class Tokens:
    async def user(self, token: str) -> User | None:
        return User("robot") if token == "good" else None  # noqa: S105 - no password


def a_request(headers: dict[str, str], certificate: str | None) -> Request:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw, COMMON_NAME: certificate})


@pytest.mark.parametrize(
    ("headers", "certificate", "user"),
    [
        pytest.param(SPOKEN_FOR, "proxy", "ada", id="the-api-server-speaks"),
        pytest.param(SPOKEN_FOR, None, None, id="no-certificate"),
        pytest.param(SPOKEN_FOR, "", None, id="a-certificate-without-a-name"),
        pytest.param(SPOKEN_FOR, "somebody", None, id="a-name-that-is-not-allowed"),
        pytest.param({}, "proxy", None, id="it-names-nobody"),
        pytest.param(TOKEN, None, "robot", id="token"),
        pytest.param(SPOKEN_FOR | TOKEN, None, "robot", id="a-token-beside-forged-headers"),
        pytest.param(SPOKEN_FOR | TOKEN, "proxy", "ada", id="the-api-servers-word-goes-first"),
        pytest.param({"Authorization": "Bearer bad"}, None, None, id="bad-token"),
        pytest.param({"Authorization": "bearer good"}, None, "robot", id="lower-case"),
        pytest.param({"Authorization": "Basic good"}, None, None, id="no-bearer"),
        pytest.param({"Authorization": "Bearer " + "x" * LONGEST_TOKEN}, None, None, id="huge"),
    ],
)
async def test_who_asks(headers: dict[str, str], certificate: str | None, user: str | None) -> None:
    authenticate = authenticator(lambda: PROXY, Tokens())
    request = a_request(headers, certificate)
    if user is None:
        with pytest.raises(UnauthenticatedError):
            await authenticate(request)
    else:
        assert (await authenticate(request)).name == user


async def test_while_it_is_not_known_who_may_speak_nobody_does() -> None:
    authenticate = authenticator(lambda: None, Tokens())
    with pytest.raises(UnauthenticatedError):
        await authenticate(a_request(SPOKEN_FOR, "proxy"))
