"""What has to happen from time to time: partitions ahead, figures about the table."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime

from workflow_audit import metrics
from workflow_audit.errors import DatabaseError

log = logging.getLogger(__name__)

PERIOD_SECONDS = 60.0


@dataclass(frozen=True)
class TableSize:
    """What the table's metrics show."""

    table_bytes: int
    partitions: int


@dataclass(frozen=True)
class Maintenance:
    """Keeps partitions ahead of time and metrics up to date; a failure is tried again."""

    ensure_ahead: Callable[[date], Awaitable[int]]
    table_size: Callable[[], Awaitable[TableSize]]
    clock: Callable[[], datetime]

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                await self.once()
            except DatabaseError as error:
                log.warning("maintenance is put off: %s", error)
            await asyncio.sleep(PERIOD_SECONDS)

    async def once(self) -> None:
        """Make the partitions that are missing and measure the table.

        Raises:
            DatabaseError: it could not be done now.
        """
        made = await self.ensure_ahead(self.clock().date())
        if made:
            log.info("made %d partitions ahead", made)
        size = await self.table_size()
        metrics.TABLE_BYTES.set(size.table_bytes)
        metrics.PARTITIONS.set(size.partitions)
