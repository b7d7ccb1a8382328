"""A thousand events a second for minutes, beside reads: latency, memory, and exact rows."""

import asyncio
import time
from dataclasses import dataclass, field
from statistics import median

from bench import accounting
from bench.apiserver import Submitting, talking
from bench.databases import FreshDatabase
from bench.figures import Figure, Limit, latency_figures
from bench.sending import Ingestion
from bench.sizes import Rate
from bench.submissions import BATCH, SINGLE
from workflow_audit.domain.instants import rfc3339
from workflow_audit.wiring import utc_now

NUMBER = 14
SIZE = 100
READS_PER_SECOND = 5
CONNECTIONS, READING_CONNECTIONS = 32, 8
FLAT = Limit("<=", 1.1)
NONE = Limit("=", 0)


@dataclass
class _Sustained:
    """What happened meanwhile."""

    writing: Submitting
    reading: Submitting
    pid: int
    writes: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)

    async def write(self, body: bytes) -> None:
        began = time.monotonic()
        await self.writing.post(BATCH, body)
        self.writes.append(time.monotonic() - began)

    async def read(self, number: int) -> None:
        self.memory.append(accounting.resident_bytes(self.pid))
        since = rfc3339(utc_now().replace(second=0, microsecond=number))
        began = time.monotonic()
        await self.reading.get(f"{SINGLE}?namespace=production&limit=50&since={since}")
        self.reads.append(time.monotonic() - began)


async def measure_sustained(sending: Ingestion) -> None:
    """Send on a fixed schedule, whatever happens to earlier batches, and read meanwhile."""
    rate, before = sending.bench.sizes.ingested_sustained, _rows(sending.fresh)
    bodies = sending.submissions.batches(rate.count, SIZE)
    token = sending.server.reader("bench-beside")
    async with (
        talking(sending.server, sending.token, CONNECTIONS) as writing,
        talking(sending.server, token, READING_CONNECTIONS) as reading,
    ):
        sustained = _Sustained(writing, reading, sending.server.pid)
        await _send(sending, sustained, bodies, rate)
    missing = before + rate.count - _rows(sending.fresh)
    sending.bench.add(_figures(sustained, rate, missing))


async def _send(sending: Ingestion, sustained: _Sustained, bodies: list[bytes], rate: Rate) -> None:
    per_second = rate.per_second // SIZE
    begin = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number, body in enumerate(bodies):
            await asyncio.sleep(max(begin + number / per_second - time.monotonic(), 0))
            group.create_task(sustained.write(body))
            if number % (per_second // READS_PER_SECOND) == 0:
                group.create_task(sustained.read(number))
            sending.report.update(f"{rate.per_second:,}/s beside reads", number + 1, len(bodies))


def _figures(sustained: _Sustained, rate: Rate, missing: int) -> list[Figure]:
    what, sample = f"{rate.per_second:,} events/s for {rate.seconds} s", f"{rate.count:,} events"
    memory, third = sustained.memory, len(sustained.memory) // 3
    grown = median(memory[-third:]) / median(memory[third : 2 * third])

    def figure(name: str, value: float, unit: str = "", limit: Limit | None = None) -> Figure:
        return Figure(
            number=NUMBER,
            name=f"{what}: {name}",
            value=value,
            unit=unit,
            sample=sample,
            limit=limit,
        )

    return [
        *latency_figures(NUMBER, f"{what}: a batch of {SIZE}", sustained.writes, of="batches"),
        *latency_figures(NUMBER, f"{what}: a page read meanwhile", sustained.reads, of="requests"),
        figure("rows missing or too many", missing, limit=NONE),
        figure("memory, last third / the one before", grown, limit=FLAT),
        figure("memory, the most", max(memory) / accounting.MIB, "MiB"),
    ]


def _rows(fresh: FreshDatabase) -> int:
    with fresh.connected() as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM audit_events").fetchall()
    return int(count)
