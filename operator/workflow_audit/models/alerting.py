"""What a policy asks Prometheus and Grafana to show."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from workflow_audit.models.base import Fraction, Model
from workflow_audit.models.quantities import Size, Span, size_schema
from workflow_audit.models.selector import LABELS_RULE, LabelValue

SizePerDay = Annotated[
    Size, Field(ge=1024, le=2**40), WithJsonSchema(size_schema(least=1024, most=2**40))
]
Seconds = Annotated[float, Field(ge=0.001, le=86_400, allow_inf_nan=False)]
ChildLabels = Annotated[dict[str, LabelValue], Field(max_length=16, json_schema_extra=LABELS_RULE)]


class Alerts(Model):
    """Alert rules for Prometheus, in a PrometheusRule of the prometheus-operator."""

    enabled: bool = False
    """Whether the rules are wanted. Where the prometheus-operator is not installed, the policy is
    not Ready until it is."""

    write_error_rate: float = Field(0.05, ge=0, le=1000, allow_inf_nan=False)
    """Failed writes a second above which WorkflowAuditWriteErrorRate fires."""

    write_error_ratio: Fraction = 0.05
    """Share of failed writes above which WorkflowAuditWriteErrorRatio fires."""

    query_p95_seconds: Seconds = 0.5
    """95th percentile of reads, without statistics, above which WorkflowAuditQuerySlow fires."""

    write_p95_seconds: Seconds = 0.05
    """95th percentile of writes, from submission to COMMIT, above which WorkflowAuditWriteSlow
    fires."""

    growth_bytes_per_day: SizePerDay = 10 * 2**20
    """Growth of the table above which WorkflowAuditGrowth fires, in bytes or as 10Mi."""

    oldest_pending_seconds: Seconds = 300
    """Age of the oldest unrecorded search above which WorkflowAuditPendingTooOld fires."""

    for_: Span = Field("5m", alias="for")
    """How long a condition holds before its alert fires."""

    labels: ChildLabels = Field(default_factory=dict)
    """Further labels of the PrometheusRule, as your Prometheus selects rules by them."""

    runbook_url: str = Field(
        "https://kubernaut.ai/docs/workflow-audit/runbook/",
        alias="runbookURL",
        max_length=512,
        pattern=r"^https?://[^\s#{}]+$",
    )
    """Page that says what to do, such as your own copy of docs/runbook.md. The annotation
    runbook_url of an alert is this with the alert's name in lower case behind a #."""


class Dashboard(Model):
    """A Grafana dashboard, in a ConfigMap that Grafana's sidecar loads."""

    enabled: bool = False
    """Whether the dashboard is wanted."""

    labels: ChildLabels = Field(default_factory=lambda: {"grafana_dashboard": "1"})
    """Labels of the ConfigMap, by which the sidecar finds it; else `grafana_dashboard: "1"`."""
