"""What a run of retention asks of the database; the functions there check everything once more."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import errors as pg
from psycopg.types.json import Jsonb

from workflow_audit.domain.retention import Removal
from workflow_audit.models.policy import PolicyKey
from workflow_audit.models.removal import (
    Batch,
    Drop,
    Expired,
    Partition,
    Place,
    Preview,
    Previews,
    Rules,
    RunResult,
    Runs,
    policy_key,
)
from workflow_audit.store.pool import Connection, Database
from workflow_audit.store.sql import RETENTION

Json = dict[str, Any]


class RetentionStore:
    """The database, as retention of one cluster sees it."""

    def __init__(self, database: Database, cluster: str) -> None:
        """Take the database.

        Args:
            database: of the role workflow_audit_retention.
            cluster: the cluster_id of the events that are ours.
        """
        self._database = database
        self._cluster = cluster

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator["RetentionSession | None"]:
        """Give a session that no other operator of this cluster has; None when one has it.

        Raises:
            DatabaseUnavailableError: something went wrong; try again later.
        """
        cluster = {"cluster": self._cluster}
        async with self._database.session() as connection:
            cursor = await connection.execute(RETENTION["lock_retention"], cluster)
            (ours,) = await cursor.fetchone() or (False,)
            yield RetentionSession(connection, self._cluster) if ours else None
            if ours:  # else it would end with the connection, some moments later
                await connection.execute(RETENTION["unlock_retention"], cluster)

    async def runs(self) -> Runs:
        """Give how retention stands, whichever operator ran it."""
        async with self._database.connection() as connection:
            return await RetentionSession(connection, self._cluster).runs()


class RetentionSession:
    """What one run does, on one connection: where its lock goes, it ends too."""

    def __init__(self, connection: Connection, cluster: str) -> None:
        self._connection = connection
        self._cluster = cluster

    async def runs(self) -> Runs:
        """Give the time by the clock that decides what is old enough, and what was done last."""
        ((now,),) = await self._rows("server_time")
        last = await self._rows("last_operation", operation="finish_run")
        counted = await self._rows("last_operation", operation="preview")
        return Runs(
            now,
            _result(*last[0]) if last else None,
            _previews(*counted[0]) if counted else None,
        )

    async def partitions(self) -> list[Partition]:
        """Give all partitions of one month each, the oldest first."""
        return [Partition(*row) for row in await self._rows("partitions")]

    async def namespaces(self, partition: Partition) -> list[str]:
        """Give the namespaces of which there are events in a partition."""
        bounds = {"first_day": partition.first_day, "next_month": partition.next_month}
        return [name for (name,) in await self._rows("namespaces_of_month", **bounds)]

    async def drop_partition(self, run: UUID, partition: Partition, rules: Rules) -> Drop:
        """Drop a partition if every event in it may go."""
        try:
            ((dropped, removed),) = await self._rows(
                "drop_partition", run=run, month=partition.first_day, rules=_jsonb(rules)
            )
        except pg.LockNotAvailable:
            return Drop("in-use")
        return Drop("dropped" if dropped else "kept", removed)

    async def remove_events(
        self,
        run: UUID,
        removal: Removal,
        rules: Rules,
        since: Place | None,
        most: int,
    ) -> Batch:
        """Look at the next events of a namespace, the oldest first, and remove those that may go.

        Args:
            run: stands in the trace.
            removal: where to look.
            rules: after how many days they may go.
            since: where the batch before has ended; None for the first.
            most: how many to look at.
        """
        ((seen, removed, at, event_id),) = await self._rows(
            "remove_events",
            run=run,
            month=removal.partition.first_day,
            namespace=removal.namespace,
            rules=_jsonb(rules),
            since=since and since.at,
            since_id=since and since.event_id,
            most=most,
        )
        return Batch(seen, removed, Place(at, event_id) if event_id else None)

    async def expired(self, partition: Partition, rules: Rules) -> list[Expired]:
        """Count what the rules would let go; touches nothing."""
        month = partition.first_day
        found = await self._rows("count_expired", month=month, rules=_jsonb(rules))
        return [
            Expired(policy_key(policy, namespace), *counts) for policy, namespace, *counts in found
        ]

    async def removed_by(self, run: UUID) -> dict[PolicyKey, int]:
        """Give how many events a run has removed until now, also before an interruption."""
        found = await self._rows("removed_by_run", run=run)
        keys = ((policy_key(policy, namespace), events) for policy, namespace, events in found)
        return {key: events for key, events in keys if key}

    async def note_previews(self, run: UUID, previews: Mapping[PolicyKey, Preview]) -> None:
        """Note what was counted; `runs` gives it from now on."""
        found = [
            _named(key)
            | {
                "generation": preview.generation,
                "events": preview.events,
                "bytes": preview.size_bytes,
                "oldest": preview.oldest.isoformat() if preview.oldest else None,
                "held": preview.held,
            }
            for key, preview in previews.items()
        ]
        await self._rows("note_previews", run=run, details=Jsonb({"policies": found}))

    async def finish(self, run: UUID, removed: Mapping[PolicyKey, int]) -> None:
        """Note that a run has come to its end; `runs` gives it from now on."""
        found = [_named(key) | {"removed": events} for key, events in removed.items()]
        await self._rows("finish_run", run=run, details=Jsonb({"policies": found}))

    async def _rows(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        cursor = await self._connection.execute(
            RETENTION[statement], {"cluster": self._cluster, **parameters}
        )
        return await cursor.fetchall()


def _jsonb(rules: Rules) -> Jsonb:
    return Jsonb(
        {
            namespace: {
                name: {
                    "days": rule.days,
                    "policy": rule.policy_name,
                    "namespace": rule.policy.namespace if rule.policy else None,
                    "generation": rule.generation,
                }
                for name, rule in own.items()
            }
            for namespace, own in rules.items()
        }
    )


def _named(key: PolicyKey) -> Json:
    return {"policy": str(key), "namespace": key.namespace}


def _by_policy(details: Json) -> dict[PolicyKey, Json]:
    keys = ((policy_key(each["policy"], each["namespace"]), each) for each in details["policies"])
    return {key: each for key, each in keys if key}


def _result(finished_at: datetime, details: Json) -> RunResult:
    removed = {key: each["removed"] for key, each in _by_policy(details).items()}
    return RunResult(finished_at, removed)


def _previews(counted_at: datetime, details: Json) -> Previews:
    return Previews(counted_at, {key: _preview(each) for key, each in _by_policy(details).items()})


def _preview(found: Json) -> Preview:
    return Preview(
        generation=found["generation"],
        events=found["events"],
        size_bytes=found["bytes"],
        oldest=datetime.fromisoformat(found["oldest"]) if found["oldest"] else None,
        held=found["held"],
    )
