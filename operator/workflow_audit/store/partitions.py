"""Monthly partitions: made ahead, and when an event of another month arrives."""

from datetime import date, timedelta

from workflow_audit.store.pool import Database
from workflow_audit.store.sql import QUERIES

_MORE_THAN_A_MONTH = timedelta(days=32)


async def ensure_partition(database: Database, day: date) -> bool:
    """Make the partition for a day's month when it is missing.

    Returns:
        Whether it was made now.

    Raises:
        EventRefusedError: the day is before 2020 or more than 13 months ahead.
        DatabaseUnavailableError: try again later.
    """
    async with database.connection() as connection:
        cursor = await connection.execute(QUERIES["ensure_partition"], {"day": day})
        found = await cursor.fetchone()
        return bool(found and found[0])


async def ensure_ahead(database: Database, today: date, months: int = 2) -> int:
    """Make the partitions of this month and the next ones, so that no event waits for DDL.

    Args:
        database: of the role workflow_audit_writer.
        today: UTC date.
        months: how many after this one; at most 12.

    Returns:
        How many were missing.
    """
    made = 0
    day = today.replace(day=1)
    for _ in range(months + 1):
        made += await ensure_partition(database, day)
        day = (day + _MORE_THAN_A_MONTH).replace(day=1)
    return made
