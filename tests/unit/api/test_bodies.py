"""Bodies are read within bounds, and refused before they are read where that is possible."""

import asyncio

import pytest

from unit.api.asgi import BATCH, EVENTS, Told, an_application, ingestion, post


async def answer(*arguments: object, **headers: str) -> Told:
    return await post(an_application(ingestion()), *arguments, **headers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"content-length": "16001"}, 413, "the body is larger than 16000 bytes"),
        ({"content-length": "9" * 30}, 413, "the body is larger than 16000 bytes"),
        ({"content-encoding": "gzip"}, 415, "the content encoding 'gzip' is not taken"),
        ({"content-encoding": "Identity, br"}, 415, "'identity, br' is not taken"),
        ({"content-type": "text/json"}, 415, "'text/json' is not taken; send application/json"),
        ({"content-type": "application/json-seq"}, 415, "is not taken"),
    ],
)
async def test_some_are_refused_by_their_head(
    headers: dict[str, str], status: int, said: str
) -> None:
    told = await answer([60.0], **headers)
    assert (told.status, said in told.body["detail"]) == (status, True)


async def test_types_and_encodings_may_be_written_in_other_ways() -> None:
    for headers in (
        {"content-type": "Application/JSON; charset=utf-8"},
        {"content-encoding": "identity"},
    ):
        assert (await answer(b"[]", **headers)).body["type"].endswith("validation-error")


async def test_without_a_length_it_is_read_as_far_as_it_may_be() -> None:
    told = await answer([b"x" * 10_000, b"x" * 6_001, 60.0])
    assert told.status == 413


async def test_a_batch_may_be_larger() -> None:
    assert (await answer(b"[" * 20_000, BATCH)).status == 400
    assert (await answer(b"[" * 32_001, BATCH)).status == 413


async def test_a_slow_one_is_given_up() -> None:
    told = await answer([b"{", 0.15, b'"a"', 0.15, b": 1}"])
    assert (told.status, told.body["title"]) == (408, "Body Too Slow")
    assert "did not come within 0.2 s; 4 bytes have" in told.body["detail"]


async def test_who_goes_away_in_the_midst_is_no_mistake_of_ours() -> None:
    app = an_application(ingestion())
    told = await post(app, [b"{", b""], EVENTS)
    assert told.status == 400
    told = await post(app, [])
    assert (told.status, told.body["title"]) == (400, "Body Incomplete")


async def test_all_that_are_under_way_have_one_bound() -> None:
    taking = ingestion(under_way=30_000, seconds=5)
    app = an_application(taking)
    slow = asyncio.create_task(post(app, [0.3, b"x" * 15_000], **{"content-length": "15000"}))
    growing = asyncio.create_task(post(app, [b"x" * 10_000, 0.3, b"x"]))
    await asyncio.sleep(0.05)
    assert taking.bodies.under_way == 25_000
    told = await post(app, b"x" * 6_000)
    assert (told.status, told.headers["retry-after"]) == (503, "1")
    assert "bodies of 25000 bytes are under way" in told.body["detail"]
    assert (await post(app, b"x" * 5_000)).status == 400
    assert {(await each).status for each in (slow, growing)} == {400}
    assert taking.bodies.under_way == 0
