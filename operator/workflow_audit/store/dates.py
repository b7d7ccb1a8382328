"""On which dates events are stored: the primary key has the date in it, so an id is not unique."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from workflow_audit.store.arrays import UuidArray
from workflow_audit.store.pool import Database
from workflow_audit.store.sql import QUERIES


async def stored_dates(
    database: Database, ids: Sequence[UUID], first: date, last: date
) -> list[tuple[UUID, date]]:
    """Give id and date of each of these events that is stored between two days, both included.

    Raises:
        DatabaseUnavailableError: it is not known now.
    """
    wanted = {"event_id": UuidArray(ids), "first": first, "last": last}
    async with database.connection() as connection:
        cursor = await connection.execute(QUERIES["find_dates"], wanted, binary=True)
        return [(ident, day) for ident, day in await cursor.fetchall()]
