"""(6) The writer against raw binary COPY of the same rows into an identical table.

COPY has it easy: rows that are ready, one transaction, no look for conflicts, no answer a row.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.adapt import Dumper
from psycopg.pq import Format

from bench.context import Bench
from bench.databases import FreshDatabase, fresh_database
from bench.figures import Limit, median_figure
from bench.writing import opened_writer, options, write_all
from workflow_audit.local.progress import reported
from workflow_audit.models.event import AuditEvent
from workflow_audit.store.rows import COLUMNS, Row, row

MICROSECONDS = 1_000_000

TABLE = """
CREATE TABLE copied (LIKE public.audit_events INCLUDING ALL) PARTITION BY RANGE (event_date);
CREATE TABLE copied_all PARTITION OF copied FOR VALUES FROM ('2020-01-01') TO ('2100-01-01');
"""
SAME = """
SELECT (SELECT count(*) FROM audit_events), (SELECT count(*) FROM copied),
       (SELECT count(*) FROM pg_indexes WHERE tablename = 'audit_events'),
       (SELECT count(*) FROM pg_indexes WHERE tablename = 'copied_all')
"""


@dataclass(frozen=True)
class Speed:
    """Rows a second and client CPU microseconds a row."""

    rows: float
    cpu: float


async def measure_copy(bench: Bench) -> None:
    """Measure pairs in changing order, each in a database of its own."""
    events = await asyncio.to_thread(bench.corpus.events, bench.sizes.rows)
    writes: list[Speed] = []
    copies: list[Speed] = []
    rounds = bench.sizes.rounds
    for number in range(1, rounds + 1):
        with (
            reported(f"writer and COPY, {len(events)} rows (round {number} of {rounds})"),
            fresh_database(bench.environment, f"copy_{number}") as fresh,
        ):
            _execute(fresh, TABLE)
            if number % 2:
                writes.append(await _written(fresh, events))
            copies.append(await asyncio.to_thread(_copied, fresh, [row(e) for e in events]))
            if not number % 2:
                writes.append(await _written(fresh, events))
            _check(fresh, len(events))
    sample = f"{rounds} x {len(events):,} rows"
    ratios = [write.rows / copy.rows for write, copy in zip(writes, copies, strict=True)]
    at_least = Limit(">=", 0.5)
    cpu = "µs a row"
    bench.add(
        [
            median_figure(6, "writer alone", [w.rows for w in writes], "rows/s", sample),
            median_figure(6, "raw binary COPY", [c.rows for c in copies], "rows/s", sample),
            median_figure(6, "writer's share of COPY", ratios, "", sample, limit=at_least),
            median_figure(6, "writer: client CPU", [w.cpu for w in writes], cpu, sample),
            median_figure(6, "COPY: client CPU", [c.cpu for c in copies], cpu, sample),
        ]
    )


async def _written(fresh: FreshDatabase, events: Sequence[AuditEvent]) -> Speed:
    _execute(fresh, "CHECKPOINT")
    async with opened_writer(fresh, events[0]) as writer:
        written = await write_all(writer, events, options().queue_rows)
    return Speed(len(events) / written.seconds, MICROSECONDS * written.cpu_seconds / len(events))


def _copied(fresh: FreshDatabase, rows: Sequence[Row]) -> Speed:
    _execute(fresh, "CHECKPOINT")
    with fresh.connected() as connection:
        cpu, began = time.process_time(), time.monotonic()
        copy_rows(connection, "copied", rows)
        seconds, used = time.monotonic() - began, time.process_time() - cpu
    return Speed(len(rows) / seconds, MICROSECONDS * used / len(rows))


def copy_rows(connection: psycopg.Connection[Any], table: str, rows: Iterable[Row]) -> None:
    """Write rows in one transaction; what we do not write has its default."""
    connection.adapters.register_dumper(None, _JsonText)
    names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)")
    with connection.cursor().copy(statement.format(sql.Identifier(table), names)) as copy:
        copy.set_types([array.element for array in COLUMNS.values()])
        for values in rows:
            copy.write_row(values)


class _JsonText(Dumper):
    """JSON that is text already."""

    format = Format.BINARY
    oid = psycopg.adapters.types["jsonb"].oid

    def dump(self, obj: bytes) -> bytes:
        return b"\x01" + obj


def _execute(fresh: FreshDatabase, statements: str) -> None:
    with fresh.connected() as connection:
        connection.execute(statements.encode())


def _check(fresh: FreshDatabase, count: int) -> None:
    """Make sure that both tables are alike and hold all rows."""
    with fresh.connected() as connection:
        found: Any = connection.execute(SAME).fetchone()
    if found[:2] != (count, count) or found[2] != found[3]:
        raise ValueError(f"not the same: (written, copied, indexes, indexes) = {found}")
