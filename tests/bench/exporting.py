"""Memory of the server of readers while very many events go through it."""

import asyncio
import time

import orjson

from bench.accounting import MIB, peak_bytes, resident_bytes
from bench.cluster import Cluster
from bench.context import Bench
from bench.figures import Figure, Limit
from workflow_audit.api import auditevents
from workflow_audit.cli.local_apiserver import NAME
from workflow_audit.models.auditlog import AUDIT_EVENT
from workflow_audit.models.query import LONGEST_PAGE

LOOK_SECONDS = 1.0
FLAT = Limit("<=", 1.1)


async def measure_export(bench: Bench, number: int, user: str) -> None:
    """List events page by page through the API server, as an export does."""
    wanted = min(bench.sizes.exported, bench.sizes.events)
    pid = bench.environment.components[NAME].id.pid
    looks = [resident_bytes(pid)]
    looking = asyncio.create_task(_look(pid, looks))
    began = time.monotonic()
    try:
        async with Cluster(bench.environment, user, connections=1) as cluster:
            exported = await _exported(cluster, wanted)
    finally:
        looking.cancel()
    seconds = time.monotonic() - began
    looks.append(resident_bytes(pid))
    half = len(looks) // 2
    ratio = max(looks[half:]) / max(looks[: half or 1])
    sample = f"{exported:,} events"
    rows = (
        ("export: events through the API server", exported / seconds, "events/s", None),
        ("export: server's memory before", looks[0] / MIB, "MiB", None),
        ("export: server's memory, the most", max(looks) / MIB, "MiB", None),
        ("export: server's memory after", looks[-1] / MIB, "MiB", None),
        ("export: the most, second half / first half", ratio, "", FLAT),
    )
    bench.add(
        Figure(number=number, name=name, value=value, unit=unit, sample=sample, limit=limit)
        for name, value, unit, limit in rows
    )
    bench.details["export: server's memory each second, MiB"] = [each / MIB for each in looks]
    bench.details["server's memory, the most ever, MiB"] = (peak_bytes(pid) or 0) / MIB


async def _exported(cluster: Cluster, wanted: int) -> int:
    path = f"{auditevents.ROOT}/{AUDIT_EVENT.plural}?limit={LONGEST_PAGE}"
    exported, cursor = 0, ""
    while exported < wanted:
        page = orjson.loads(await cluster.request("GET", f"{path}&continue={cursor}"))
        exported += len(page["items"])
        cursor = page["metadata"].get("continue", "")
        if not cursor:
            break
    return exported


async def _look(pid: int, looks: list[int]) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        looks.append(resident_bytes(pid))
