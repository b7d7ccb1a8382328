"""Retention runs where it has a database, and a wrong address is refused at start."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from workflow_audit.domain.policies import KnownPolicies
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.policy import PolicyKey
from workflow_audit.models.policy_status import RetentionStatus
from workflow_audit.settings.operating import RetentionSettings
from workflow_audit.wiring import retention as wiring
from workflow_audit.wiring.retention import (
    Retention,
    RetentionDatabase,
    open_retention,
    retention_connections,
)

KEY = PolicyKey("AuditPolicy", "team-a", "own")
URL = "postgresql://workflow_audit_retention:ge-heim@127.0.0.1:1/audit"


def opened(database: RetentionDatabase, known: asyncio.Event | None = None) -> Retention:
    async def policies_are_known() -> None:
        if known:
            await known.wait()

    return open_retention(
        RetentionSettings(),
        database,
        policies=KnownPolicies,
        policies_are_known=policies_are_known,
        dry_runs=dict,
        changed=lambda: None,
        clock=lambda: datetime(2026, 11, 24, tzinfo=UTC),
    )


async def test_without_a_database_nothing_runs_and_that_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with retention_connections(RetentionSettings()) as database:
        assert database is None
        retention = opened(RetentionDatabase(database, "cluster"))
    assert retention.tasks == ()
    assert retention.status(KEY) is None
    retention.policies_changed()
    assert "AUDIT_RETENTION_DATABASE_URL is empty" in caplog.text


async def test_with_one_it_runs_once_policies_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "POOL", replace(wiring.POOL, acquire_seconds=0.1))
    known = asyncio.Event()
    settings = RetentionSettings(database_url=SecretStr(URL))
    async with retention_connections(settings) as database:
        retention = opened(RetentionDatabase(database, "cluster"), known)
        running = [asyncio.ensure_future(task()) for task in retention.tasks]
        retention.policies_changed()
        await asyncio.sleep(0)
        assert retention.status(KEY) == RetentionStatus()
        known.set()
        async with asyncio.timeout(10):
            while not retention.status(KEY).failure:  # type: ignore[union-attr]  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def test_an_address_that_cannot_be_one_is_refused_by_its_name() -> None:
    settings = RetentionSettings(database_url=SecretStr("mysql://u:ge-heim@h/d"))
    with pytest.raises(InvalidFieldError, match=r"^AUDIT_RETENTION_DATABASE_URL: ") as caught:
        async with retention_connections(settings):
            pass
    assert "ge-heim" not in str(caught.value)
