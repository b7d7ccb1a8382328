"""The product's writer, driven directly: (5) its latency, and its speed for (6)."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench.context import Bench
from bench.databases import FreshDatabase, fresh_database
from bench.figures import Figure, Limit, latency_figures
from bench.sizes import Rate
from workflow_audit.local.progress import reported
from workflow_audit.models.event import AuditEvent
from workflow_audit.settings.operating import WriterSettings
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.partitions import ensure_partition
from workflow_audit.store.pool import Database
from workflow_audit.store.writer import EventWriter, WriterOptions

LIMITS = {95: Limit("<", 50)}


@dataclass(frozen=True)
class Writing:
    """What it took to write events."""

    latencies: list[float]
    """Seconds from `write` to its return, which is after COMMIT."""

    seconds: float
    cpu_seconds: float
    """Of this process."""


async def measure_write_latency(bench: Bench) -> None:
    """Measure (5): at a steady rate, at saturation, and with the queue full."""
    rate, callers = bench.sizes.write_rate, bench.sizes.write_callers
    queue = options().queue_rows
    events = await asyncio.to_thread(bench.corpus.events, bench.sizes.rows)
    with reported("write latency") as report, fresh_database(bench.environment, "latency") as fresh:
        async with opened_writer(fresh, events[0]) as writer:
            report.update(f"{rate.per_second}/s")
            steady = await at_rate(writer, events[: rate.count], rate)
    bench.add(latency_figures(5, f"submit -> COMMIT at {rate.per_second}/s", steady, LIMITS))
    for number, limits in ((callers, LIMITS), (queue, None)):
        with (
            reported(f"write latency with {number} in flight"),
            fresh_database(bench.environment, f"saturation_{number}") as fresh,
        ):
            async with opened_writer(fresh, events[0]) as writer:
                written = await write_all(writer, events, number)
        speed = Figure(
            number=5,
            name=f"saturation, {number} in flight",
            value=len(events) / written.seconds,
            unit="rows/s",
            sample=f"{len(events):,} events",
        )
        name = f"submit -> COMMIT, {number} in flight"
        bench.add([speed, *latency_figures(5, name, written.latencies, limits)])


def options() -> WriterOptions:
    """Give the options that the operator's defaults make."""
    shipped = WriterSettings()
    return WriterOptions(
        batch_rows=shipped.batch_rows,
        linger_ms=shipped.linger_ms,
        queue_rows=shipped.queue_rows,
    )


@asynccontextmanager
async def opened_writer(fresh: FreshDatabase, first: AuditEvent) -> AsyncIterator[EventWriter]:
    """Open a writer whose connection and partition are there."""
    async with Database(DatabaseAddress(url=fresh.writer)) as database:
        await ensure_partition(database, first.event_date)
        async with EventWriter(database, options()) as writer:
            yield writer


async def write_all(writer: EventWriter, events: Sequence[AuditEvent], callers: int) -> Writing:
    """Write events as fast as it goes, with so many of them submitted at any time."""
    waiting = iter(events)
    latencies: list[float] = []

    async def caller() -> None:
        for event in waiting:
            latency = await _timed(writer, event)
            latencies.append(latency)

    cpu, began = time.process_time(), time.monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())
    return Writing(latencies, time.monotonic() - began, time.process_time() - cpu)


async def at_rate(writer: EventWriter, events: Sequence[AuditEvent], rate: Rate) -> list[float]:
    """Submit events on a fixed schedule, whatever happens to the earlier ones."""
    begin = time.monotonic()
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number, event in enumerate(events):
            await asyncio.sleep(max(begin + number / rate.per_second - time.monotonic(), 0))
            tasks.append(group.create_task(_timed(writer, event)))
    return [task.result() for task in tasks]


async def _timed(writer: EventWriter, event: AuditEvent) -> float:
    began = time.monotonic()
    await writer.write(event)
    return time.monotonic() - began
