"""The functions that remove events, called wrongly: what may not go stays, whatever is asked."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from retention_support import (
    HOLD,
    POLICY,
    RUN,
    call,
    days_ago,
    drop,
    month_of,
    old_event,
    partitions,
    place_hold,
    record,
    remove,
    rule,
    rules,
    trace,
)
from store_support import CLUSTER, READER, RETENTION, WRITER, TestDatabase, utc_now

from support.eventually import eventually
from workflow_audit.models.event import AuditEvent

pytestmark = pytest.mark.database

APPEND_ONLY, REFUSED_BY_RIGHTS = "AU001", "42501"
NOT_LIKE_THIS, MONTH_NOT_OVER, NO_PARTITION, LOCKED = "AU004", "AU005", "AU006", "55P03"
OLD = days_ago(100)


def event(**changes: Any) -> AuditEvent:
    return old_event(1, **changes)


def named(policy: str | None) -> dict[str, Any]:
    return {"event_metadata": {"policy": policy} if policy else {}}


def sqlstate(attempt: Callable[[], object]) -> str | None:
    try:
        attempt()
    except psycopg.Error as error:
        return error.sqlstate
    return None


STAYS = {
    "its-own-days-are-not-over": (event(retention_days=2555), rules(1)),
    "its-own-days-are-over-tomorrow": (event(retention_days=101), rules(1)),
    "its-own-days-count-also-where-the-policy-says-none": (event(retention_days=2555), rules(0)),
    "its-own-days-count-also-where-the-policy-says-nonsense": (
        event(retention_days=2555),
        rules(-90_000),
    ),
    "the-days-of-its-policy-are-not-over": (event(), rules(101)),
    "its-policy-keeps-everything": (event(), rules(None)),
    "its-policy-keeps-it-though-others-go": (
        event(**named("AuditPolicy/strict")),
        rules(payments={"AuditPolicy/strict": rule(None), "": rule(1)}),
    ),
    "its-policy-has-a-rule-of-its-own": (
        event(**named("AuditPolicy/strict")),
        rules(payments={"AuditPolicy/strict": rule(101), "": rule(1)}),
    ),
    "nothing-is-said-of-its-policy": (
        event(**named("AuditPolicy/other")),
        rules(payments={"AuditPolicy/strict": rule(1)}),
    ),
    "nothing-is-said-of-its-namespace": (event(), rules(payments={})),
    "it-is-of-another-cluster": (event(cluster_id="another"), rules(1)),
}

GOES = {
    "by-the-rule-for-the-rest": (event(), rules(100)),
    "by-the-rule-of-its-policy": (
        event(**named("AuditPolicy/strict")),
        rules(payments={"AuditPolicy/strict": rule(100), "": rule(None)}),
    ),
    "without-a-policy": (event(**named(None)), rules(1)),
    "without-a-cluster": (event(cluster_id=None), rules(1)),
}


@pytest.mark.parametrize(("old", "wanted"), STAYS.values(), ids=STAYS)
def test_what_may_not_go_stays(database: TestDatabase, old: AuditEvent, wanted: Any) -> None:
    record(database, [old])
    assert remove(database, OLD, wanted) == 0
    assert drop(database, OLD, wanted) == (False, 0)
    assert database.event_ids() == [old.event_id]
    assert trace(database, "operation") == []


@pytest.mark.parametrize(("old", "wanted"), GOES.values(), ids=GOES)
def test_what_may_go_goes(database: TestDatabase, old: AuditEvent, wanted: Any) -> None:
    record(database, [old])
    assert remove(database, OLD, wanted) == 1
    record(database, [old])
    assert drop(database, OLD, wanted) == (True, 1)
    assert database.event_ids() == []


def test_an_event_without_a_namespace_goes_by_the_rule_for_such(database: TestDatabase) -> None:
    record(database, [event(namespace=None)])
    assert remove(database, OLD, rules(1)) == 0
    assert remove(database, OLD, rules(**{"": {"": rule(1)}}), "") == 1


def test_the_hold_of_the_row_itself_holds(database: TestDatabase) -> None:
    record(database, [event()], legal_hold=True)
    assert remove(database, OLD, rules(1)) == 0
    assert drop(database, OLD, rules(1)) == (False, 0)
    assert len(database.event_ids()) == 1


LISTED = {"results": {"workflows": [{"workflow_id": "first"}, {"workflow_id": "second"}]}}

HOLDS: dict[str, tuple[dict[str, Any], bool]] = {
    "everything-everywhere": ({}, True),
    "of-its-namespace": ({"policy_namespace": "payments"}, True),
    "of-another-namespace": ({"policy_namespace": "billing"}, False),
    "of-another-cluster": ({"cluster": "another"}, False),
    "its-request": ({"correlation_ids": ["x", "rr-2026-000001"]}, True),
    "another-request": ({"correlation_ids": ["rr-2026-000002"]}, False),
    "its-winner": ({"workflow_ids": ["pod-oom-gitops"]}, True),
    "a-workflow-that-it-lists": ({"workflow_ids": ["x", "second"]}, True),
    "another-workflow": ({"workflow_ids": ["third"]}, False),
    "its-request-or-another-workflow": (
        {"correlation_ids": ["rr-2026-000001"], "workflow_ids": ["third"]},
        True,
    ),
    "from-before-it": ({"held_from": days_ago(101)}, True),
    "from-after-it": ({"held_from": days_ago(99)}, False),
    "to-after-it": ({"held_to": days_ago(99)}, True),
    "to-before-it": ({"held_to": days_ago(101)}, False),
    "its-request-at-another-time": (
        {"correlation_ids": ["rr-2026-000001"], "held_from": days_ago(99)},
        False,
    ),
}


@pytest.mark.parametrize(("hold", "holds"), HOLDS.values(), ids=HOLDS)
def test_a_legal_hold_wins_over_everything(
    database: TestDatabase, hold: dict[str, Any], holds: bool
) -> None:
    record(database, [event(event_data=LISTED)])
    with database.connected(RETENTION) as connection:
        assert place_hold(connection, **hold)
    assert drop(database, OLD, rules(1))[0] is not holds
    if holds:
        assert remove(database, OLD, rules(1)) == 0
        assert len(database.event_ids()) == 1
    else:
        record(database, [event(event_data=LISTED)])
        assert remove(database, OLD, rules(1)) == 1


def test_events_of_no_cluster_are_held_by_every_clusters_holds(database: TestDatabase) -> None:
    record(database, [event(cluster_id=None)])
    with database.connected(RETENTION) as connection:
        place_hold(connection, cluster="another")
    assert remove(database, OLD, rules(1)) == 0


@pytest.mark.parametrize(
    "data",
    [{"results": {}}, {"results": []}, {"results": {"workflows": "x"}}, {"invalid": {"path": "x"}}],
)
def test_data_of_any_shape_can_be_looked_through(
    database: TestDatabase, data: dict[str, Any]
) -> None:
    record(database, [event(event_data=data)])
    with database.connected(RETENTION) as connection:
        place_hold(connection, workflow_ids=["third"])
    assert remove(database, OLD, rules(1)) == 1


def test_a_hold_that_is_being_placed_is_waited_for(database: TestDatabase) -> None:
    record(database, [event()])
    with database.connected(RETENTION) as placing, ThreadPoolExecutor(1) as threads:
        placing.execute("BEGIN")
        place_hold(placing)
        removing = threads.submit(remove, database, OLD, rules(1))
        eventually(lambda: database.rows(WAITING_LOCKS))
        placing.execute("COMMIT")
        assert removing.result() == 0
    assert len(database.event_ids()) == 1


def test_an_isolation_level_under_which_holds_stay_unseen_is_refused(
    database: TestDatabase,
) -> None:
    record(database, [event()])
    with database.connected(RETENTION) as connection:
        connection.execute("SET default_transaction_isolation = 'repeatable read'")
        for attempt in (
            lambda: call(connection, "audit_drop_partition", *REMOVAL, rules(1)),
            lambda: call(connection, "audit_remove_events", *REMOVAL, "payments", *REST),
        ):
            assert sqlstate(attempt) == NOT_LIKE_THIS
    assert len(database.event_ids()) == 1


REMOVAL = (RUN, str(CLUSTER), month_of(OLD))
REST = (rules(1), None, None, 10)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("audit_remove_events", (None, *REMOVAL[1:], "payments", *REST)),
        ("audit_remove_events", (RUN, None, REMOVAL[2], "payments", *REST)),
        ("audit_remove_events", (*REMOVAL[:2], None, "payments", *REST)),
        ("audit_remove_events", (*REMOVAL, None, *REST)),
        ("audit_remove_events", (*REMOVAL, "payments", None, None, None, 10)),
        ("audit_remove_events", (*REMOVAL, "payments", rules(1), None, None, None)),
        ("audit_remove_events", (*REMOVAL, "payments", rules(1), None, None, 0)),
        ("audit_remove_events", (*REMOVAL, "payments", rules(1), None, None, 100_001)),
        ("audit_drop_partition", (None, *REMOVAL[1:], rules(1))),
        ("audit_drop_partition", (*REMOVAL, None)),
        ("audit_drop_partition", (*REMOVAL, psycopg.types.json.Jsonb([]))),
    ],
)
def test_half_a_call_is_refused(
    database: TestDatabase, function: str, arguments: tuple[Any, ...]
) -> None:
    record(database, [event()])
    with database.connected(RETENTION) as connection:
        assert sqlstate(lambda: call(connection, function, *arguments)) == NOT_LIKE_THIS
    assert len(database.event_ids()) == 1


@pytest.mark.parametrize(
    ("days", "state"), [(0, MONTH_NOT_OVER), (-40, MONTH_NOT_OVER), (400, NO_PARTITION)]
)
def test_only_a_month_that_is_over_and_there_is_dropped(
    database: TestDatabase, days: int, state: str
) -> None:
    before = partitions(database)
    assert sqlstate(lambda: drop(database, days_ago(days), rules(1))) == state
    assert partitions(database) == before


def test_a_partition_with_one_event_that_stays_is_kept(database: TestDatabase) -> None:
    record(database, [old_event(n) for n in range(20)])
    record(database, [old_event(99, retention_days=2555)])
    assert drop(database, OLD, rules(1)) == (False, 0)
    assert len(database.event_ids()) == 21


def test_a_dropped_partition_leaves_a_line_for_each_policy_and_namespace(
    database: TestDatabase,
) -> None:
    record(database, [old_event(n, **named("AuditPolicy/strict")) for n in range(3)])
    record(database, [old_event(n) for n in range(3, 5)])
    record(database, [old_event(n, namespace="billing") for n in range(5, 9)])
    strict = rule(10, "AuditPolicy/strict", namespace="payments", generation=3)
    wanted = rules(payments={"AuditPolicy/strict": strict, "": rule(20)}, billing={"": rule(20)})
    assert drop(database, OLD, wanted) == (True, 9)
    what = "operation", "namespace", "policy", "policy_namespace", "policy_generation"
    assert set(trace(database, *what, "removed_rows", "month")) == {
        ("drop_partition", "billing", POLICY, None, 7, 4, month_of(OLD)),
        ("drop_partition", "payments", POLICY, None, 7, 2, month_of(OLD)),
        ("drop_partition", "payments", "AuditPolicy/strict", "payments", 3, 3, month_of(OLD)),
    }
    assert set(trace(database, "run_id", "cluster_id", "login")) == {(RUN, str(CLUSTER), RETENTION)}
    assert "older than the 10 days of the policy" in str(trace(database, "reason"))
    assert f"audit_events_{OLD:%Y_%m}" not in partitions(database)


def test_an_empty_partition_leaves_a_line_too(database: TestDatabase) -> None:
    record(database, [event()])
    remove(database, OLD, rules(1))
    assert drop(database, OLD, rules(1)) == (True, 0)
    assert trace(database, "operation", "removed_rows")[1:] == [("drop_partition", 0)]


def test_batches_are_bounded_begin_with_the_oldest_and_say_where_they_ended(
    database: TestDatabase,
) -> None:
    first = days_ago(100).replace(day=2, hour=0, minute=0, second=0)
    times = [first + timedelta(seconds=n // 2) for n in range(7)]  # two of a time
    events = sorted(
        (old_event(n, event_timestamp=at, event_date=at.date()) for n, at in enumerate(times)),
        key=lambda each: (each.event_timestamp, each.event_id),
    )
    kept = replace(events[3], correlation_id="held")
    record(database, [*events[:3], kept, *events[4:]])
    with database.connected(RETENTION) as connection:
        place_hold(connection, correlation_ids=["held"])
        since, since_id, found = None, None, []
        for _ in range(3):
            arguments = (*REMOVAL[:2], month_of(first), "payments", rules(1), since, since_id, 3)
            seen, removed, since, since_id = call(connection, "audit_remove_events", *arguments)
            found.append((seen, removed))
            last = events[min(3 * len(found), 7) - 1]
            assert (since, since_id) == (last.event_timestamp, last.event_id)
        assert call(connection, "audit_remove_events", *arguments[:5], since, since_id, 3) == (
            (0, 0, None, None)
        )
    assert found == [(3, 3), (3, 2), (1, 1)]
    assert database.event_ids() == [kept.event_id]
    assert trace(database, "removed_rows", "oldest", "newest")[1:] == [
        (3, times[0], times[2]),
        (2, times[4], times[5]),
        (1, times[6], times[6]),
    ]


def test_only_the_month_that_is_named_is_touched(database: TestDatabase) -> None:
    record(database, [old_event(1, 100), old_event(2, 200)])
    assert remove(database, days_ago(200), rules(1)) == 1
    assert database.event_ids() == [old_event(1).event_id]


@pytest.mark.parametrize("login", [WRITER, READER, RETENTION, "postgres"])
@pytest.mark.parametrize("forged", ["expired", "on"])
def test_the_setting_alone_does_nothing(database: TestDatabase, login: str, forged: str) -> None:
    record(database, [event()])
    with database.connected(login) as connection:
        connection.execute(f"SET workflow_audit.removing = '{forged}'".encode())
        expected = APPEND_ONLY if login == "postgres" else REFUSED_BY_RIGHTS
        assert sqlstate(lambda: connection.execute("DELETE FROM audit_events")) == expected
    assert len(database.event_ids()) == 1


@pytest.mark.parametrize(
    ("old", "held", "statement"),
    [
        pytest.param(event(retention_days=2555), False, "DELETE FROM audit_events", id="unexpired"),
        pytest.param(event(), True, "DELETE FROM audit_events", id="held"),
        pytest.param(event(), False, "UPDATE audit_events SET severity = NULL", id="update"),
        pytest.param(event(), False, "TRUNCATE audit_events", id="truncate"),
    ],
)
def test_not_even_the_owner_with_the_setting_gets_past_the_guard_of_a_row(
    database: TestDatabase, old: AuditEvent, held: bool, statement: str
) -> None:
    record(database, [old], legal_hold=held)
    with database.connected() as connection:
        connection.execute("SET ROLE workflow_audit_owner")
        connection.execute("SET workflow_audit.removing = 'expired'")
        assert sqlstate(lambda: connection.execute(statement.encode())) == APPEND_ONLY
    assert len(database.event_ids()) == 1


def test_the_way_past_the_guard_closes_behind_the_function(database: TestDatabase) -> None:
    record(database, [event()])
    with database.connected() as connection:
        connection.execute("BEGIN; SET ROLE workflow_audit_owner")
        call(connection, "audit_remove_events", *REMOVAL, "payments", *REST)
        assert connection.execute("SHOW workflow_audit.removing").fetchone() == ("",)
        connection.execute("ROLLBACK")


FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "audit_remove_events": (*REMOVAL, "payments", *REST),
    "audit_drop_partition": (*REMOVAL, rules(1)),
    "audit_count_expired": (*REMOVAL[1:], rules(1)),
    "audit_place_hold": tuple(HOLD.values()),
    "audit_release_hold": (RUN, None, None, "x"),
    "audit_finish_run": (RUN, str(CLUSTER), psycopg.types.json.Jsonb({})),
}


@pytest.mark.parametrize("login", [WRITER, READER])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_other_role_may_call(database: TestDatabase, login: str, function: str) -> None:
    with database.connected(login) as connection:
        attempt = lambda: call(connection, function, *FUNCTIONS[function])  # noqa: E731
        assert sqlstate(attempt) == REFUSED_BY_RIGHTS


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT event_id FROM audit_events",
        "SELECT event_data FROM audit_events",
        "DELETE FROM audit_events",
        "INSERT INTO audit_events (event_id) VALUES (gen_random_uuid())",
        "DELETE FROM legal_holds",
        "INSERT INTO legal_holds (name) VALUES ('x')",
        "UPDATE legal_holds SET held_to = now()",
        "TRUNCATE legal_holds",
        "INSERT INTO retention_operations (operation) VALUES ('finish_run')",
        "DELETE FROM retention_operations",
        "SELECT * FROM audit_candidates('x', '2024-01-01', '2024-02-01', '{}')",
        "SELECT audit_begin_removal(gen_random_uuid(), 'x', '2024-01-01', '{}')",
        "SELECT audit_ensure_partition(current_date)",
        "DROP TABLE retention_operations",
        "ALTER TABLE legal_holds ADD COLUMN x int",
    ],
)
def test_retention_may_do_nothing_but_call_its_functions(
    shared_database: TestDatabase, statement: str
) -> None:
    with shared_database.connected(RETENTION) as connection:
        assert sqlstate(lambda: connection.execute(statement.encode())) == REFUSED_BY_RIGHTS


@pytest.mark.parametrize("who", ["postgres", "owner", RETENTION, READER, WRITER])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE retention_operations SET removed_rows = 0",
        "DELETE FROM retention_operations",
        "TRUNCATE retention_operations",
    ],
)
def test_the_trace_is_append_only(database: TestDatabase, who: str, statement: str) -> None:
    record(database, [event()])
    remove(database, OLD, rules(1))
    with database.connected("postgres" if who == "owner" else who) as connection:
        if who == "owner":
            connection.execute("SET ROLE workflow_audit_owner")
            connection.execute("SET workflow_audit.removing = 'expired'")
        expected = APPEND_ONLY if who in {"postgres", "owner"} else REFUSED_BY_RIGHTS
        assert sqlstate(lambda: connection.execute(statement.encode())) == expected
    assert trace(database, "removed_rows") == [(1,)]


def test_the_reader_reads_trace_and_holds_and_the_writer_does_not(database: TestDatabase) -> None:
    for table in ("retention_operations", "legal_holds"):
        statement = f"SELECT * FROM {table}".encode()
        with database.connected(READER) as reader:
            reader.execute(statement)
        with database.connected(WRITER) as writer:
            assert sqlstate(lambda: writer.execute(statement)) == REFUSED_BY_RIGHTS  # noqa: B023


def test_a_partition_that_somebody_reads_is_given_up_quickly_and_writers_go_on(
    database: TestDatabase,
) -> None:
    record(database, [event()])
    with database.connected() as reading:
        reading.execute("BEGIN; SELECT count(*) FROM audit_events")
        began = time.monotonic()
        assert sqlstate(lambda: drop(database, OLD, rules(1))) == LOCKED
        assert time.monotonic() - began < 5
        record(database, [old_event(2, 0)])
    assert drop(database, OLD, rules(1)) == (True, 1)


def test_no_event_arrives_between_looking_and_dropping(database: TestDatabase) -> None:
    """Who comes late is waited for, and then seen; tried until one commits in time."""
    for age in range(100, 1500, 40):
        at = days_ago(age)
        record(database, [old_event(age, age)])
        with database.connected() as late, ThreadPoolExecutor(1) as threads:
            late.execute("BEGIN")
            late.execute(COPY_THAT_STAYS, [old_event(age).event_id])
            dropping = threads.submit(sqlstate, lambda: drop(database, at, rules(1)))  # noqa: B023
            eventually(
                lambda: dropping.done() or database.rows(WAITING_LOCKS)  # noqa: B023
            )
            late.execute("COMMIT")
            came_too_late = dropping.result() == LOCKED
        assert len(database.event_ids()) == 2, "neither of both is gone"
        if not came_too_late:
            return
        drop_everything(database)
    raise AssertionError("the lock was never given within its time")


WAITING_LOCKS = "SELECT FROM pg_locks WHERE NOT granted"

COPY_THAT_STAYS = """
    INSERT INTO audit_events
    SELECT (jsonb_populate_record(e, jsonb_build_object(
               'event_id', gen_random_uuid(), 'retention_days', 2555))).*
      FROM audit_events AS e WHERE event_id = %s
