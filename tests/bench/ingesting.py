"""(14) Events over HTTP: one by one, and in batches against raw COPY."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import orjson
import psycopg

from bench import accounting
from bench.apiserver import Submitting, talking
from bench.cluster import in_parallel
from bench.context import Bench
from bench.copying import copy_rows
from bench.figures import Figure, Limit, latency_figures, median_figure
from bench.sending import Ingestion, ingestion
from bench.submissions import BATCH, SINGLE
from bench.sustaining import measure_sustained
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.partitions import ensure_ahead
from workflow_audit.store.pool import Database
from workflow_audit.store.rows import row
from workflow_audit.wiring import utc_now

NUMBER = 14
SINGLE_LIMITS = {95: Limit("<", 50)}
AT_LEAST = Limit(">=", 5000)

AT_A_TIME = (1, 8, 32)
BATCH_SIZES = (100, 1000)
BATCHES_AT_A_TIME = 4
"""While one waits for its COMMIT, the next ones are read and prepared."""

MICROSECONDS = 1e6
SERVER = "server"


async def measure_ingestion(bench: Bench) -> None:
    """Measure all of it."""
    with ingestion(bench) as sending:
        async with Database(DatabaseAddress(url=sending.fresh.writer)) as database:
            await ensure_ahead(database, utc_now().date())
        await _measure_single(sending)
        await _measure_batches(sending)
        await measure_sustained(sending)


async def _measure_single(sending: Ingestion) -> None:
    bench = sending.bench
    for at_a_time in AT_A_TIME:
        sending.report.update(f"single events, {at_a_time} at a time")
        events = sending.submissions.events(bench.sizes.ingested_singly)
        bodies = [(orjson.dumps(event), event["idempotency_key"]) for event in events]
        async with talking(sending.server, sending.token, at_a_time) as client:

            async def timed(sent: tuple[bytes, str], client: Submitting = client) -> float:
                began = time.monotonic()
                await client.post(SINGLE, *sent)
                return time.monotonic() - began

            began = time.monotonic()
            seconds = await in_parallel(bodies, at_a_time, timed)
            rate = len(bodies) / (time.monotonic() - began)
        name = f"single events, {at_a_time} at a time"
        bench.add([_figure(name, rate, "events/s", f"{len(bodies):,} events")])
        bench.add(latency_figures(NUMBER, name, seconds, SINGLE_LIMITS))


@dataclass(frozen=True)
class _Round:
    """Batches of one size, and as many rows by COPY."""

    events: int
    seconds: float
    copy_seconds: float
    latencies: Sequence[float]
    cpu: Mapping[str, float]

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    @property
    def share(self) -> float:
        return self.copy_seconds / self.seconds


async def _measure_batches(sending: Ingestion) -> None:
    bench = sending.bench
    count = bench.sizes.ingested_in_batches
    for size in BATCH_SIZES:
        rounds = []
        for number in range(bench.sizes.rounds):
            sending.report.update(f"batches of {size:,}, round {number + 1}")
            bodies = sending.submissions.batches(count, size)
            copy_seconds = await asyncio.to_thread(_copied, sending, count)
            rounds.append(await _batched(sending, bodies, size, copy_seconds))
        name, sample = f"batches of {size:,}", f"{len(rounds)} x {count:,} events"
        at_least = AT_LEAST if size == max(BATCH_SIZES) else None
        rates, shares = [each.rate for each in rounds], [each.share for each in rounds]
        bench.add(
            [
                median_figure(NUMBER, name, rates, "events/s", sample, limit=at_least),
                median_figure(NUMBER, f"{name}: share of raw COPY", shares, "", sample),
            ]
        )
        for program in rounds[0].cpu:
            cpu = [each.cpu[program] * MICROSECONDS / each.events for each in rounds]
            if median(cpu) >= 1:
                name_of = f"{name}, CPU: {program}"
                bench.add([median_figure(NUMBER, name_of, cpu, "µs an event", sample)])
        latencies = [seconds for each in rounds for seconds in each.latencies]
        bench.add(latency_figures(NUMBER, f"{name}, a batch", latencies, of="batches"))


async def _batched(
    sending: Ingestion, bodies: Sequence[bytes], size: int, copy_seconds: float
) -> _Round:
    pids = accounting.server_pids(sending.bench.environment) | {SERVER: sending.server.pid}
    async with talking(sending.server, sending.token, BATCHES_AT_A_TIME) as client:

        async def timed(body: bytes) -> float:
            began = time.monotonic()
            await client.post(BATCH, body)
            return time.monotonic() - began

        cpu, began = accounting.cpu_seconds(pids), time.monotonic()
        latencies = await in_parallel(bodies, BATCHES_AT_A_TIME, timed)
        seconds = time.monotonic() - began
        used = accounting.difference(cpu, accounting.cpu_seconds(pids))
    return _Round(len(bodies) * size, seconds, copy_seconds, latencies, used)


def _copied(sending: Ingestion, count: int) -> float:
    """Write as many rows by one COPY into the same table; gives the seconds."""
    rows = [row(event) for event in sending.bench.corpus.events(count, seed=time.monotonic_ns())]
    with psycopg.connect(sending.fresh.writer, autocommit=True) as connection:
        began = time.monotonic()
        copy_rows(connection, "audit_events", rows)
        return time.monotonic() - began


def _figure(name: str, value: float, unit: str, sample: str, limit: Limit | None = None) -> Figure:
    return Figure(number=NUMBER, name=name, value=value, unit=unit, sample=sample, limit=limit)
