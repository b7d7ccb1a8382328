"""Whatever a catalogue does, a search ends in time, with an answer or with a reason."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.catalogues import ANSWER, TOKEN
from support.eventually import eventually_async
from support.faulty_server import (
    Behaviour,
    Exchange,
    FaultyServer,
    after,
    answer,
    dribble,
    gzip_bomb,
    hang,
    identity,
    in_turn,
    oversized,
    redirect,
    refusal,
    reset,
    reset_mid_body,
)
from workflow_audit.catalogue.answers import MOST_BYTES
from workflow_audit.catalogue.client import CatalogueClient
from workflow_audit.errors import CatalogueError
from workflow_audit.models.catalogue import Catalogue

BODY: dict[str, Any] = {"query": "OOMKilled", "filters": {}, "top_k": 3}
SECONDS = 0.8
"""Time-out of most tests; enough for a few attempts at a connection."""

MARGIN_SECONDS = 5.0
"""So much later a busy machine may notice it."""


@pytest.fixture
async def client() -> AsyncIterator[CatalogueClient]:
    async with CatalogueClient(requests=4) as opened:
        yield opened


def at(url: str, **others: Any) -> Catalogue:
    return Catalogue(url=url, timeout_seconds=others.pop("timeout_seconds", SECONDS), **others)


async def failed(
    client: CatalogueClient, catalogue: Catalogue, token: str | None = TOKEN
) -> CatalogueError:
    """Give why a search failed; in time, and without the token."""
    began = time.monotonic()
    with pytest.raises(CatalogueError) as caught:
        await client.search(catalogue, token, BODY)
    assert time.monotonic() - began < catalogue.timeout_seconds + MARGIN_SECONDS
    assert str(caught.value).startswith(("http", "the ", "spec.catalogue."))
    assert "; " in str(caught.value), "there is a remedy"
    assert TOKEN not in str(caught.value)
    return caught.value


async def test_an_answer_comes_as_it_is_and_says_how_long_it_took(client: CatalogueClient) -> None:
    with FaultyServer(after(0.05, answer(ANSWER))) as server:
        found, took_ms = await client.search(at(server.url), TOKEN, BODY)
        (request,) = server.requests
    assert found == ANSWER
    assert took_ms >= 50
    assert (request.method, request.path) == ("POST", "/api/v1/workflows/search")
    assert request.json() == BODY
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["User-Agent"].startswith("workflow-audit/")


@pytest.mark.parametrize("path", ["/", "/catalogue", "/catalogue/"])
async def test_the_path_is_put_behind_the_urls_own(client: CatalogueClient, path: str) -> None:
    with FaultyServer(answer(ANSWER)) as server:
        await client.search(at(server.url + path), None, BODY)
        (request,) = server.requests
    assert request.path == f"{path.rstrip('/')}/api/v1/workflows/search"
    assert request.headers["Authorization"] is None


async def repeat_the_token(exchange: Exchange) -> None:
    said = exchange.request.headers["Authorization"]
    await answer({"workflows": [], "debug": said})(exchange)


async def speak_something_else(exchange: Exchange) -> None:
    await exchange.send(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")


async def send_an_endless_head(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 2**20 + b"\r\n\r\n")


def with_encoding(encoding: str) -> Behaviour:
    return answer(ANSWER, headers={"Content-Encoding": encoding})


@pytest.mark.parametrize(
    ("behaviour", "code", "words"),
    [
        pytest.param(hang, "CatalogueTimeout", "did not answer within 0.8 s", id="hangs"),
        pytest.param(
            dribble(ANSWER), "CatalogueTimeout", "did not answer", id="a-byte-now-and-then"
        ),
        pytest.param(
            answer(b"", 400), "CatalogueRefused", "answers 400 Bad Request; ", id="bad-request"
        ),
        pytest.param(
            refusal(401),
            "CatalogueRefused",
            "answers 401 Unauthorized; look at the token",
            id="unauthorized",
        ),
        pytest.param(
            refusal(403), "CatalogueRefused", "403 Forbidden; look at the rights", id="403"
        ),
        pytest.param(refusal(404), "CatalogueRefused", "look at the path", id="not-found"),
        pytest.param(
            refusal(429, 1), "CatalogueRefused", "AUDIT_OPERATOR_CATALOGUE_REQUESTS", id="too-many"
        ),
        pytest.param(
            redirect("http://127.0.0.1:9/"),
            "CatalogueRefused",
            "answers 307 Temporary Redirect; redirects are not followed",
            id="redirect",
        ),
        pytest.param(refusal(500), "CatalogueFailed", "answers 500", id="server-error"),
        pytest.param(refusal(503, 1), "CatalogueFailed", "answers 503", id="overloaded"),
        pytest.param(answer(b"<html>"), "MalformedResponse", "is no JSON", id="html"),
        pytest.param(answer(b""), "MalformedResponse", "is no JSON", id="empty"),
        pytest.param(answer(b'{"workflows": [NaN]}'), "MalformedResponse", "is no JSON", id="nan"),
        pytest.param(answer(b"[" * 100_000), "MalformedResponse", "is no JSON", id="deep"),
        pytest.param(answer(b'"\xff"'), "MalformedResponse", "is no JSON", id="no-utf-8"),
        pytest.param(gzip_bomb(2**28), "MalformedResponse", "is compressed", id="gzip-bomb"),
        pytest.param(with_encoding("br"), "MalformedResponse", "is compressed", id="brotli"),
        pytest.param(with_encoding("gzip, x"), "MalformedResponse", "is compressed", id="unknown"),
        pytest.param(
            repeat_the_token, "MalformedResponse", "repeats the token", id="repeats-the-token"
        ),
        pytest.param(
            speak_something_else, "MalformedResponse", "does not answer in HTTP", id="no-http"
        ),
        pytest.param(
            send_an_endless_head, "MalformedResponse", "does not answer in HTTP", id="endless-head"
        ),
        pytest.param(
            oversized(2**26), "ResponseTooLarge", f"than {MOST_BYTES} bytes", id="endless"
        ),
        pytest.param(
            answer(b" " * (MOST_BYTES + 1)), "ResponseTooLarge", "longer", id="announced-as-large"
        ),
    ],
)
async def test_what_is_asked_once_only(
    client: CatalogueClient, behaviour: Behaviour, code: str, words: str
) -> None:
    with FaultyServer(behaviour) as server:
        error = await failed(client, at(server.url))
        assert len(server.requests) == 1
    assert error.code == code
    assert words in str(error)
    assert server.url in str(error)


async def test_the_longest_answer_is_read(client: CatalogueClient) -> None:
    body = b'{"workflows": []}'
    with FaultyServer(answer(body + b" " * (MOST_BYTES - len(body)))) as server:
        found, _ = await client.search(at(server.url, timeout_seconds=5), None, BODY)
    assert found == {"workflows": []}


async def test_a_redirect_leads_nobody_anywhere(client: CatalogueClient) -> None:
    with FaultyServer(answer(ANSWER)) as other, FaultyServer(redirect(other.url)) as server:
        assert (await failed(client, at(server.url))).code == "CatalogueRefused"
        assert other.requests == ()


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        pytest.param(reset, "", id="reset"),
        pytest.param(reset_mid_body(ANSWER), "", id="reset-mid-body"),
    ],
)
async def test_a_broken_connection_is_tried_again_until_the_time_is_over(
    client: CatalogueClient, behaviour: Behaviour, words: str
) -> None:
    with FaultyServer(behaviour) as server:
        error = await failed(client, at(server.url))
        assert len(server.requests) > 1
    assert error.code == "ConnectionFailed"
    assert f"the connection to {server.url} broke" in str(error)


@pytest.mark.parametrize("broken", [reset, reset_mid_body(ANSWER)])
async def test_a_connection_that_breaks_once_does_no_harm(
    client: CatalogueClient, broken: Behaviour
) -> None:
    with FaultyServer(in_turn(broken, answer(ANSWER))) as server:
        found, _ = await client.search(at(server.url, timeout_seconds=5), None, BODY)
        assert len(server.requests) == 2
    assert found == ANSWER


async def test_who_refuses_connections_is_named(client: CatalogueClient) -> None:
    with FaultyServer(hang) as server:
        server.refuse()
        error = await failed(client, at(server.url))
    assert error.code == "ConnectionRefused"
    assert str(error).startswith(f"{server.url} refuses connections; ")


async def test_a_catalogue_that_comes_up_in_time_is_asked(client: CatalogueClient) -> None:
    with FaultyServer(answer(ANSWER)) as server:
        server.refuse()
        asking = asyncio.create_task(client.search(at(server.url, timeout_seconds=5), None, BODY))
        await asyncio.sleep(0.3)  # so long it refuses
        assert not asking.done()
        await asyncio.to_thread(server.behave, answer(ANSWER))
        found, _ = await asking
    assert found == ANSWER


async def test_a_known_certificate_is_trusted_and_connections_are_kept(
    client: CatalogueClient,
) -> None:
    own = identity()
    with FaultyServer(answer(ANSWER), tls=own) as server:
        catalogue = at(server.url, ca_bundle=own.authority, timeout_seconds=5)
        for _ in range(3):
            found, _ = await client.search(catalogue, TOKEN, BODY)
            assert found == ANSWER


@pytest.mark.parametrize("trusted", ["nobody", "another"])
async def test_an_unknown_certificate_is_not_trusted(client: CatalogueClient, trusted: str) -> None:
    bundle = identity().authority if trusted == "another" else None
    with FaultyServer(answer(ANSWER), tls=identity()) as server:
        error = await failed(client, at(server.url, ca_bundle=bundle))
        assert server.requests == (), "the token was sent to somebody unknown"
    assert error.code == "TLSError"
    assert str(error).startswith(f"{server.url}: its certificate is not trusted (")
    assert "look at spec.catalogue.caBundle" in str(error)


async def test_a_certificate_of_another_host_is_not_trusted(client: CatalogueClient) -> None:
    other = identity("catalogue.example")
    with FaultyServer(answer(ANSWER), tls=other) as server:
        error = await failed(client, at(server.url, ca_bundle=other.authority))
        assert server.requests == ()
    assert error.code == "TLSError"
    assert "127.0.0.1" in str(error)


async def test_a_server_that_speaks_no_tls_is_not_waited_for(client: CatalogueClient) -> None:
    with FaultyServer(answer(ANSWER)) as server:
        error = await failed(client, at(server.url.replace("http", "https")))
    assert error.code == "CatalogueTimeout"  # it waits for the rest of the handshake


async def test_a_server_that_wants_tls_and_is_asked_without(client: CatalogueClient) -> None:
    with FaultyServer(answer(ANSWER), tls=identity()) as server:
        error = await failed(client, at(server.url.replace("https", "http")))
    assert error.code in {"ConnectionFailed", "MalformedResponse"}


async def test_a_bundle_without_a_certificate_is_named_and_not_shown(
    client: CatalogueClient,
) -> None:
    with FaultyServer(answer(ANSWER), tls=identity()) as server:
        for bundle in ("made up", identity().pair.key, "-----BEGIN CERTIFICATE-----\nAAAA\n"):
            error = await failed(client, at(server.url, ca_bundle=bundle))
            assert error.code == "CatalogueNotConfigured"
            assert str(error).startswith("spec.catalogue.caBundle: '(hidden)' ")
            assert bundle[:40] not in str(error)


async def test_a_search_without_a_turn_says_so_in_time() -> None:
    async with CatalogueClient(requests=1) as client:
        with FaultyServer(hang) as server:
            first = asyncio.create_task(failed(client, at(server.url, timeout_seconds=3 * SECONDS)))
            await eventually_async(lambda: server.requests)
            second = await failed(client, at(server.url))
            assert len(server.requests) == 1
            errors = [await first, second]
            server.behave(answer(ANSWER))
            found, _ = await client.search(at(server.url, timeout_seconds=5), None, BODY)
    assert found == ANSWER, "the turn was given back"
    assert {error.code for error in errors} == {"CatalogueTimeout"}
    said = [str(error) for error in errors]
    assert "did not answer within 2.4 s" in said[0]
    assert "had too much to do to be asked within 0.8 s" in said[1]
    assert "AUDIT_OPERATOR_CATALOGUE_REQUESTS" in said[1]


async def test_a_turn_that_comes_late_does_not_blame_the_catalogue() -> None:
    async with CatalogueClient(requests=1) as client:
        with FaultyServer(hang) as server:
            first = asyncio.create_task(failed(client, at(server.url, timeout_seconds=3 * SECONDS)))
            await eventually_async(lambda: server.requests)
            second = await failed(client, at(server.url, timeout_seconds=4 * SECONDS))
            await first
    assert "had too much to do to be asked within 3.2 s" in str(second)


async def test_a_cancelled_search_gives_its_turn_back() -> None:
    async with CatalogueClient(requests=1) as client:
        with FaultyServer(hang) as server:
            asking = asyncio.create_task(client.search(at(server.url), None, BODY))
            await eventually_async(lambda: server.requests)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            server.behave(answer(ANSWER))
            found, _ = await client.search(at(server.url, timeout_seconds=5), None, BODY)
    assert found == ANSWER
