"""(7) Bytes an event on disk, with all indexes, over the bundled searches."""

import asyncio
from typing import Any

import psycopg

from bench.context import Bench
from bench.databases import fresh_database
from bench.figures import Figure, Limit
from bench.writing import opened_writer, options, write_all
from workflow_audit.local.progress import reported

LEAVES = """
SELECT leaf.relid::oid, pg_total_relation_size(leaf.relid), pg_table_size(leaf.relid),
       coalesce(pg_total_relation_size(nullif(class.reltoastrelid, 0)), 0)
  FROM pg_partition_tree('audit_events') AS leaf
  JOIN pg_class AS class ON class.oid = leaf.relid
 WHERE leaf.isleaf
"""
INDEXES = """
SELECT coalesce(parent.relname, child.relname), pg_total_relation_size(child.oid)
  FROM pg_index
  JOIN pg_class AS child ON child.oid = pg_index.indexrelid
  LEFT JOIN pg_inherits ON inhrelid = child.oid
  LEFT JOIN pg_class AS parent ON parent.oid = inhparent
 WHERE pg_index.indrelid = %s
"""
JSON_BYTES = (
    "SELECT avg(pg_column_size(event_data)), avg(length(event_data::text)) FROM audit_events"
)


async def measure_size(bench: Bench) -> None:
    """Write many events in the order of time, tidy up, and weigh every part."""
    events = await asyncio.to_thread(bench.corpus.events, bench.sizes.rows)
    with reported("bytes an event"), fresh_database(bench.environment, "size") as fresh:
        async with opened_writer(fresh, events[0]) as writer:
            await write_all(writer, events, options().queue_rows)
        with fresh.connected() as connection:
            connection.execute("VACUUM (ANALYZE) audit_events")
            connection.execute("CHECKPOINT")
            parts = _parts(connection, len(events))
            stored: Any = connection.execute(JSON_BYTES).fetchone()
    sample = f"{len(events):,} rows of {len(bench.corpus)} searches"
    bench.add(
        Figure(number=7, name=name, value=value, unit="bytes an event", sample=sample, limit=limit)
        for name, value, limit in (
            ("on disk, all included", sum(parts.values()), Limit("<", 2048)),
            *((name, value, None) for name, value in parts.items()),
        )
    )
    bench.details["event_data, bytes: stored, as text"] = [float(value) for value in stored]


def _parts(connection: psycopg.Connection[Any], rows: int) -> dict[str, float]:
    """Give bytes an event by part; together they are all there is."""
    parts = {"heap": 0.0, "TOAST": 0.0}
    total = 0.0
    for leaf, all_bytes, table, toast in connection.execute(LEAVES).fetchall():
        total += all_bytes / rows
        parts["heap"] += (table - toast) / rows
        parts["TOAST"] += toast / rows
        for name, size in connection.execute(INDEXES, [leaf]):
            index = f"index {name}"
            parts[index] = parts.get(index, 0.0) + size / rows
    if abs(total - sum(parts.values())) > 1:
        raise ValueError(f"the parts {parts} are not the whole, {total}")
    return parts
