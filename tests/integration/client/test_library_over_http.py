"""The library against servers that fail in every way: nothing is lost, and nobody waits."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.client import (
    BATCH,
    SECONDS,
    SINGLE,
    asked,
    catalogue_answer,
    client_of,
    correlations,
    first,
    record,
    taking,
    wait_spooled,
)
from support.eventually import eventually
from support.faulty_server import (
    Behaviour,
    Exchange,
    FaultyServer,
    after,
    answer,
    dribble,
    gzip_bomb,
    identity,
    oversized,
    redirect,
    refusal,
    reset,
    reset_mid_body,
)
from workflow_audit.client import AuditClient

ANSWER = {"event_id": "e", "status": "recorded"}
hang = after(600, taking)


def numbers(count: int, first_number: int = 1) -> list[str]:
    return [asked(n)["correlation_id"] for n in range(first_number, first_number + count)]


def test_one_search_is_one_event_with_a_key(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-token\n")
    with (
        FaultyServer(taking) as server,
        client_of(tmp_path, server.url, token_file=token) as client,
    ):
        record(client)
        assert client.flush(SECONDS)
        (request,) = server.requests
    assert (request.method, request.path) == ("POST", SINGLE)
    assert request.headers["Authorization"] == "Bearer a-token"
    assert request.headers["Idempotency-Key"]
    assert request.json()["event_data"]["results"]["returned"] == 8
    assert request.json()["namespace"] == "default"


def test_a_backlog_goes_in_batches(tmp_path: Path) -> None:
    with FaultyServer(hang) as server:
        server.refuse()
        with client_of(tmp_path, server.url) as client:
            record(client, 250)
            wait_spooled(client, 250)
            eventually(lambda: client.stats().failed_attempts, within_seconds=SECONDS)
            server.behave(taking)
            assert client.flush(SECONDS)
            assert client.stats().sent == 250
        batches = [len(r.json()) for r in server.requests if r.path == BATCH]
        assert sum(batches) == 249, "one was the probe"
        assert max(batches) == 100
        keys = [e["idempotency_key"] for r in server.requests if r.path == BATCH for e in r.json()]
        assert len(set(keys)) == 249
        assert correlations(server.requests) == numbers(250)


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(hang, id="hangs"),
        pytest.param(dribble(ANSWER, 0.1), id="dribbles"),
        pytest.param(reset, id="resets"),
        pytest.param(reset_mid_body(ANSWER), id="resets-in-the-body"),
        pytest.param(refusal(401), id="401"),
        pytest.param(refusal(403), id="403"),
        pytest.param(refusal(404), id="404"),
        pytest.param(refusal(408), id="408"),
        pytest.param(refusal(429, 1), id="429"),
        pytest.param(refusal(500), id="500"),
        pytest.param(refusal(503, 1), id="503"),
        pytest.param(answer(b"<html>please log in</html>"), id="another-page"),
        pytest.param(answer({"items": []}), id="another-service"),
        pytest.param(oversized(20 * 1024 * 1024), id="oversized"),
        pytest.param(gzip_bomb(50 * 1024 * 1024), id="gzip-bomb"),
    ],
)
def test_what_could_not_be_sent_is_sent_again(
    tmp_path: Path, trouble: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        FaultyServer(first(trouble, 2)) as server,
        client_of(tmp_path, server.url, timeout_seconds=0.4) as client,
    ):
        record(client)
        assert eventually(lambda: client.flush(0.5), within_seconds=SECONDS)
        stats = client.stats()
        assert (stats.sent, stats.failed_attempts, stats.spooled) == (1, 2, 0)
        keys = {request.headers["Idempotency-Key"] for request in server.requests}
        assert len(keys) == 1, "every attempt is about the same event"
    assert "searches cannot be sent now" in caplog.text
    assert "OOMKilled critical" not in caplog.text


def test_a_dead_server_costs_nothing_but_room_in_the_spool(tmp_path: Path) -> None:
    with FaultyServer(taking) as server:
        server.refuse()
        with client_of(tmp_path, server.url) as client:
            record(client, 5)
            wait_spooled(client, 5)
        with client_of(tmp_path, server.url) as client:
            assert client.stats().spooled == 5, "those of the process before"
            server.behave(taking)
            assert eventually(lambda: client.flush(0.5), within_seconds=SECONDS)
        assert sorted(correlations(server.requests)) == numbers(5)


@pytest.mark.parametrize("status", [403, 503])
def test_a_server_that_takes_nothing_is_left_in_peace(tmp_path: Path, status: int) -> None:
    with FaultyServer(hang) as server:
        server.refuse()
        with client_of(tmp_path, server.url) as client:
            record(client, 50)
            wait_spooled(client, 50)
            server.behave(refusal(status))
            eventually(lambda: len(server.requests) >= 4, within_seconds=SECONDS)
            first_one, *_, fourth = server.requests[:4]
            assert fourth.at - first_one.at > 2, "pauses are at least 1, 2 and 4 halves"
            assert {request.path for request in server.requests[1:]} == {SINGLE}


def test_a_server_that_begins_to_take_events_gets_batches(tmp_path: Path) -> None:
    with FaultyServer(first(refusal(404), 3)) as server, client_of(tmp_path, server.url) as client:
        record(client, 50)
        assert eventually(lambda: client.flush(0.5), within_seconds=SECONDS)
        assert client.stats().sent == 50
        assert BATCH in {request.path for request in server.requests[3:]}


def test_retry_after_is_kept(tmp_path: Path) -> None:
    with (
        FaultyServer(first(refusal(429, 2))) as server,
        client_of(tmp_path, server.url) as client,
    ):
        record(client)
        eventually(lambda: client.stats().sent, within_seconds=SECONDS)
        refused, taken = server.requests
        assert taken.at - refused.at > 1.5


def test_a_search_by_which_the_server_fails_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async def failing(exchange: Exchange) -> None:
        bad = b"rr-2026-000001" in exchange.request.body
        await (refusal(500) if bad else taking)(exchange)

    with FaultyServer(failing) as server, client_of(tmp_path, server.url) as client:
        record(client, 4)

        def others_arrived() -> bool:
            client.flush(0.05)  # ends the pause
            return client.stats().sent == 3

        eventually(others_arrived, within_seconds=SECONDS)
        assert client.stats().spooled == 1


def test_of_two_searches_with_one_key_the_first_counts(tmp_path: Path) -> None:
    with FaultyServer(refusal(409)) as server, client_of(tmp_path, server.url) as client:
        record(client)
        assert client.flush(SECONDS)
        assert (client.stats().replayed, client.stats().refused) == (1, 0)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_is_refused_for_good_is_put_aside_and_tried_once_more_at_the_next_start(
    tmp_path: Path, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with FaultyServer(refusal(status)) as server:
        for attempts in (1, 2, 2):
            with client_of(tmp_path, server.url) as client:
                if not server.requests:
                    record(client)
                eventually(lambda: len(server.requests) == attempts, within_seconds=SECONDS)  # noqa: B023
                assert client.flush(SECONDS)
        assert len(server.requests) == 2
    assert f"the server answers {status}" in caplog.text


def test_one_bad_event_of_a_batch_does_not_sink_the_others(tmp_path: Path) -> None:
    async def judging(exchange: Exchange) -> None:
        body = exchange.request.json()
        if not isinstance(body, list):
            return await taking(exchange)
        results: list[dict[str, Any]] = []
        for index, event in enumerate(body):
            bad = {
                "rr-2026-000003": ("refused", {"status": 422, "detail": "bad"}),
                "rr-2026-000004": ("refused", {"status": 403, "detail": "not there"}),
                "rr-2026-000005": ("unavailable", {"status": 503, "detail": "database"}),
                "rr-2026-000006": ("replayed", None),
                "rr-2026-000007": ("skipped", None),
                "rr-2026-000008": ("refused", {"status": 409, "detail": "another"}),
            }
            status, problem = bad.get(event["correlation_id"], ("recorded", None))
            results.append({"index": index, "status": status, "problem": problem})
        return await answer({"results": results[::-1], "event_ids": []}, 207)(exchange)

    with FaultyServer(hang) as server:
        server.refuse()
        with client_of(tmp_path, server.url) as client:
            record(client, 10)
            wait_spooled(client, 10)
            server.behave(judging)

            def refused_and_sent() -> tuple[int, int, int, int]:
                client.flush(0.05)
                stats = client.stats()
                return stats.refused, stats.replayed, stats.skipped, stats.sent

            # The two that are to be sent again arrive as single ones.
            eventually(
                refused_and_sent, until=lambda seen: seen == (1, 2, 1, 6), within_seconds=SECONDS
            )


@pytest.mark.parametrize("status", [400, 404, 405, 413])
def test_where_batches_are_refused_single_events_are_sent(tmp_path: Path, status: int) -> None:
    async def only_single(exchange: Exchange) -> None:
        batch = exchange.request.path == BATCH
        await (refusal(status) if batch else taking)(exchange)

    with FaultyServer(hang) as server:
        server.refuse()
        with client_of(tmp_path, server.url) as client:
            record(client, 20)
            wait_spooled(client, 20)
            server.behave(only_single)
            assert eventually(lambda: client.flush(0.5), within_seconds=SECONDS)
            assert client.stats().sent == 20
            assert client.stats().refused == 0


def test_an_answer_that_leaves_out_some_has_these_sent_again(tmp_path: Path) -> None:
    async def forgetful(exchange: Exchange) -> None:
        if exchange.request.path != BATCH:
            return await taking(exchange)
        known = [{"index": 0, "status": "recorded"}, {"index": 99}, {"index": "1"}, 7]
        return await answer({"results": known}, 201)(exchange)

    with FaultyServer(hang) as server:
        server.refuse()
        with client_of(tmp_path, server.url) as client:
            record(client, 4)
            wait_spooled(client, 4)
            server.behave(forgetful)
            assert eventually(lambda: client.flush(0.5), within_seconds=SECONDS)
            assert client.stats().sent == 4


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(tmp_path: Path, status: int) -> None:
    with (
        FaultyServer(taking) as elsewhere,
        FaultyServer(redirect(elsewhere.url, status)) as server,
        client_of(tmp_path, server.url) as client,
    ):
        record(client)
        eventually(lambda: client.stats().failed_attempts, within_seconds=SECONDS)
        assert elsewhere.requests == ()
        assert client.stats().spooled == 1


def test_tls_is_verified_and_a_mended_authority_is_read_anew(tmp_path: Path) -> None:
    ours, another = identity("127.0.0.1"), identity("127.0.0.1")
    authorities = tmp_path / "ca.crt"
    authorities.write_text(another.authority)
    with (
        FaultyServer(taking, tls=ours) as server,
        client_of(tmp_path, server.url, ca_file=authorities) as client,
    ):
        record(client)
        eventually(lambda: client.stats().failed_attempts, within_seconds=SECONDS)
        assert server.requests == ()
        authorities.write_text(ours.authority)
        assert eventually(lambda: client.flush(0.5), within_seconds=SECONDS)


@pytest.mark.parametrize("problem", ["name", "authority", "file"])
def test_a_server_that_cannot_be_trusted_gets_nothing(
    tmp_path: Path, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    served = identity("elsewhere.example") if problem == "name" else identity()
    authorities = tmp_path / "ca.crt"
    if problem == "name":
        authorities.write_text(served.authority)
    settings = {} if problem == "authority" else {"ca_file": authorities}
    with (
        FaultyServer(taking, tls=served) as server,
        client_of(tmp_path, server.url, **settings) as client,
    ):
        record(client)
        eventually(lambda: client.stats().failed_attempts, within_seconds=SECONDS)
        assert server.requests == ()
    expected = "FileNotFoundError" if problem == "file" else "certificate verify failed"
    assert expected in caplog.text


def test_a_token_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")

    async def expecting_new(exchange: Exchange) -> None:
        known = exchange.request.headers["Authorization"] == "Bearer new"
        await (taking if known else refusal(401))(exchange)

    with (
        FaultyServer(expecting_new) as server,
        client_of(tmp_path, server.url, token_file=token) as client,
    ):
        record(client)
        eventually(lambda: client.stats().failed_attempts, within_seconds=SECONDS)
        token.write_text("new")
        assert eventually(lambda: client.flush(0.5), within_seconds=SECONDS)


def test_what_waits_for_one_server_is_not_sent_to_another(tmp_path: Path) -> None:
    with FaultyServer(taking) as meant, FaultyServer(taking) as other:
        meant.refuse()
        with client_of(tmp_path, meant.url) as client:
            record(client)
            wait_spooled(client, 1)
        with client_of(tmp_path, other.url) as client:
            record(client, first=2)
            assert client.flush(SECONDS)
        assert correlations(other.requests) == numbers(1, 2)


def _in_debug_log(caplog: pytest.LogCaptureFixture, act: Callable[[], None]) -> str:
    with caplog.at_level(logging.DEBUG):
        act()
    return caplog.text


def test_no_log_line_says_what_was_searched(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "a very secret query"  # noqa: S105 - of nobody

    def act() -> None:
        bad = answer({"detail": f"not {secret}"}, 422)
        with FaultyServer(bad) as server, client_of(tmp_path, server.url) as client:
            for response in (catalogue_answer(), None, {"workflows": secret}, object()):
                client.search_completed(correlation_id="a", query=secret, response=response)
            client.search_failed(correlation_id="a", query=secret, error=ValueError(secret))
            client.search_completed(correlation_id="a", query=Unspeakable(), response={})  # type: ignore[arg-type]
            client.flush(SECONDS)

    text = _in_debug_log(caplog, act)
    assert "does not take search" in text
    assert "secret" not in text


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError("a very secret query")


def test_an_event_is_json_that_others_read_too(tmp_path: Path) -> None:
    with FaultyServer(taking) as server, client_of(tmp_path, server.url) as client:
        client.search_completed(
            correlation_id="ä", query="\ud83d \x00 €", response=catalogue_answer()
        )
        assert client.flush(SECONDS)
        (request,) = server.requests
    assert json.loads(request.body)["event_data"]["query"]["text"] == "\ufffd \ufffd €"


def test_from_env_sends_where_the_variable_says(tmp_path: Path) -> None:
    with FaultyServer(taking) as server:
        environment = {
            "data_storage_audit_url": server.url,
            "AUDIT_SPOOL_PATH": str(tmp_path / "spool"),
            "audit_timeout_seconds": "2",
        }
        with AuditClient.from_env(environment) as client:
            record(client)
            assert client.flush(SECONDS)
        assert correlations(server.requests) == numbers(1)
        assert "namespace" not in server.requests[0].json()


def test_switched_off_it_does_nothing(tmp_path: Path) -> None:
    with FaultyServer(taking) as server:
        environment = {
            "data_storage_audit_url": server.url,
            "AUDIT_SPOOL_PATH": str(tmp_path / "spool"),
            "audit_enabled": "false",
        }
        with AuditClient.from_env(environment) as client:
            record(client, 3)
            with client.search(correlation_id="a", query="b") as search:
                search.response = catalogue_answer()
            assert client.flush(1)
            assert client.stats().sent == 0
        assert server.requests == ()
    assert not (tmp_path / "spool").exists()
