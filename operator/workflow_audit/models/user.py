"""Who asks, and what he wants to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from workflow_audit.models.auditlog import AUDIT_EVENT

ACCOUNT_PARTS = 4
"""system:serviceaccount:namespace:name."""


@dataclass(frozen=True)
class User:
    """Somebody whom the API server has authenticated."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    @property
    def namespace(self) -> str | None:
        """Give the namespace of a service account; None for everybody else."""
        parts = self.name.split(":")
        is_account = parts[:2] == ["system", "serviceaccount"] and len(parts) == ACCOUNT_PARTS
        return parts[2] if is_account else None


@dataclass(frozen=True)
class Action:
    """What he wants to do with audit events, as Kubernetes' RBAC names it."""

    verb: str
    """get, list, watch or create."""

    namespace: str | None = None
    """None is all of them."""

    name: str | None = None
    """Event id, or the type of events for readers who may read one type only."""

    def __str__(self) -> str:
        """Say it for people, as the API server does."""
        what = f"{AUDIT_EVENT.plural}.{AUDIT_EVENT.group}"
        which = f' "{self.name}"' if self.name else ""
        where = f'in the namespace "{self.namespace}"' if self.namespace else "at the cluster scope"
        return f"{self.verb} {what}{which} {where}"
