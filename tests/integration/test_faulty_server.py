"""What other tests take for granted of a faulty server."""

import gc
import socket
import ssl
import time

import aiohttp
import pytest

from support.faulty_server import (
    Behaviour,
    FaultyServer,
    Identity,
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

PATIENT = aiohttp.ClientTimeout(total=30)
IMPATIENT = aiohttp.ClientTimeout(total=0.3)
MEBIBYTE = 1024 * 1024


async def ask(
    server: FaultyServer,
    patience: aiohttp.ClientTimeout = PATIENT,
    trust: Identity | None = None,
) -> tuple[int, bytes]:
    """Ask once; gives status and body."""
    context = ssl.create_default_context(cadata=trust.authority if trust else None)
    async with (
        aiohttp.ClientSession(timeout=patience) as session,
        session.post(
            server.url + "/search?a=1", json={"query": "q"}, ssl=context, allow_redirects=False
        ) as reply,
    ):
        return reply.status, await reply.read()


async def test_it_answers_and_remembers_what_it_was_asked() -> None:
    with FaultyServer(answer({"found": 1}, headers={"X-A": "b"})) as server:
        assert await ask(server) == (200, b'{"found": 1}')
        (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/search?a=1")
    assert request.headers["content-type"] == "application/json"
    assert request.json() == {"query": "q"}


async def test_one_connection_carries_many_requests() -> None:
    with FaultyServer(answer({})) as server, socket.create_connection(("127.0.0.1", server.port)):
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
            for _ in range(3):
                async with session.get(server.url) as reply:
                    assert await reply.json() == {}
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("behaviour", "status", "headers"),
    [
        pytest.param(refusal(401), 401, {}, id="401"),
        pytest.param(refusal(429, retry_after_seconds=7), 429, {"Retry-After": "7"}, id="429"),
        pytest.param(refusal(500), 500, {}, id="500"),
        pytest.param(
            redirect("http://x.example/"), 307, {"Location": "http://x.example/"}, id="307"
        ),
        pytest.param(
            answer(b"<html>", headers={"Content-Type": "text/html"}),
            200,
            {"Content-Type": "text/html"},
            id="wrong-content",
        ),
    ],
)
async def test_it_answers_with_status_and_headers(
    behaviour: Behaviour, status: int, headers: dict[str, str]
) -> None:
    with FaultyServer(behaviour) as server:
        async with (
            aiohttp.ClientSession() as session,
            session.get(server.url, allow_redirects=False) as reply,
        ):
            assert reply.status == status
            assert {**reply.headers, **headers} == dict(reply.headers)


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(hang, id="hangs"),
        pytest.param(dribble({}, pause_seconds=0.02), id="dribbles"),
        pytest.param(after(5, answer({})), id="is-late"),
    ],
)
async def test_an_impatient_client_gives_up(behaviour: Behaviour) -> None:
    with FaultyServer(behaviour) as server:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await ask(server, IMPATIENT)
        assert len(server.requests) == 1
    assert time.monotonic() - began < 5, "closing waited for the answer"


async def test_a_client_that_hangs_is_not_forgotten() -> None:
    with FaultyServer(hang) as server:
        with pytest.raises(TimeoutError):
            await ask(server, IMPATIENT)
        gc.collect()
        server.behave(answer({}))
        assert await ask(server) == (200, b"{}")


async def test_a_patient_client_gets_what_is_dribbled() -> None:
    with FaultyServer(dribble({"found": 1}, pause_seconds=0.001)) as server:
        assert await ask(server) == (200, b'{"found": 1}')


async def test_nobody_listens_where_it_refuses() -> None:
    with FaultyServer(answer({})) as server:
        server.refuse()
        with pytest.raises(aiohttp.ClientConnectorError) as refused:
            await ask(server)
        assert isinstance(refused.value.os_error, ConnectionRefusedError)
        server.behave(answer({}))
        assert await ask(server) == (200, b"{}")


def test_a_reset_is_a_reset() -> None:
    with (
        FaultyServer(reset) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=30) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


async def test_a_reset_in_the_body_comes_after_the_status() -> None:
    with FaultyServer(reset_mid_body({"found": 1})) as server:
        async with aiohttp.ClientSession() as session, session.get(server.url) as reply:
            assert reply.status == 200
            with pytest.raises(aiohttp.ClientError):
                await reply.read()


async def test_an_oversized_answer_is_as_long_as_wanted() -> None:
    with FaultyServer(oversized(3 * MEBIBYTE + 1)) as server:
        status, body = await ask(server)
    assert (status, len(body), body.strip()) == (200, 3 * MEBIBYTE + 1, b"")


async def test_a_bomb_is_small_until_it_is_unpacked() -> None:
    with FaultyServer(gzip_bomb(8 * MEBIBYTE)) as server:
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.get(server.url) as reply,
        ):
            assert len(await reply.read()) < 16 * 1024
        assert len((await ask(server))[1]) == 8 * MEBIBYTE


async def test_behaviours_take_turns_and_the_last_stays() -> None:
    with FaultyServer(in_turn(refusal(500), answer({}))) as server:
        assert [(await ask(server))[0] for _ in range(3)] == [500, 200, 200]


async def test_tls_is_trusted_only_with_its_authority_and_name() -> None:
    right, wrong = identity(), identity("elsewhere.example")
    with FaultyServer(answer({}), tls=right) as server:
        assert await ask(server, trust=right) == (200, b"{}")
        with pytest.raises(
            aiohttp.ClientConnectorCertificateError, match="unable to get local issuer"
        ):
            await ask(server, trust=wrong)
    with (
        FaultyServer(answer({}), tls=wrong) as server,
        pytest.raises(aiohttp.ClientConnectorCertificateError, match=r"127\.0\.0\.1"),
    ):
        await ask(server, trust=wrong)


async def test_a_tls_client_hangs_in_the_handshake_with_a_server_without() -> None:
    with FaultyServer(answer({})) as server:
        server.url = server.url.replace("http:", "https:")
        with pytest.raises(TimeoutError):
            await ask(server, IMPATIENT)
        assert server.requests == ()


async def test_a_broken_behaviour_is_not_taken_for_a_fault() -> None:
    async def broken(_: object) -> None:
        raise ValueError("made up")

    with (
        pytest.raises(ValueError, match="made up"),
        FaultyServer(broken) as server,
        pytest.raises(aiohttp.ClientError),
    ):
        await ask(server)
