"""AuditEvent as an object of the Kubernetes API: the columns in camelCase.

Its docstrings are what `kubectl explain auditevents` and the REST reference show.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from workflow_audit.models.base import Fraction, Model
from workflow_audit.models.event_data import EventData, EventMetadata, Time

Date = Annotated[str, Field(json_schema_extra={"format": "date"})]


class AuditEventObject(Model):
    """One immutable event: what was asked, what was found, who won, and why."""

    model_config = ConfigDict(title="AuditEvent")

    event_id: str
    """Id of the event, which is its name too."""

    event_version: str
    """Version of the shape of eventData."""

    event_timestamp: Time
    """When the API server accepted the search."""

    event_date: Date
    """Its date in UTC."""

    event_type: str
    """Such as workflow.catalog.search_completed."""

    event_category: str
    """Such as workflow."""

    event_action: str
    """Such as search_completed."""

    event_outcome: Literal["success", "failure", "pending"]
    """How the search went."""

    actor_type: str
    """What kind of actor searched."""

    actor_id: str
    """The service that searched."""

    actor_ip: str | None = None
    """Where it searched from."""

    resource_type: str
    """Kind of the search."""

    resource_id: str
    """Its uid."""

    resource_name: str | None = None
    """Its name."""

    correlation_id: str
    """The remediation request that the search served."""

    parent_event_id: str | None = None
    """Event that caused this one."""

    parent_event_date: Date | None = None
    """Date of that one."""

    trace_id: str | None = None
    """OpenTelemetry trace."""

    span_id: str | None = None
    """OpenTelemetry span."""

    cluster_id: str | None = None
    """uid of the namespace kube-system of the cluster where it was recorded."""

    severity: str | None = None
    """How severe it is."""

    duration_ms: int | None = None
    """Duration of the search."""

    error_code: str | None = None
    """Why the search failed."""

    error_message: str | None = None
    """The same for people, redacted."""

    retention_days: int
    """Days that the event is kept at the least."""

    is_sensitive: bool
    """Whether something was redacted or may be personal."""

    legal_hold: bool
    """Whether kubernaut's own hold is set; those of policies are not shown here."""

    recorded_at: Time
    """When the event was written, by the database's clock."""

    top_workflow_id: str | None = None
    """The workflow that won; none when nothing was found."""

    top_confidence: Fraction | None = None
    """Its confidence."""

    event_data: EventData
    """What was asked, what was found, and why; names are those of the stored JSON."""

    event_metadata: EventMetadata | None = None
    """About the recording."""
