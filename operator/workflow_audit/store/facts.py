"""What metrics want to know of the database."""

from dataclasses import dataclass

from workflow_audit.store.pool import Database
from workflow_audit.store.sql import QUERIES


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
