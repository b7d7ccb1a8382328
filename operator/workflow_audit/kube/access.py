"""Who somebody is and what he may do: the API server decides, we remember it for seconds.

Without remembering, each page of a list would cost the API server two requests. With it, a right
that was taken away still works for ALLOWED_SECONDS, as everywhere in Kubernetes.
"""

import hashlib
import time
from collections.abc import Hashable
from contextlib import suppress
from typing import Any

from cachetools import TLRUCache

from workflow_audit.kube.connecting import ApiServer
from workflow_audit.models.auditlog import AUDIT_EVENT
from workflow_audit.models.user import Action, User

ALLOWED_SECONDS, DENIED_SECONDS = 10.0, 5.0
MOST_REMEMBERED = 4096

TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"  # noqa: S105 - no password
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

Json = dict[str, Any]


class Access:
    """Asks the API server, and remembers what it said."""

    def __init__(self, api: ApiServer) -> None:
        """Take the API server.

        Args:
            api: as an identity that may create TokenReviews and SubjectAccessReviews.
        """
        self._api = api
        self._users: TLRUCache[bytes, User | None] = _remembered()
        self._decisions: TLRUCache[Hashable, bool] = _remembered()

    async def user(self, token: str) -> User | None:
        """Give whose token it is; None when it is nobody's.

        Raises:
            ClusterError: the API server does not say.
        """
        key = hashlib.sha256(token.encode()).digest()
        with suppress(KeyError):
            return self._users[key]
        review = {"spec": {"token": token}}
        status = await self._reviewed("reviewing a token", TOKEN_REVIEWS, review, "TokenReview")
        user = _user(status["user"]) if status.get("authenticated") else None
        self._users[key] = user
        return user

    async def allowed(self, user: User, action: Action) -> bool:
        """Tell whether somebody may do something.

        Raises:
            ClusterError: the API server does not say.
        """
        extra = tuple(sorted(user.extra.items()))
        key = (user.name, user.groups, user.uid, extra, action)
        with suppress(KeyError):
            return self._decisions[key]
        attributes = {
            "verb": action.verb,
            "group": AUDIT_EVENT.group,
            "version": AUDIT_EVENT.version,
            "resource": AUDIT_EVENT.plural,
            "namespace": action.namespace or "",
            "name": action.name or "",
        }
        spec = {
            "user": user.name,
            "groups": list(user.groups),
            "uid": user.uid,
            "extra": {name: list(values) for name, values in user.extra.items()},
            "resourceAttributes": attributes,
        }
        kind = "SubjectAccessReview"
        status = await self._reviewed("reviewing access", ACCESS_REVIEWS, {"spec": spec}, kind)
        decision = bool(status.get("allowed"))
        self._decisions[key] = decision
        return decision

    async def _reviewed(self, doing: str, path: str, review: Json, kind: str) -> Json:
        version = path.removeprefix("/apis/").rpartition("/")[0]
        body = {"apiVersion": version, "kind": kind} | review
        answer = await self._api.ask(doing, "POST", path, body=body)
        # An `evaluationError` beside it speaks of other roles that are broken; the decision holds.
        status: Json = answer.get("status") or {}
        return status


def _remembered() -> Any:
    """Give a bounded memory in which what is denied stays for a shorter time."""

    def until(_: object, value: object, now: float) -> float:
        return now + (ALLOWED_SECONDS if value else DENIED_SECONDS)

    return TLRUCache(MOST_REMEMBERED, ttu=until, timer=time.monotonic)


def _user(found: Json) -> User:
    return User(
        name=found.get("username", ""),
        groups=tuple(found.get("groups") or ()),
        uid=found.get("uid", ""),
        extra={name: tuple(values) for name, values in (found.get("extra") or {}).items()},
    )
