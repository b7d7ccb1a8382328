"""Legal holds as the database has them; its functions leave a line for each change."""

from collections.abc import Mapping
from typing import Any

from psycopg.rows import dict_row

from workflow_audit.models.policy import AnyPolicy, PolicyKey
from workflow_audit.models.removal import Hold, PlacedHold
from workflow_audit.store.pool import Database
from workflow_audit.store.sql import RETENTION


class HoldStore:
    """The legal holds of one cluster."""

    def __init__(self, database: Database, cluster: str) -> None:
        """Take the database.

        Args:
            database: of the role workflow_audit_retention.
            cluster: the cluster_id of the events that are ours.
        """
        self._database = database
        self._cluster = cluster

    async def placed(self) -> list[PlacedHold]:
        """Give all holds that are in force."""
        async with self._database.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(RETENTION["placed_holds"], {"cluster": self._cluster})
            return [_placed(row) for row in await cursor.fetchall()]

    async def place(self, hold: Hold) -> bool:
        """Place a hold or change it; from COMMIT on nothing that it holds is removed.

        Returns:
            Whether anything changed; not when a later generation of its policy has placed it.
        """
        parameters = {
            "cluster": self._cluster,
            "policy": str(hold.policy),
            "policy_namespace": hold.policy.namespace,
            "uid": hold.uid,
            "generation": hold.generation,
            "name": hold.name,
            "reason": hold.reason,
            "correlation_ids": list(hold.correlation_ids),
            "workflow_ids": list(hold.workflow_ids),
            "held_from": hold.held_from,
            "held_to": hold.held_to,
        }
        return await self._changed("place_hold", parameters)

    async def release(self, placed: PlacedHold, policy: AnyPolicy | None, why: str) -> bool:
        """Release a hold.

        Args:
            placed: the hold.
            policy: its policy as it is now; None when it is gone.
            why: stands in the trace.

        Returns:
            Whether it was released; not when a later generation of its policy has placed it.
        """
        parameters = {
            "hold_id": placed.hold_id,
            "uid": policy.uid if policy else None,
            "generation": policy.generation if policy else None,
            "why": why,
        }
        return await self._changed("release_hold", parameters)

    async def _changed(self, statement: str, parameters: Mapping[str, object]) -> bool:
        async with self._database.connection() as connection:
            cursor = await connection.execute(RETENTION[statement], parameters)
            found = await cursor.fetchone()
            return bool(found and found[0])


def _placed(row: Mapping[str, Any]) -> PlacedHold:
    kind, _, policy_name = row["policy"].partition("/")
    hold = Hold(
        policy=PolicyKey(kind, row["policy_namespace"], policy_name),
        uid=row["policy_uid"],
        generation=row["policy_generation"],
        name=row["name"],
        reason=row["reason"],
        correlation_ids=tuple(row["correlation_ids"]),
        workflow_ids=tuple(row["workflow_ids"]),
        held_from=row["held_from"],
        held_to=row["held_to"],
    )
    return PlacedHold(row["hold_id"], hold)
