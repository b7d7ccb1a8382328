"""Sums of statistics by day; what they are and why they are right stands in migration 0006."""

from workflow_audit.store.pool import Database
from workflow_audit.store.sql import QUERIES


async def sum_up(database: Database, most: int) -> int:
    """Add what was recorded since the last time.

    Args:
        database: of the role workflow_audit_writer.
        most: events at the most, 1 to 100,000.

    Returns:
        How many positions it went on; 0 when there is nothing new.

    Raises:
        DatabaseUnavailableError: try again later.
    """
    async with database.connection() as connection:
        cursor = await connection.execute(QUERIES["sum_up"], {"most": most})
        (steps,) = await cursor.fetchone() or (0,)
    return int(steps)
