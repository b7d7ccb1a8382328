"""The table, as a comparison with the cluster reads it: page by page, and nothing is changed."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from workflow_audit.models.search import Metadata
from workflow_audit.models.verification import Rights, StoredContent, StoredRow
from workflow_audit.store.arrays import TextArray, TimeArray, UuidArray
from workflow_audit.store.pool import Database
from workflow_audit.store.sql import VERIFYING

PAGE = 1000

NIL = UUID(int=0)


@dataclass(frozen=True)
class ComparedRows:
    """Rows, as far as a login may read them."""

    database: Database
    rights: Rights

    async def moment(self) -> datetime:
        """Give the time by the clock that dates rows."""
        ((now,),) = await _rows(self.database, "verify_moment")
        found: datetime = now
        return found

    async def of(self, ids: Sequence[UUID], first: date, last: date) -> list[StoredRow]:
        """Give the rows of some events, between two days, both included."""
        wanted = {"event_id": UuidArray(ids), "first": first, "last": last}
        statement = "verify_content" if self.rights.content else "verify_names"
        return [_stored(row) for row in await _rows(self.database, statement, **wanted)]

    async def since(self, day: date, until: date) -> AsyncIterator[list[StoredRow]]:
        """Give all rows of these days, both included, in pages of bounded size."""
        statement = "verify_rows_content" if self.rights.content else "verify_rows_names"
        while day <= until:
            next_month = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            after = NIL
            while True:
                wanted = {"first": day, "next": next_month, "after": after, "most": PAGE}
                page = [_stored(row) for row in await _rows(self.database, statement, **wanted)]
                if page:
                    yield page
                if len(page) < PAGE:
                    break
                after = page[-1].event_id
            day = next_month


@dataclass(frozen=True)
class RemovalTrace:
    """What retention has removed, as its trace says."""

    database: Database
    cluster_id: UUID

    async def covers(self, searches: Sequence[Metadata]) -> set[UUID]:
        """Give the uids of those from whose time and namespace events were removed."""
        wanted = {
            "uids": UuidArray(search.uid for search in searches),
            "namespaces": TextArray(search.namespace for search in searches),
            "times": TimeArray(search.created for search in searches),
            "cluster": str(self.cluster_id),
        }
        return {uid for (uid,) in await _rows(self.database, "verify_removed", **wanted)}


async def rights(database: Database) -> Rights:
    """Tell what this login may do.

    Raises:
        DatabaseUnavailableError: it is not known now.
    """
    ((login, *may),) = await _rows(database, "verify_rights")
    return Rights(login, *may)


async def _rows(database: Database, statement: str, **wanted: object) -> list[tuple[Any, ...]]:
    async with database.connection() as connection:
        cursor = await connection.execute(VERIFYING[statement], wanted or None)
        return await cursor.fetchall()


def _stored(row: tuple[Any, ...]) -> StoredRow:
    event_id, event_date, recorded_at, correlation_id, resource_id, resource_name, *content = row
    return StoredRow(
        event_id,
        event_date,
        recorded_at,
        correlation_id,
        resource_id,
        resource_name,
        StoredContent(*content) if content else None,
    )
