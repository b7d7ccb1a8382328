"""How long audit events and searches are kept, and what holds them longer."""

from typing import Annotated

from pydantic import AwareDatetime, ConfigDict, Field

from workflow_audit.models.base import Model, cel_rules
from workflow_audit.models.quantities import Span

Identifier = Annotated[str, Field(min_length=1, max_length=255)]


class LegalHold(Model):
    """Events that may not be removed, for a named reason; without any criterion, all in scope.

    A hold of an AuditPolicy is about its own namespace, one of a ClusterAuditPolicy about all of
    them. An event that one of correlationIds or of workflowIds names is held.
    """

    model_config = ConfigDict(
        json_schema_extra=cel_rules(
            (
                "!has(self.from) || !has(self.to) || self.from <= self.to",
                "from must not be after to",
                ".from",
            )
        )
    )

    name: str = Field(max_length=63, pattern="^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
    """Name of the hold, such as the number of the case."""

    reason: str = Field(min_length=1, max_length=512)
    """Why these events are kept."""

    correlation_ids: list[Identifier] = Field(default_factory=list, max_length=100)
    """Remediation requests whose events are held."""

    workflow_ids: list[Identifier] = Field(default_factory=list, max_length=100)
    """Workflows: events in whose answer one of them is listed are held."""

    from_: AwareDatetime | None = Field(None, alias="from")
    """Only events from this time on."""

    to: AwareDatetime | None = None
    """Only events up to this time."""


class Retention(Model):
    """How long events are kept; a legal hold wins over every time."""

    days: int = Field(2555, ge=1, le=2555)
    """Days from the event's time; seven years by default. An event is kept for the time that was in
    force when it was recorded, or for this one when it is longer."""

    search_ttl: Span = Field("24h", alias="searchTTL")
    """How long a recorded WorkflowSearch stays in the cluster after its creation, such as 24h; 0s
    keeps it for good. Its event is not touched."""

    dry_run: bool = False
    """Only show in status what retention would remove; nothing of this policy is removed."""

    legal_holds: list[LegalHold] = Field(
        default_factory=list,
        max_length=32,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    )
    """Events that may not be removed, whatever their age."""
