"""The operator compares by itself unless it is told not to, and logins are refused by name."""

from uuid import uuid4

import pytest

from workflow_audit.errors import VerificationError
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.models.verification import Rights
from workflow_audit.services.policy_book import PolicyBook
from workflow_audit.settings.operating import VerifySettings
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.pool import Database
from workflow_audit.wiring.retention import RetentionDatabase
from workflow_audit.wiring.verifying import _insist_on, verify_tasks

READER = Rights("ada", names=True, content=True, writes=False, trace=True)
WRITER = Rights("oscar", names=True, content=False, writes=True, trace=False)
NOBODY = Rights("eve", names=False, content=False, writes=False, trace=True)


@pytest.mark.parametrize(("schedule", "tasks"), [("", 0), ("41 */6 * * *", 1)])
async def test_without_a_schedule_nothing_runs(schedule: str, tasks: int) -> None:
    database = Database(DatabaseAddress(url="postgresql://a@127.0.0.1:1/audit"))
    where = RetentionDatabase(None, str(uuid4()))
    book = PolicyBook(enabled=True)
    settings = VerifySettings(schedule=schedule)
    assert len(verify_tasks(settings, ApiServer(), database, where, book)) == tasks


@pytest.mark.parametrize(
    ("may", "repair"),
    [pytest.param(READER, False, id="reader"), pytest.param(WRITER, True, id="writer")],
)
def test_who_may_is_not_refused(may: Rights, repair: bool) -> None:
    _insist_on(may, "AUDIT_DATABASE_URL", repair=repair)


@pytest.mark.parametrize(
    ("may", "repair", "said"),
    [
        pytest.param(NOBODY, False, "AUDIT_DATABASE_URL: the login eve may not read", id="nobody"),
        pytest.param(READER, True, "the login ada may not record events; --repair", id="reader"),
    ],
)
def test_who_may_not_is_told_whose_login_to_use(may: Rights, repair: bool, said: str) -> None:
    with pytest.raises(VerificationError, match=said):
        _insist_on(may, "AUDIT_DATABASE_URL", repair=repair)
