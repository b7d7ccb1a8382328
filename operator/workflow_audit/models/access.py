"""Who may read audit events."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from workflow_audit.models.base import Model, cel_rules

EventType = Annotated[str, Field(max_length=100, pattern="^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$")]


class Reader(Model):
    """A subject of Kubernetes' RBAC."""

    model_config = ConfigDict(
        json_schema_extra=cel_rules(
            (
                "has(self.__namespace__) == (self.kind == 'ServiceAccount')",
                "a service account needs its namespace; users and groups have none",
                ".namespace",
            )
        )
    )

    kind: Literal["User", "Group", "ServiceAccount"]
    """What the name is of."""

    name: str = Field(min_length=1, max_length=253)
    """Name of the user, group or service account."""

    namespace: str | None = Field(
        None, max_length=63, pattern="^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
    )
    """Namespace of the service account."""


class Access(Model):
    """Who may read the audit events and see the searches; Kubernetes' own RBAC decides."""

    readers: list[Reader] = Field(default_factory=list, max_length=64)
    """Subjects that may read: in this namespace, or everywhere for a cluster policy."""

    event_types: list[EventType] = Field(default_factory=list, max_length=16)
    """Types of events that they may read, such as workflow.catalog.search_completed; all without
    any."""
