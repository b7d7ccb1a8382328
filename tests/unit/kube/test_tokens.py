"""The token of the catalogue: read from one Secret, kept for seconds, never shown."""

import asyncio
from base64 import b64encode
from typing import Any

import pytest

from workflow_audit.errors import CatalogueError, ClusterError, CredentialsUnknownError
from workflow_audit.kube.tokens import CatalogueTokens
from workflow_audit.models.catalogue import CatalogueCredentials

CREDENTIALS = CatalogueCredentials.model_validate({"secretRef": {"name": "own"}})
SECRET = "made-up-token"  # noqa: S105 - made up


def a_secret(token: bytes = SECRET.encode(), **changes: Any) -> dict[str, Any]:
    data = {"token": b64encode(token).decode()}
    return {"kind": "Secret", "type": "Opaque", "data": data} | changes


class Api:
    """Gives one answer, and counts how often it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.paths: list[str] = []

    async def ask(self, doing: str, method: str, path: str, **_: Any) -> Any:
        self.paths.append(f"{method} {path}")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def tokens(api: Api) -> CatalogueTokens:
    return CatalogueTokens(api, "workflow-audit")  # type: ignore[arg-type]


async def test_many_searches_cost_one_question() -> None:
    api = Api(a_secret())
    known = tokens(api)
    assert {await known.token(CREDENTIALS) for _ in range(9)} == {SECRET}
    assert api.paths == ["GET /api/v1/namespaces/workflow-audit/secrets/own"]


async def test_who_asks_at_the_same_time_waits_for_one_answer() -> None:
    api = Api(a_secret())
    known = tokens(api)
    assert set(await asyncio.gather(*(known.token(CREDENTIALS) for _ in range(9)))) == {SECRET}
    assert len(api.paths) == 1
    missing = Api(ClusterError("no answer", 503))
    asked = await asyncio.gather(
        *(tokens_of.token(CREDENTIALS) for tokens_of in [tokens(missing)] * 9),
        return_exceptions=True,
    )
    assert {type(error) for error in asked} == {CredentialsUnknownError}
    assert len(missing.paths) == 1


async def test_a_line_feed_at_the_end_is_none_of_the_token() -> None:
    assert await tokens(Api(a_secret(b"made-up-token\n"))).token(CREDENTIALS) == SECRET


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(
            ClusterError("no", 404), "Secret workflow-audit/own is not there; create it", id="none"
        ),
        pytest.param(
            ClusterError("no", 403),
            "the operator may not get Secret workflow-audit/own; apply "
            "manifests/components/catalogue-token/rights.yaml",
            id="forbidden",
        ),
        pytest.param(
            a_secret(type="kubernetes.io/tls"),
            "Secret workflow-audit/own is not of type Opaque; create one of its own for the token",
            id="the-key-of-a-certificate",
        ),
        pytest.param(
            a_secret(data=None),
            "Secret workflow-audit/own has no key token; add the token under it",
            id="empty",
        ),
        *(
            pytest.param(
                a_secret(text),
                "token of Secret workflow-audit/own is no token; give it one line of visible "
                "characters",
                id=repr(text),
            )
            for text in (b"", b"\n", b"two words", b"two\nlines", "späť".encode(), b"\xff", b"a\0b")
        ),
    ],
)
async def test_without_a_usable_token_it_is_said_what_to_do(answer: Any, message: str) -> None:
    api = Api(answer)
    known = tokens(api)
    for _ in range(2):
        with pytest.raises(CatalogueError) as caught:
            await known.token(CREDENTIALS)
        assert str(caught.value) == message
        assert caught.value.code == "CatalogueCredentialsMissing"
    assert len(api.paths) == 2, "what is missing may be there a moment later"


@pytest.mark.parametrize("status", [None, 401, 429, 500, 503])
async def test_an_api_server_that_does_not_say_is_waited_for(status: int | None) -> None:
    with pytest.raises(CredentialsUnknownError, match="Secret workflow-audit/own is not known"):
        await tokens(Api(ClusterError("no answer", status))).token(CREDENTIALS)
