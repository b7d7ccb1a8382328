"""Which namespaces somebody may record searches in.

What always holds: the API server has allowed it before anything is recorded, for this type of
events in this namespace; and the namespace is one that policies can decide about.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from workflow_audit.errors import (
    AuditError,
    ForbiddenError,
    InvalidFieldError,
    NamespaceUnknownError,
    PoliciesUnknownError,
)
from workflow_audit.models.submission import EVENT_TYPE
from workflow_audit.models.user import Action, User
from workflow_audit.services.accounts import Access, refusal

SEARCHER_ROLE = "workflow-audit-searcher"
"""The ClusterRole that we ship."""

MOST_NAMESPACES = 100
"""Of one batch: each costs the API server a question."""

NAMESPACE_SECONDS = 1.0
"""How long a namespace may be unknown: a new one is told of within milliseconds."""


class Namespaces(Protocol):
    """Which namespaces there are."""

    async def wait_known(self, namespace: str, timeout_seconds: float | None) -> None:
        """Return once all policies and this namespace are known; else PolicyError."""
        ...


@dataclass(frozen=True)
class Admitting:
    """Asks the API server."""

    access: Access
    namespaces: Namespaces
    problem: Callable[[], str | None]
    """Why what is known of namespaces and policies may be out of date."""

    async def refusals(self, sender: User, namespaces: Collection[str]) -> dict[str, AuditError]:
        """Give why somebody may not record searches, for those of the namespaces where that is so.

        Raises:
            InvalidFieldError: there are too many of them.
        """
        if len(namespaces) > MOST_NAMESPACES:
            rule = f"is more than {MOST_NAMESPACES} namespaces in one batch"
            raise InvalidFieldError("namespace", len(namespaces), rule, "send more batches")
        asked = [self._refusal(sender, each) for each in namespaces]
        one = len(asked) == 1  # the usual case needs no task
        found = [await asked[0]] if one else await asyncio.gather(*asked)
        return {name: error for name, error in zip(namespaces, found, strict=True) if error}

    async def _refusal(self, sender: User, namespace: str) -> AuditError | None:
        try:
            await self._insist(sender, namespace)
        except AuditError as error:
            return error
        return None

    async def _insist(self, sender: User, namespace: str) -> None:
        action = Action("create", namespace, EVENT_TYPE)
        if not await self.access.allowed(sender, action):
            remedy = f"it takes a RoleBinding to the ClusterRole {SEARCHER_ROLE} there"
            raise ForbiddenError(refusal(sender, action), remedy)
        try:
            await self.namespaces.wait_known(namespace, NAMESPACE_SECONDS)
        except NamespaceUnknownError:
            if problem := self.problem():
                raise PoliciesUnknownError(f"namespaces may be out of date: {problem}") from None
            rule = "is no namespace of this cluster"
            remedy = "name the one that the search belongs to"
            raise InvalidFieldError("namespace", namespace, rule, remedy) from None
