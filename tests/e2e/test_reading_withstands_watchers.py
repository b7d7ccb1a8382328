"""Very many watch, the database comes and goes: each gets each event once, in order."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from support.api import Api
from support.environment import psql
from support.eventually import eventually_async
from support.reading import (
    ROOT,
    ReadingServer,
    an_event,
    client_ssl,
    forged,
    let_read,
    trusted_pair,
    write,
)
from workflow_audit.cli.local_apiserver import NAME
from workflow_audit.local.ports import HOST

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

WATCHERS = 200
BATCH = 25
MOST_CONNECTIONS = 8
"""AUDIT_APISERVER_DATABASE_CONNECTIONS, unless it is set."""

PROGRAM = Path(sys.executable).with_name("workflow-audit")


class Watchers:
    """Many who watch a namespace from one list on, past the API server as itself would."""

    def __init__(self, server: ReadingServer, namespace: str) -> None:
        self.server, self.namespace = server, namespace
        self.url = f"https://{HOST}:{server.port}{ROOT}/namespaces/{namespace}/auditevents"
        self.seen: list[list[str]] = []

    async def listed(self, session: aiohttp.ClientSession) -> str:
        async with session.get(self.url) as answer:
            return str((await answer.json())["metadata"]["resourceVersion"])

    async def watch(self, session: aiohttp.ClientSession, version: str, seen: list[str]) -> None:
        parameters = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "600"}
        async with session.get(self.url, params=parameters) as answer:
            assert answer.status == 200
            async for line in answer.content:
                told = json.loads(line)
                assert told["type"] == "ADDED", told
                seen.append(told["object"]["eventId"])

    @asynccontextmanager
    async def watching(self, count: int) -> AsyncIterator[None]:
        self.seen = [[] for _ in range(count)]
        connector = aiohttp.TCPConnector(
            limit=0, ssl=client_ssl(self.server, trusted_pair(self.server))
        )
        timeout = aiohttp.ClientTimeout(total=None)
        headers = dict(forged("admin"))
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, headers=headers
        ) as session:
            version = await self.listed(session)
            tasks = [asyncio.create_task(self.watch(session, version, seen)) for seen in self.seen]
            try:
                yield
                for task in tasks:
                    assert not task.done(), "no watch has ended"
            finally:
                # Aborted, because TLS would say goodbye when the loop is gone already.
                await connector.close(abort_ssl=True)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def have(self, count: int) -> None:
        """Wait until each has so many events, which are those of the database in its order."""
        await eventually_async(lambda: min(map(len, self.seen)) >= count, within_seconds=120)
        expected = await asyncio.to_thread(recorded, self.server, self.namespace)
        assert len(expected) == count
        for seen in self.seen:
            assert seen == expected


def recorded(server: ReadingServer, namespace: str) -> Sequence[str]:
    """Give ids of events in the order in which they were recorded."""
    statement = (
        f"SELECT event_id FROM audit_events WHERE namespace = '{namespace}' ORDER BY position"
    )
    return psql(server.environment.postgres, statement).splitlines()


def connections(server: ReadingServer) -> int:
    statement = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'workflow-audit-apiserver'"
    )
    return int(psql(server.environment.postgres, statement))


def resident_pages(server: ReadingServer) -> int:
    pid = server.environment.components[NAME].id.pid
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1])


async def write_batch(server: ReadingServer, namespace: str, first: int) -> None:
    events = [an_event(namespace, first + n) for n in range(BATCH)]
    await asyncio.to_thread(write, server.environment, events)


async def test_two_hundred_watch_and_each_gets_each_event_once_and_in_order(
    server: ReadingServer, namespace: str
) -> None:
    watchers, most = Watchers(server, namespace), 0
    async with watchers.watching(WATCHERS):
        sizes = []
        for round_ in range(1, 9):
            await write_batch(server, namespace, BATCH * round_)
            most = max(most, await asyncio.to_thread(connections, server))
            await watchers.have(BATCH * round_)
            sizes.append(resident_pages(server))
    assert 0 < most <= MOST_CONNECTIONS, "a watch holds no connection of the database"
    assert sizes[-1] < 1.2 * sizes[3], "nothing is kept of what was told"


async def test_a_restart_of_the_database_loses_and_repeats_nothing(
    server: ReadingServer, namespace: str
) -> None:
    postgres = server.environment.postgres
    watchers = Watchers(server, namespace)
    async with watchers.watching(20):
        await write_batch(server, namespace, 0)
        await watchers.have(BATCH)
        for restart in range(1, 3):
            await asyncio.to_thread(postgres.stop)
            await eventually_async(lambda times=restart: server.log.count("watches wait") >= times)
            await asyncio.to_thread(postgres.start)
            await write_batch(server, namespace, BATCH * restart)
            await watchers.have(BATCH * (restart + 1))


async def test_from_the_list_of_nothing_on_everything_is_told(
    server: ReadingServer, namespace: str
) -> None:
    """Also when there are no events at all, and when there are none any more."""
    postgres, watchers = server.environment.postgres, Watchers(server, namespace)
    for _ in range(2):
        for partition in psql(postgres, PARTITIONS).splitlines():
            psql(postgres, f"DROP TABLE {partition}")
        psql(postgres, "SELECT audit_ensure_partition(current_date)")
        async with watchers.watching(3):
            await write_batch(server, namespace, 0)
            await watchers.have(BATCH)


PARTITIONS = "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'audit_events'::regclass"


def test_an_export_on_the_command_line_outlives_a_restart_of_the_database(
    server: ReadingServer, api: Api, namespace: str
) -> None:
    postgres = server.environment.postgres
    let_read(api, namespace, f"ada-of-{namespace}")
    kubeconfig = server.environment.control_plane.kubeconfig_for(f"ada-of-{namespace}")
    events = [an_event(namespace, n, event_data={"text": "x" * 4000}) for n in range(3000)]
    write(server.environment, events)
    command = [PROGRAM, "events", "export", "-n", namespace]
    environment = {"KUBECONFIG": str(kubeconfig), "HOME": "/nonexistent"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        lines = [json.loads(process.stdout.readline())]
        postgres.stop()
        # Of the first page so much that the rest fits into the pipe, and the second is asked for.
        lines += [json.loads(process.stdout.readline()) for _ in range(494)]
        assert b"asking again in" in process.stderr.readline()
        postgres.start()
        lines += [json.loads(line) for line in process.stdout]
        assert process.wait(120) == 0, process.stderr.read()
    found = [line["correlationId"] for line in lines]
    assert found == [f"rr-2026-{n:06d}" for n in reversed(range(3000))]
