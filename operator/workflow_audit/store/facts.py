"""What metrics and probes want to know of the database."""

from dataclasses import dataclass

from workflow_audit.store.pool import Database
from workflow_audit.store.sql import QUERIES

PROBE_SECONDS = 2.0
"""Longest wait of a ping: probes of Kubernetes give up after a few seconds."""


@dataclass(frozen=True, slots=True)
class TableFacts:
    """Size of audit_events over all partitions."""

    table_bytes: int
    """With indexes and TOAST."""

    partitions: int
    estimated_rows: int
    """As the planner knows them: a few minutes behind, and free of charge."""


async def table_facts(database: Database) -> TableFacts:
    """Give the size of the table; all zero when there is none yet."""
    async with database.connection() as connection:
        cursor = await connection.execute(QUERIES["table_facts"])
        found = await cursor.fetchone()
        return TableFacts(*found) if found else TableFacts(0, 0, 0)


async def ping(database: Database) -> None:
    """Return when the database answers.

    Raises:
        DatabaseUnavailableError: it does not, within PROBE_SECONDS; the message says why.
    """
    async with database.connection(seconds=PROBE_SECONDS) as connection:
        await connection.execute(QUERIES["ping"])
