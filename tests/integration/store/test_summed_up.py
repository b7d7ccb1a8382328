"""Statistics say what counting all events would say, summed up or not, removed or not."""

import asyncio
import random
import threading
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from retention_support import days_ago, drop, make_partition, old_event, record, remove, rule, rules
from store_support import (
    READER,
    RETENTION,
    WRITER,
    TestDatabase,
    an_event,
    create_login,
    migrate_to,
)

from workflow_audit.store import schema
from workflow_audit.store.writer import EventWriter

pytestmark = pytest.mark.database

KEYS = {
    "workflow": "event_date, namespace, workflow_id, version",
    "query": "event_date, namespace, query_key, filters, query_text",
}
SUMS = {
    "workflow": (
        "sum(listed), sum(won), sum(scored), sum(confidence_sum), min(confidence_least),"
        " max(confidence_greatest), min(first_won), max(last_won), sum(boost_unattributed),"
        " sum(boost_sum), min(boost_least), max(boost_greatest), sum(penalty_unattributed),"
        " sum(penalty_sum), min(penalty_least), max(penalty_greatest)"
    ),
    "query": "sum(searches), sum(failed), sum(empty), sum(won), sum(scored), sum(confidence_sum)",
}
WORKFLOWS = ("pod-oom-gitops", "pod-oom-manual", "node-drain")
TEXTS = ("OOMKilled critical", "NodeNotReady high", "")

Json = dict[str, Any]


def added_up(
    database: TestDatabase, what: str, relation: str, *, everywhere: bool = False
) -> list[tuple[Any, ...]]:
    """What a relation says, by day; sums of parts are what the statistics have to be."""
    keys = KEYS[what].replace(" namespace,", "") if everywhere else KEYS[what]
    return database.rows(
        f"SELECT {keys}, {SUMS[what]} FROM audit_{what}_{relation} GROUP BY {keys} ORDER BY {keys}"
    )


def assert_right(database: TestDatabase) -> None:
    for what in KEYS:
        assert added_up(database, what, "statistics") == added_up(database, what, "parts")
        of_all = added_up(database, what, "statistics_everywhere", everywhere=True)
        assert of_all == added_up(database, what, "parts", everywhere=True)


def summed_up(database: TestDatabase, most: int = 1000) -> int:
    """Sum up once; gives how many lines the sums have then."""
    with database.connected(WRITER) as writer:
        writer.execute("SELECT audit_sum_up(%s)", [most])
    ((workflows, queries),) = database.rows(
        "SELECT (SELECT count(*) FROM audit_workflow_days), (SELECT count(*) FROM audit_query_days)"
    )
    return int(workflows + queries)


def workflow(rank: int, ident: str, confidence: Any = 0.5, **scoring: Any) -> Json:
    scores = {"confidence": confidence, **scoring}
    return {"workflow_id": ident, "version": "v1.0.0", "rank": rank, "scoring": scores}


def found(*workflows: Json, text: str = TEXTS[0], **filters: str) -> Json:
    return {
        "query": {"text": text, "filters": filters},
        "results": {"total_found": len(workflows), "workflows": list(workflows)},
    }


