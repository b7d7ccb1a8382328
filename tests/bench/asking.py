"""Ways to ask: the database alone, REST, and the aggregated API; how long each answer takes."""

import asyncio
import math
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import aiohttp
import psycopg

from bench.cluster import KEEP_ALIVE_SECONDS, in_parallel
from bench.figures import MILLISECONDS
from bench.reads import Asked, Read, Sample
from workflow_audit.errors import ClusterError
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.ports import HOST

Ask = Callable[[Asked], Awaitable[object]]
SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class Series:
    """Many requests of one kind."""

    seconds: list[float]
    """Of each, whether it was answered or refused."""

    refusals: list[str]
    """What the server said instead of an answer."""


async def latencies(
    ask: Ask, read: Read, sample: Sample, *, first: int, count: int, at_a_time: int
) -> Series:
    """Ask as often, with as many requests under way.

    Args:
        ask: the way.
        read: what.
        sample: values for it.
        first: number of the first request, so that another series has other values.
        count: how many requests.
        at_a_time: how many of them at once.
    """

    refusals: list[str] = []

    async def timed(number: int) -> float:
        asked = read.ask(sample, number)
        began = time.monotonic()
        try:
            await ask(asked)
        except ClusterError as error:
            refusals.append(str(error))
        return time.monotonic() - began

    seconds = await in_parallel(range(first, first + count), at_a_time, timed)
    return Series(seconds, refusals)


@asynccontextmanager
async def by_sql(url: str, sessions: int) -> AsyncIterator[Ask]:
    """Ask the database, over sessions that stay open."""
    free: asyncio.Queue[psycopg.AsyncConnection[Any]] = asyncio.Queue()
    opened = [await psycopg.AsyncConnection.connect(url, autocommit=True) for _ in range(sessions)]
    for each in opened:
        free.put_nowait(each)

    async def ask(asked: Asked) -> object:
        session, rows = await free.get(), []
        try:
            for statement in asked.statements:
                found = await session.execute(statement.sql, statement.parameters)
                rows += await found.fetchall()
                if len(rows) >= statement.parameters.get("most", math.inf):
                    break
            return rows
        finally:
            free.put_nowait(session)

    try:
        yield ask
    finally:
        for each in opened:
            await each.close()


@asynccontextmanager
async def by_http(
    environment: LocalEnvironment, port: int, token: str, connections: int
) -> AsyncIterator[Callable[[str], Awaitable[bytes]]]:
    """Ask the server itself, with a bearer token, over connections that stay open."""
    authority = environment.control_plane.certificates.cluster.certificate
    connector = aiohttp.TCPConnector(
        limit=connections,
        ssl=ssl.create_default_context(cadata=authority),
        keepalive_timeout=KEEP_ALIVE_SECONDS,
    )
    async with aiohttp.ClientSession(
        f"https://{HOST}:{port}",
        connector=connector,
        headers={"Authorization": f"Bearer {token}"},
        timeout=aiohttp.ClientTimeout(total=None),
    ) as session:

        async def get(path: str) -> bytes:
            async with session.get(path) as answer:
                content = await answer.read()
            if not answer.ok:
                text = content.decode(errors="replace")[:SHOWN_CHARACTERS]
                raise ClusterError(f"GET {path}: {answer.status} {text}")
            return content

        yield get


def plan_milliseconds(url: str, read: Read, sample: Sample, count: int) -> tuple[float, float]:
    """Give medians of what PostgreSQL itself says: time to plan and execute, pages it looked at.

    Of a page in two parts it is the first, which nearly always fills it.
    """
    seconds, pages = [], []
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(count):
            statement = read.ask(sample, number).statements[0]
            text = statement.sql.as_string(connection)
            explain = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {text}".encode()
            (((found,),),) = connection.execute(explain, statement.parameters).fetchall()
            seconds.append(found["Planning Time"] + found["Execution Time"])
            plan = found["Plan"]
            pages.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    return median(seconds), median(pages)


def first_touch(url: str, read: Read, sample: Sample, number: int) -> float:
    """Ask once over a new session; gives milliseconds, without those of connecting."""
    statements = read.ask(sample, number).statements
    with psycopg.connect(url, autocommit=True) as connection:
        began, rows = time.monotonic(), 0
        for statement in statements:
            rows += len(connection.execute(statement.sql, statement.parameters).fetchall())
            if rows >= statement.parameters.get("most", math.inf):
                break
        return (time.monotonic() - began) * MILLISECONDS
