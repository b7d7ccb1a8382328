"""Nobody reads before the API server has allowed it, and every attempt is noted.

What always holds: each read leaves one line in the log, with who, where, what and how many; also
one that was refused, failed, or ended in the midst.
"""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol

from workflow_audit import metrics
from workflow_audit.errors import ForbiddenError, TooManyRequestsError
from workflow_audit.models.auditlog import AUDIT_EVENT
from workflow_audit.models.query import EventQuery
from workflow_audit.models.user import Action, User

log = logging.getLogger(__name__)

READER_ROLE = "workflow-audit-reader"
"""The ClusterRole that we ship."""


class Access(Protocol):
    """Who may do what."""

    async def allowed(self, user: User, action: Action) -> bool:
        """Tell whether somebody may do something."""
        ...


class Limits(Protocol):
    """How much one user may ask."""

    def admitted(self, user: str) -> AbstractAsyncContextManager[None]:
        """Let a request be worked on; raises TooManyRequestsError."""
        ...


@dataclass(frozen=True)
class Request:
    """Who reads what, for one answer."""

    reader: User
    action: Action
    query: EventQuery
    endpoint: str
    """Which of the interfaces is used, for metrics and the log."""

    begun: datetime | None = None
    """From when relative times of the query count; None where it has none."""

    other_names: tuple[str, ...] = ()
    """A right to one of them is enough too."""

    cursor_parameter: str = "continue"
    """What the interface calls it, for errors."""

    statistic: str | None = None
    """Which one is asked for; None for events themselves."""


@dataclass
class Account:
    """What one read gave, for metrics and the log."""

    rows: int = 0
    outcome: Literal["answered", "forbidden", "limited", "failed", "cut"] = "failed"
    """cut: some events were given, but not all."""


@asynccontextmanager
async def noted(
    request: Request, limits: Limits, monotonic: Callable[[], float], *, timed: bool = True
) -> AsyncIterator[Account]:
    """Note a read when it has ended, however it ends; nobody's take what others need.

    Args:
        request: who reads what.
        limits: what its reader may ask.
        monotonic: gives seconds.
        timed: whether its duration is that of one query, for the metric.

    Raises:
        TooManyRequestsError: he asks too much; that is noted too.
    """
    account, began = Account(), monotonic()
    try:
        async with limits.admitted(request.reader.name):
            yield account
        account.outcome = "answered"
    except ForbiddenError:
        account.outcome = "forbidden"
        raise
    except TooManyRequestsError as error:
        account.outcome = "limited"
        metrics.QUERY_REFUSALS.labels(request.endpoint, error.limit).inc()
        raise
    finally:
        seconds = monotonic() - began
        if account.rows and account.outcome != "answered":
            account.outcome = "cut"
        if account.outcome == "answered" and timed:
            metrics.QUERY_DURATION.labels(request.endpoint).observe(seconds)
        metrics.QUERY_RESULTS.inc(account.rows)
        _note(request, account, seconds)


async def insist(access: Access, request: Request) -> None:
    """Let nobody read who may not.

    Raises:
        ForbiddenError: the message says which right is missing.
    """
    for name in (request.action.name, *request.other_names):
        if await access.allowed(request.reader, replace(request.action, name=name)):
            return
    raise ForbiddenError(refusal(request.reader, request.action), _remedy(request.action))


def refusal(user: User, action: Action) -> str:
    """Say what is missing in the API server's own words, so that people find it there too."""
    name = f' "{action.name}"' if action.name else ""
    where = f'in the namespace "{action.namespace}"' if action.namespace else "at the cluster scope"
    return (
        f'{AUDIT_EVENT.plural}.{AUDIT_EVENT.group}{name} is forbidden: User "{user.name}"'
        f' cannot {action.verb} resource "{AUDIT_EVENT.plural}" in API group "{AUDIT_EVENT.group}"'
        f" {where}"
    )


def _remedy(action: Action) -> str:
    everywhere = f"a ClusterRoleBinding to the ClusterRole {READER_ROLE}"
    if action.namespace:
        return f"it takes a RoleBinding to the ClusterRole {READER_ROLE} there, or {everywhere}"
    return f"name a namespace that you may read, or ask for {everywhere}"


def _note(request: Request, account: Account, seconds: float) -> None:
    query, given = request.query, account.outcome in {"answered", "cut"}
    conditions = [
        f"{each.field} {each.test} {','.join(map(str, each.values))}" for each in query.conditions
    ]
    log.info(
        "audit events were read" if given else "audit events were not read",
        extra={
            "user": request.reader.name,
            "groups": list(request.reader.groups),
            "verb": request.action.verb,
            "namespace": query.namespace,
            "statistic": request.statistic,
            "selector": conditions,
            "since": query.since and query.since.isoformat(),
            "until": query.until and query.until.isoformat(),
            "endpoint": request.endpoint,
            "outcome": account.outcome,
            "rows": account.rows,
            "seconds": round(seconds, 6),
        },
    )
