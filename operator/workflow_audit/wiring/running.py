"""Waiting for what is missing at start, works beside each other, and the one clock."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar

from workflow_audit.errors import (
    AuditError,
    ClusterError,
    DatabaseUnavailableError,
    SchemaBehindError,
)
from workflow_audit.store import schema
from workflow_audit.store.pool import Database

log = logging.getLogger(__name__)

T = TypeVar("T")

PROBE_SECONDS = 2.0
"""Longest wait of a probe for the database: Kubernetes gives up after a few seconds."""

START_RETRY_SECONDS = 2.0
"""Pause between attempts to reach what is needed at start; they never end."""


def utc_now() -> datetime:
    """Give the present instant; everything else is told the time."""
    return datetime.now(UTC)  # noqa: TID251 - the one clock


@asynccontextmanager
async def running(*works: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Let works run, each on its own, for as long as the block takes."""
    tasks = [asyncio.ensure_future(_kept_up(work)) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _kept_up(work: Callable[[], Awaitable[None]]) -> None:
    """Start a work again when a mistake of ours has ended it."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("a task failed; it starts again")
        await asyncio.sleep(START_RETRY_SECONDS)


async def until_done(attempt: Callable[[], Awaitable[T]], on_wait: Callable[[str], None]) -> T:
    """Try again until it works: what is down or not migrated yet must not end us."""
    while True:
        try:
            return await attempt()
        except (DatabaseUnavailableError, SchemaBehindError, ClusterError) as error:
            log.warning("waiting: %s", error)
            on_wait(str(error))
        await asyncio.sleep(START_RETRY_SECONDS)


async def database_problem(database: Database) -> str | None:
    """Say why the database cannot be worked with, if it cannot."""
    try:
        await schema.check(database, seconds=PROBE_SECONDS)
    except AuditError as error:
        return str(error)
    return None
