"""Events of searches that the operator ran itself, found by their key."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from psycopg.rows import dict_row

from workflow_audit.models.event import AuditEvent, StoredEvent
from workflow_audit.store.pool import Database
from workflow_audit.store.rows import COLUMNS
from workflow_audit.store.sql import QUERIES


@dataclass(frozen=True)
class ExecutedEvents:
    """The table, as the writer looks something up in it."""

    database: Database

    async def find(
        self, event_id: UUID, event_date: date, timeout_seconds: float | None = None
    ) -> StoredEvent | None:
        """Give an event as it is stored, if it is there.

        Raises:
            DatabaseUnavailableError: the database does not say, within the time.
        """
        key = {"event_id": event_id, "event_date": event_date}
        async with (
            self.database.connection(seconds=timeout_seconds) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            await cursor.execute(QUERIES["find_executed_event"], key)
            row = await cursor.fetchone()
        if row is None:
            return None
        return StoredEvent(AuditEvent(**{name: row[name] for name in COLUMNS}), row["recorded_at"])