def a_search(chance: random.Random, number: int, at: datetime) -> Any:
    """Any search: failed, empty, with odd scores, in one of some namespaces."""
    namespace = chance.choice(["payments", "orders", None])
    ident, days = uuid4(), {"retention_days": 30}
    if chance.random() < 0.2:
        data = {"query": {"text": chance.choice(TEXTS)}, "failure": {"code": "CatalogueTimeout"}}
        return old_event(
            number, event_id=ident, event_timestamp=at, event_date=at.date(), namespace=namespace,
            event_outcome="failure", event_data=data, top_workflow_id=None, top_confidence=None,
        )  # fmt: skip
    chosen = chance.sample(WORKFLOWS, chance.randint(0, len(WORKFLOWS)))
    listed = [
        workflow(
            rank,
            name,
            round(chance.random(), 4),
            unattributed={"boost": chance.choice([0, 0, 0.04, -0.01]), "penalty": 0.0},
        )
        for rank, name in enumerate(chosen, start=1)
    ]
    top = listed[0] if listed else None
    return old_event(
        number, event_id=ident, event_timestamp=at, event_date=at.date(), namespace=namespace,
        event_data=found(*listed, text=chance.choice(TEXTS), priority=chance.choice("ab")),
        top_workflow_id=top and top["workflow_id"],
        top_confidence=top and top["scoring"]["confidence"], **days,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_they_are_right(database: TestDatabase, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same at every run
    numbers = iter(range(10_000))
    for _ in range(40):
        match chance.choice(["record", "record", "sum up", "remove", "drop"]):
            case "record":
                at = days_ago(chance.choice([0, 1, 2, 40, 41, 75, 110]))
                record(database, [a_search(chance, next(numbers), at) for _ in range(5)])
            case "sum up":
                summed_up(database, chance.choice([1, 3, 1000]))
            case "remove":
                wanted = rules(orders={"": rule(30)})
                remove(database, days_ago(40), wanted, chance.choice(["payments", "orders"]))
            case "drop":
                everywhere = rules(orders={"": rule(30)}, **{"": {"": rule(30)}})
                at = days_ago(chance.choice([75, 110]))
                with database.connected() as admin:
                    make_partition(admin, at.date())
                assert drop(database, at, everywhere)[0]
        assert_right(database)
    assert summed_up(database)


def test_sums_from_before_those_of_all_namespaces_were_kept_are_in_them(
    empty_database: TestDatabase,
) -> None:
    migrate_to(empty_database, "0006")
    create_login(empty_database.server, WRITER, "IN ROLE workflow_audit_writer")
    chance = random.Random(7)  # noqa: S311 - the same at every run
    searches = [a_search(chance, n, days_ago(n % 3)) for n in range(60)]
    record(empty_database, searches[:50])
    assert summed_up(empty_database, 40)
    assert schema.migrate(empty_database.address("postgres"))
    assert empty_database.rows("SELECT FROM audit_query_days_everywhere")
    assert_right(empty_database)
    record(empty_database, searches[50:])
    summed_up(empty_database)
    assert_right(empty_database)


def test_a_search_is_counted_before_it_is_summed_up_and_afterwards(database: TestDatabase) -> None:
    data = found(
        workflow(1, "a", 0.9, unattributed={"boost": 0.04, "penalty": 0}), workflow(2, "b")
    )
    record(database, [an_event(1, event_data=data), an_event(2, event_data=data)])
    sums = "sum(listed), sum(won), sum(confidence_sum), sum(boost_unattributed)"
    statement = f"SELECT workflow_id, {sums} FROM audit_workflow_statistics GROUP BY 1 ORDER BY 1"
    expected = [("a", 2, 2, Decimal("1.8"), 2), ("b", 2, 0, None, 0)]
    assert database.rows(statement) == expected
    assert summed_up(database) == 3
    assert database.rows(statement) == expected


@pytest.mark.parametrize(
    "event_data",
    [
        {},
        {"results": None},
        {"results": {"workflows": "none"}},
        {"results": {"workflows": [1, None, {}, {"workflow_id": 5}]}},
        {"results": {"workflows": [{"workflow_id": "a", "rank": "1", "scoring": 7}]}},
        {
            "results": {
                "workflows": [{"workflow_id": "a", "rank": 1, "scoring": {"confidence": "x"}}]
            }
        },
        {"query": "text"},
        {"query": {"text": 5, "filters": ["a"]}},
        {"query": {"text": "a\nb", "filters": {"a": {"b": 1}}}},
    ],
)
def test_events_of_any_shape_are_harmless(database: TestDatabase, event_data: Json) -> None:
    record(database, [an_event(1, event_data=event_data)])
    assert_right(database)
    assert summed_up(database)
    assert_right(database)


def test_events_of_other_types_and_of_nobody_do_not_count(database: TestDatabase) -> None:
    record(database, [an_event(1, namespace=None), an_event(2, event_type="another.type")])
    assert summed_up(database) == 0
    assert added_up(database, "query", "statistics") == []


async def test_no_snapshot_shows_a_search_twice_or_not_at_all(database: TestDatabase) -> None:
    """Two operators record and sum up while a reader counts."""
    ended = threading.Event()
    differences: list[tuple[int, int]] = []

    def sum_up() -> None:
        while not ended.is_set():
            summed_up(database, 7)

    def count() -> None:
        with database.connected(READER) as reader:
            while not ended.is_set():
                (pair,) = reader.execute(
                    "SELECT (SELECT count(*) FROM audit_events),"
                    " (SELECT coalesce(sum(searches), 0)::bigint FROM audit_query_statistics)"
                ).fetchall()
                differences.append(pair)

    async with database.pool() as pool, EventWriter(pool) as one, EventWriter(pool) as other:
        threads = [asyncio.to_thread(work) for work in (sum_up, sum_up, count)]
        others = asyncio.gather(*threads)
        for number in range(0, 600, 20):
            await asyncio.gather(
                *((one, other)[n % 2].write(an_event(n), timeout_seconds=30)
                  for n in range(number, number + 20))
            )  # fmt: skip
        ended.set()
        await others
    assert len(differences) > 10
    assert [pair for pair in differences if pair[0] != pair[1]] == []


@pytest.mark.parametrize(
    ("login", "statement"),
    [
        (READER, "SELECT audit_sum_up(10)"),
        (RETENTION, "SELECT audit_sum_up(10)"),
        (RETENTION, "SELECT FROM audit_query_statistics"),
        (WRITER, "SELECT FROM audit_query_statistics"),
        (WRITER, "SELECT FROM audit_query_days"),
        (WRITER, "UPDATE audit_summed_up SET position = 0"),
        (WRITER, "SELECT audit_add_up(NULL, 10, NULL, NULL)"),
        (WRITER, "DELETE FROM audit_workflow_days"),
        (READER, "DELETE FROM audit_workflow_days"),
        (READER, "INSERT INTO audit_summed_up (position) VALUES (1)"),
    ],
)
def test_nobody_changes_them_otherwise(database: TestDatabase, login: str, statement: str) -> None:
    with database.connected(login) as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute(statement.encode())
    assert refused.value.sqlstate == "42501"


@pytest.mark.parametrize("most", [0, 100_001, None])
def test_sums_are_made_in_bounded_steps(database: TestDatabase, most: int | None) -> None:
    with database.connected(WRITER) as writer, pytest.raises(psycopg.Error) as refused:
        writer.execute("SELECT audit_sum_up(%s)", [most])
    assert refused.value.sqlstate == "AU007"


def test_an_older_snapshot_is_refused(database: TestDatabase) -> None:
    with database.connected(WRITER) as writer:
        writer.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        with pytest.raises(psycopg.Error) as refused:
            writer.execute("SELECT audit_sum_up(10)")
    assert refused.value.sqlstate == "AU007"


def test_texts_with_the_same_joined_form_are_told_apart(database: TestDatabase) -> None:
    texts = ["a", "a\n", '"a"', "a, b"]
    record(database, [an_event(n, event_data=found(text=text)) for n, text in enumerate(texts)])
    summed_up(database)
    shown = database.rows("SELECT query_text, searches FROM audit_query_days ORDER BY 1")
    assert sorted(text for text, _ in shown) == sorted(texts)
    assert {number for _, number in shown} == {1}
