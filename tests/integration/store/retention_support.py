"""Old events, rules and holds, for the tests of retention."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from store_support import CLUSTER, RETENTION, TestDatabase, an_event, utc_now

from workflow_audit.models.event import AuditEvent

RUN = UUID("0a9c1c1e-1111-4222-8333-944455566677")
POLICY = "ClusterAuditPolicy/default"
COLUMNS = tuple(field.name for field in fields(AuditEvent))

NOW = utc_now()
"""One instant for all ages, so that an event and its month fit however long the tests take."""

RuleJson = dict[str, Any]


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def month_of(at: datetime) -> date:
    return at.date().replace(day=1)


def old_event(number: int, age_days: float = 100, **changes: Any) -> AuditEvent:
    """An event that may go by its own days, unless they are changed."""
    return an_event(number, at=days_ago(age_days), **{"retention_days": 30} | changes)


def record(
    database: TestDatabase, events: Iterable[AuditEvent], *, legal_hold: bool = False
) -> None:
    """Write events as no role of the product can: with a hold of their own, or no namespace."""
    statement = sql.SQL("INSERT INTO audit_events ({}, legal_hold) VALUES ({}, {})").format(
        sql.SQL(", ").join(map(sql.Identifier, COLUMNS)),
        sql.SQL(", ").join(sql.Placeholder() * len(COLUMNS)),
        sql.Literal(legal_hold),
    )
    with database.connected() as admin:
        for event in events:
            make_partition(admin, event.event_date)
            values = [getattr(event, name) for name in COLUMNS]
            admin.execute(statement, [Jsonb(v) if isinstance(v, dict) else v for v in values])


def make_partition(admin: psycopg.Connection[Any], day: date) -> None:
    """Make a partition, also one that is too old for events to come in."""
    if day >= date(2020, 1, 1):
        admin.execute("SELECT audit_ensure_partition(%s)", [day])
        return
    first = day.replace(day=1)
    ends = (first + timedelta(days=32)).replace(day=1)
    admin.execute(
        f"CREATE TABLE IF NOT EXISTS audit_events_{first:%Y_%m} PARTITION OF audit_events "
        f"FOR VALUES FROM ('{first}') TO ('{ends}')".encode()
    )
    admin.execute(f"ALTER TABLE audit_events_{first:%Y_%m} OWNER TO workflow_audit_owner".encode())


def rule(days: int | None = 30, policy: str = POLICY, **more: Any) -> RuleJson:
    return {"days": days, "policy": policy, "namespace": None, "generation": 7} | more


def rules(days: int | None = 30, **by_namespace: Any) -> Jsonb:
    """Rules by which everything in the namespace payments goes after some days."""
    return Jsonb({"payments": {"": rule(days)}} | by_namespace)


def call(connection: psycopg.Connection[Any], function: str, *arguments: Any) -> tuple[Any, ...]:
    """Call a function of retention, and give the first row."""
    marks = ", ".join(["%s"] * len(arguments))
    statement = f"SELECT * FROM public.{function}({marks})"
    found = connection.execute(statement.encode(), arguments).fetchone()
    assert found is not None
    return found


def remove(
    database: TestDatabase,
    at: datetime,
    wanted: Jsonb,
    namespace: str = "payments",
    *,
    most: int = 1000,
    login: str = RETENTION,
) -> int:
    """Remove what may go of a namespace in the month of an instant; gives how many went."""
    with database.connected(login) as connection:
        _, removed, *_ = call(
            connection,
            "audit_remove_events",
            RUN,
            str(CLUSTER),
            month_of(at),
            namespace,
            wanted,
            None,
            None,
            most,
        )
        return int(removed)


def drop(
    database: TestDatabase, at: datetime, wanted: Jsonb, login: str = RETENTION
) -> tuple[bool, int]:
    """Drop the partition of the month of an instant; gives whether, and how many events went."""
    with database.connected(login) as connection:
        dropped, removed = call(
            connection, "audit_drop_partition", RUN, str(CLUSTER), month_of(at), wanted
        )
        return bool(dropped), int(removed)


HOLD: dict[str, Any] = {
    "cluster": str(CLUSTER),
    "policy": "ClusterAuditPolicy/holds",
    "policy_namespace": None,
    "uid": uuid4(),
    "generation": 1,
    "name": "case-1",
    "reason": "asked by the court",
    "correlation_ids": [],
    "workflow_ids": [],
    "held_from": None,
    "held_to": None,
}


def place_hold(connection: psycopg.Connection[Any], **changes: Any) -> bool:
    (placed,) = call(connection, "audit_place_hold", *(HOLD | changes).values())
    return bool(placed)


def trace(database: TestDatabase, *columns: str) -> list[tuple[Any, ...]]:
    """The lines of the trace, in the order of time."""
    return database.rows(
        f"SELECT {', '.join(columns)} FROM retention_operations ORDER BY happened_at, namespace"
    )


def partitions(database: TestDatabase) -> list[str]:
    return [
        name
        for (name,) in database.rows(
            "SELECT relid::regclass::text FROM pg_partition_tree('audit_events') "
            "WHERE isleaf ORDER BY 1"
        )
    ]