"""


def drop_everything(database: TestDatabase) -> None:
    with database.connected() as admin:
        for partition in partitions(database):
            admin.execute(f"DROP TABLE {partition}".encode())


def test_the_rules_are_applied_by_an_index(database: TestDatabase) -> None:
    """Else each batch would read the whole month: the function's query is put into the caller's."""
    record(database, [event()])
    ends = OLD.replace(day=1) + timedelta(days=32)
    statement = f"""
        EXPLAIN SELECT * FROM audit_candidates('x', '{OLD:%Y-%m-01}', '{ends:%Y-%m-01}', '{{}}')
         WHERE namespace = 'payments' ORDER BY event_timestamp, event_id LIMIT 5
    """
    with database.connected() as connection:
        connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        shown = "\n".join(line for (line,) in connection.execute(statement.encode()))
    assert "Index Scan" in shown, shown
    assert "namespace_event_timestamp_idx" in shown, shown
    assert "Function Scan" not in shown
    assert "Append" not in shown, "only one partition is looked at"


def test_counting_counts_what_would_go_by_policy_and_touches_nothing(
    database: TestDatabase,
) -> None:
    record(database, [old_event(n) for n in range(3)])
    record(database, [old_event(n, retention_days=2555) for n in range(3, 5)])
    record(database, [old_event(9, correlation_id="held")])
    with database.connected(RETENTION) as connection:
        place_hold(connection, correlation_ids=["held"])
        found = call(connection, "audit_count_expired", *REMOVAL[1:], rules(30))
    policy, namespace, events, size, oldest, held = found
    assert (policy, namespace, events, held) == (POLICY, None, 3, 1)
    assert 3 * 300 < size < 3 * 3000
    assert oldest == OLD
    assert len(database.event_ids()) == 6


def test_a_clock_set_to_the_days_of_the_row(database: TestDatabase) -> None:
    """A day is 24 hours from the event's time, whatever time zone the session is in."""
    over = utc_now() - timedelta(days=30)  # not NOW: the tests before may have taken an hour
    young, old = (
        old_event(number, event_timestamp=at, event_date=at.date())
        for number, at in enumerate((over + timedelta(hours=1), over - timedelta(hours=1)), 1)
    )
    record(database, [young, old])
    with database.connected(RETENTION) as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        for month in {month_of(over - timedelta(days=1)), month_of(over + timedelta(days=1))}:
            call(connection, "audit_remove_events", *REMOVAL[:2], month, "payments", *REST)
    assert database.event_ids() == [young.event_id]


def test_the_database_decides_what_time_it_is(database: TestDatabase) -> None:
    with database.connected(RETENTION) as connection:
        (finished_at,) = call(connection, "audit_finish_run", *FUNCTIONS["audit_finish_run"])
    assert abs(finished_at - utc_now()) < timedelta(minutes=1)
