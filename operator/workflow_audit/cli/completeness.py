"""Which searches of a cluster have not exactly one row?"""

import asyncio
from collections.abc import Sequence
from typing import Any

from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.completeness import rows_of_searches
from workflow_audit.store.pool import Database


def searches_without_one_row(
    environment: LocalEnvironment, searches: Sequence[dict[str, Any]]
) -> list[str]:
    """Give namespace/name of every search that is not exactly one row."""
    names = {
        s["metadata"]["uid"]: f"{s['metadata']['namespace']}/{s['metadata']['name']}"
        for s in searches
    }
    rows = asyncio.run(_rows(environment, list(names)))
    return sorted(name for uid, name in names.items() if rows[uid] != 1)


async def _rows(environment: LocalEnvironment, uids: list[str]) -> dict[str, int]:
    address = DatabaseAddress(url=environment.database_url())
    async with Database(address) as database:
        return await rows_of_searches(database, uids)
