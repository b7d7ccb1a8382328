"""Settings -> who compares searches with their audit events, and records again what is missing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from workflow_audit.errors import VerificationError
from workflow_audit.kube import cluster
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.kube.policies import PolicyObjects
from workflow_audit.kube.searches import search_pages
from workflow_audit.models.verification import Counts, Report, Rights
from workflow_audit.services.policy_book import PolicyBook
from workflow_audit.services.repairing import Repairing
from workflow_audit.services.verify_schedule import VerifySchedule
from workflow_audit.services.verifying import NoRemovals, Removals, Verification
from workflow_audit.settings.operating import RetentionSettings, VerifySettings
from workflow_audit.store import schema
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.pool import Database, PoolOptions
from workflow_audit.store.verifying import ComparedRows, RemovalTrace, rights
from workflow_audit.store.writer import EventWriter
from workflow_audit.wiring.retention import RetentionDatabase, retention_connections
from workflow_audit.wiring.running import running, utc_now

POLICIES_SECONDS = 15.0
"""Longest wait until the API server has told of all policies."""

POOL = PoolOptions(name="workflow-audit-verify", max_size=3, answer_seconds=120)

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody wants to know."""

    namespace: str | None = None
    """None is all of them."""

    since: datetime | None = None
    repair: bool = False
    shown: int | None = 20
    """Most names of each kind; None is all."""

    progress: Callable[[Counts], None] = lambda _: None


async def verified(
    wanted: Wanted,
    address: DatabaseAddress,
    retention: RetentionSettings,
    kubeconfig: Path | None = None,
    context: str | None = None,
) -> Report:
    """Compare once, and give what was found.

    Args:
        wanted: what is compared, and whether what is missing is recorded again.
        address: of the database, with a login that may read the table.
        retention: whose login is asked what was removed, where the other may not read it.
        kubeconfig: whose credentials; None as `ApiServer` takes it.
        context: of the kubeconfig.

    Raises:
        AuditError: it cannot be told; the message says what is missing for it.
    """
    async with _opened(wanted, address, retention, ApiServer(kubeconfig, context)) as verification:
        return await verification.run()


@asynccontextmanager
async def _opened(
    wanted: Wanted, address: DatabaseAddress, retention: RetentionSettings, server: ApiServer
) -> AsyncIterator[Verification]:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(address, POOL))
        api = await stack.enter_async_context(server)
        await schema.check(database)
        may = await rights(database)
        _insist_on(may, address.variable, repair=wanted.repair)
        cluster_id = await cluster.cluster_id(api)
        book = PolicyBook(enabled=True)
        policies = PolicyObjects(api, partial(_policy_changed, book), book.namespace_changed)
        book.follow(policies.known)
        await stack.enter_async_context(running(policies.run))
        await _known(book, policies)
        repairer = None
        if wanted.repair:
            writer = await stack.enter_async_context(EventWriter(database))
            repairer = Repairing(writer, book, cluster_id)
        yield Verification(
            pages=partial(search_pages, api, wanted.namespace),
            rows=ComparedRows(database, may),
            removals=await _removals(stack, database, may, retention, cluster_id),
            policies=book,
            cluster_id=cluster_id,
            clock=lambda: api.told or utc_now(),
            repairer=repairer,
            shown=wanted.shown,
            counts_rows=wanted.namespace is None,  # not every login may read whose a row is
            since=wanted.since,
            progress=wanted.progress,
        )


def verify_tasks(
    settings: VerifySettings,
    api: ApiServer,
    database: Database,
    retention: RetentionDatabase,
    book: PolicyBook,
) -> tuple[Callable[[], Awaitable[None]], ...]:
    """Give what has to run for as long as the operator; nothing where it is not to compare.

    It looks at the searches that are there and their rows, and leaves looking through the table to
    `workflow-audit verify`: so what it costs depends on the cluster, and not on years of events.
    """
    if not settings.schedule:
        return ()
    cluster_id = UUID(retention.cluster_id)
    trace = RemovalTrace(retention.database, cluster_id) if retention.database else NoRemovals()

    async def verify() -> Report:
        verification = Verification(
            pages=partial(search_pages, api),
            rows=ComparedRows(database, await rights(database)),
            removals=trace,
            policies=book,
            cluster_id=cluster_id,
            clock=lambda: api.told or utc_now(),
            pause_seconds=settings.pause_ms / 1000,
            counts_rows=False,
        )
        return await verification.run()

    async def run() -> None:
        await book.wait_until_known()
        await VerifySchedule(verify, settings.schedule, utc_now).run()

    return (run,)


def _insist_on(may: Rights, variable: str, *, repair: bool) -> None:
    if not may.names:
        raise VerificationError(
            f"{variable}: the login {may.login} may not read audit_events; use one of"
            " workflow_audit_reader, which compares all, or of workflow_audit_writer, which"
            " compares names and times"
        )
    if repair and not may.writes:
        raise VerificationError(
            f"{variable}: the login {may.login} may not record events; --repair needs one of"
            " workflow_audit_writer"
        )


async def _known(book: PolicyBook, policies: PolicyObjects) -> None:
    """Return once all policies are known: they say how long an event is kept.

    Raises:
        VerificationError: not within the time.
    """
    try:
        async with asyncio.timeout(POLICIES_SECONDS):
            await book.wait_until_known()
    except TimeoutError:
        why = policies.problem or f"the API server does not tell within {POLICIES_SECONDS:g} s"
        raise VerificationError(f"policies and namespaces are not known: {why}") from None


async def _removals(
    stack: AsyncExitStack,
    database: Database,
    may: Rights,
    retention: RetentionSettings,
    cluster_id: UUID,
) -> Removals:
    """Give who knows what retention has removed, if anybody may be asked."""
    if may.trace:
        return RemovalTrace(database, cluster_id)
    if retention.enabled:
        other = await stack.enter_async_context(retention_connections(retention))
        if other is not None:
            return RemovalTrace(other, cluster_id)
    return NoRemovals()


def _policy_changed(book: PolicyBook, before: Json | None, after: Json | None) -> None:
    book.policy_changed(before, after)
