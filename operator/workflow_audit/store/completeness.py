"""Is there exactly one row for each search?"""

from collections.abc import Collection

from workflow_audit.store.pool import Database
from workflow_audit.store.sql import QUERIES


async def rows_of_searches(database: Database, uids: Collection[str]) -> dict[str, int]:
    """Give the number of rows of each search; one is right, nothing else is.

    Args:
        database: of a role that may read the table.
        uids: of WorkflowSearch objects.
    """
    async with database.connection() as connection:
        cursor = await connection.execute(QUERIES["rows_of_searches"], {"uids": list(uids)})
        return {str(uid): int(rows) async for uid, rows in cursor}
