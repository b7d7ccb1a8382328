"""(11) Retention of a million events while searches are being recorded."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from bench.context import Bench
from bench.databases import FreshDatabase, fresh_database
from bench.figures import Figure, Limit, latency_figures
from bench.sizes import Rate
from bench.writing import at_rate, opened_writer
from workflow_audit.domain.policies import KnownPolicies
from workflow_audit.local.progress import reported
from workflow_audit.models.event import AuditEvent
from workflow_audit.models.policy import ClusterPolicySpec, Policy, PolicyKey
from workflow_audit.models.retention import Retention
from workflow_audit.services.holding import HoldMirror
from workflow_audit.services.retention import RetentionRun
from workflow_audit.settings.operating import RetentionSettings
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.holds import HoldStore
from workflow_audit.store.pool import Database
from workflow_audit.store.retention import RetentionStore
from workflow_audit.wiring import utc_now
from workflow_audit.wiring.retention import POOL

LIMITS = {95: Limit("<", 50)}
RUN = UUID(int=11, version=4)
OLD_DAYS = 90
KEPT_NAMESPACE = "kept"
"""One event of it in the month keeps the partition, so that all others go one by one."""

MULTIPLY = """
INSERT INTO audit_events ({columns})
SELECT gen_random_uuid(), {values}
  FROM audit_events CROSS JOIN generate_series(1, {times}) AS copy
 WHERE event_date = {day}
"""

_TIME = "event_timestamp + copy * interval '2 seconds'"
SPREAD: dict[str, sql.Composable] = {
    "event_timestamp": sql.SQL(_TIME),
    "event_date": sql.SQL(f"(({_TIME}) AT TIME ZONE 'UTC')::date"),
}
"""One event every two seconds, as they would have come."""


@dataclass(frozen=True)
class Removed:
    """What a run did meanwhile."""

    rows: int
    seconds: float


async def measure_retention(bench: Bench) -> None:
    """Remove old events in batches while new ones are written at a steady rate."""
    rate, rows = bench.sizes.write_rate, bench.sizes.expired_rows
    events = await asyncio.to_thread(bench.corpus.events, bench.sizes.rows)
    title = f"retention of {rows:,} events"
    with reported(title) as report, fresh_database(bench.environment, "retention") as fresh:
        report.update("writing them")
        cluster = str(events[0].cluster_id)
        await asyncio.to_thread(_make_old_events, fresh, events[0], rows)
        async with opened_writer(fresh, events[0]) as writer:
            alone = await at_rate(writer, events[: rate.count], rate)
            report.update("removing them")
            running = asyncio.create_task(_removed(fresh, cluster))
            beside: list[float] = []
            seconds = iter(range(rate.count, len(events), rate.per_second))
            while not running.done() and (first := next(seconds, None)) is not None:
                beside += await at_rate(writer, events[first : first + rate.per_second], rate)
            removed = await running
    _add(bench, rate, alone, beside, removed)
    if removed.rows != rows:
        raise ValueError(f"{removed.rows} of {rows} events were removed")


def _add(
    bench: Bench, rate: Rate, alone: list[float], beside: list[float], removed: Removed
) -> None:
    name = f"submit -> COMMIT at {rate.per_second}/s"
    speed = Figure(
        number=11,
        name="retention: events removed one by one",
        value=removed.rows / removed.seconds,
        unit="rows/s",
        sample=f"{removed.rows:,} events",
    )
    bench.add([speed, *latency_figures(11, f"{name}, without retention", alone)])
    bench.add(latency_figures(11, f"{name}, during retention", beside, LIMITS))


def _make_old_events(fresh: FreshDatabase, event: AuditEvent, rows: int) -> None:
    """Copy one event into a month that is over, and one that is kept for longer."""
    day = (utc_now() - timedelta(days=OLD_DAYS)).date().replace(day=1)
    with fresh.connected() as connection:
        connection.execute("SELECT audit_ensure_partition(%s)", [day])
        _insert(connection, event, day, event.namespace or "default", 1)
        _insert(connection, event, day, KEPT_NAMESPACE, 2555)
        found = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'audit_events'::regclass"
            " AND attnum > 0 AND attname <> 'event_id' ORDER BY attnum"
        )
        names = [name for (name,) in found.fetchall()]
        values = [SPREAD.get(name, sql.Identifier(name)) for name in names]
        statement = sql.SQL(MULTIPLY + " AND namespace <> {kept}").format(
            columns=sql.SQL(", ").join(map(sql.Identifier, ["event_id", *names])),
            values=sql.SQL(", ").join(values),
            times=sql.Literal(rows - 1),
            day=sql.Literal(day),
            kept=sql.Literal(KEPT_NAMESPACE),
        )
        connection.execute(statement)
        connection.execute("VACUUM (ANALYZE) audit_events")


def _insert(
    connection: psycopg.Connection[tuple[object, ...]],
    event: AuditEvent,
    day: date,
    namespace: str,
    days: int,
) -> None:
    connection.execute(
        "INSERT INTO audit_events (event_id, event_timestamp, event_date, event_type,"
        " event_category, event_action, event_outcome, actor_type, actor_id, resource_type,"
        " resource_id, correlation_id, namespace, cluster_id, event_data, event_metadata,"
        " retention_days) VALUES (gen_random_uuid(), %s, %s, %s, 'workflow', 'search_completed',"
        " 'success', 'service', %s, 'WorkflowSearch', %s, %s, %s, %s, %s, %s, %s)",
        [
            datetime.combine(day, datetime.min.time(), UTC),
            day,
            event.event_type,
            event.actor_id,
            event.resource_id,
            event.correlation_id,
            namespace,
            event.cluster_id,
            Jsonb(event.event_data),
            Jsonb({"policy": "ClusterAuditPolicy/default"}),
            days,
        ],
    )


async def _removed(fresh: FreshDatabase, cluster: str) -> Removed:
    """Run retention with the shipped settings."""
    policy = Policy(
        PolicyKey("ClusterAuditPolicy", None, "default"),
        RUN,
        1,
        ClusterPolicySpec(retention=Retention(days=30)),
    )

    def policies() -> KnownPolicies:
        return KnownPolicies((policy,))

    shipped = RetentionSettings()
    async with Database(DatabaseAddress(url=fresh.retention), POOL) as database:
        run = RetentionRun(
            store=RetentionStore(database, cluster),
            policies=policies,
            mirror_holds=HoldMirror(policies, HoldStore(database, cluster)).mirror,
            clock=utc_now,
            batch_rows=shipped.batch_rows,
            pause_seconds=shipped.pause_ms / 1000,
        )
        began = time.monotonic()
        result = await run.run(RUN, lambda _: True)
        seconds = time.monotonic() - began
    if result is None or result.last is None:
        raise ValueError("another operator ran retention")
    return Removed(sum(result.last.removed.values()), seconds)
