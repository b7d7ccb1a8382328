"""Thresholds of a policy -> alert rules, for Prometheus with and without the prometheus-operator.

What always holds, and what the tests check with Prometheus' own rule engine:
- Replicas are one: what each counts is added up, what all see counts once. The labels that tell
  installations apart stay, so that two of them are never mixed.
- Where nothing is written or read, no share and no percentile fires.
- A restart fires nothing: a figure that starts at zero is not taken for a fall or a rise.
"""

from dataclasses import dataclass
from typing import Any, Literal

from workflow_audit.domain.children.child import Child, child, policy_path
from workflow_audit.models.alerting import Alerts
from workflow_audit.models.policy import Policy
from workflow_audit.models.quantities import span_seconds
from workflow_audit.models.resource import PROMETHEUS_RULE

Json = dict[str, Any]

GROUP_NAME = "workflow-audit"

REPLICAS = "instance, pod"
"""Labels by which the replicas of one installation differ."""

WINDOW = "5m"
"""Span of all rates: five scrapes even where they are a minute apart."""

RETENTION_OVERDUE = "2d"
"""Retention runs every day by default; after two days of failures it is somebody's business."""

CERTIFICATE_ENDS = "7d"
"""Renewed in time, a certificate of 30 days or more never comes so near to its end."""

NOT_READY_FOR = "15m"
"""A policy may wait for another thing to be installed; longer than this nobody is at it."""

KIBI = 1024

SHORT = 'printf "%.3g"'
"""How a plain number is shown; Prometheus' own `humanize` writes 0.051 as 51m."""

CERTIFICATE_END = "workflow_audit_serving_certificate_expiry_timestamp_seconds"

Severity = Literal["warning", "critical"]
"""Critical: searches are not recorded, or soon will not be; or events are lost."""


@dataclass(frozen=True)
class Alert:
    """One alert; its description may show the value of its expression."""

    name: str
    expression: str
    holds: str
    severity: Severity
    summary: str
    description: str


def alert_rules(policy: Policy, namespace: str) -> Child | None:
    """Give the PrometheusRule of a policy, None where it wants none.

    Args:
        policy: whose thresholds.
        namespace: where it goes.
    """
    alerts = policy.spec.alerts
    if not alerts.enabled:
        return None
    content = {"spec": rule_groups(alerts, policy_path(policy.key))}
    return child(PROMETHEUS_RULE, policy, namespace, content, alerts.labels)


def rule_groups(alerts: Alerts, policy: str) -> Json:
    """Give what a rules file of Prometheus holds, which is also the spec of a PrometheusRule.

    Args:
        alerts: thresholds.
        policy: the label `policy` of every alert, which tells equal alerts of two policies apart.
    """
    rules = [_rule(alert, alerts.runbook_url, policy) for alert in alerts_for(alerts)]
    return {"groups": [{"name": GROUP_NAME, "rules": rules}]}


def alerts_for(alerts: Alerts) -> tuple[Alert, ...]:
    """Give all alerts; what stops the recording goes first."""
    return (*_operating(alerts), *_writing(alerts), *_reading(alerts), *_keeping(alerts))


def _operating(alerts: Alerts) -> tuple[Alert, ...]:
    pending = _number(alerts.oldest_pending_seconds)
    not_ready = 'workflow_audit_policies{ready="false"}'
    return (
        Alert(
            name="WorkflowAuditOperatorDown",
            # Only an operator that has reached its database knows of partitions.
            expression="absent(workflow_audit_partitions > 0)",
            holds=alerts.for_,
            severity="critical",
            summary="No operator of Workflow Audit is at work",
            description=(
                "Prometheus sees no operator that has reached its database. Searches wait in the"
                " cluster and are recorded when it is back."
            ),
        ),
        Alert(
            name="WorkflowAuditPendingTooOld",
            expression=f"{_seen('workflow_audit_oldest_pending_seconds')} > {pending}",
            holds=alerts.for_,
            severity="critical",
            summary="A workflow search is not recorded for too long",
            description=(
                f"The oldest unrecorded search is {_value('humanizeDuration')} old; more than"
                f" {pending} s are too long."
            ),
        ),
        Alert(
            name="WorkflowAuditPolicyNotReady",
            expression=f"{_seen(not_ready, 'ready')} > 0",
            holds=NOT_READY_FOR,
            severity="warning",
            summary="An audit policy is not in force",
            description=f"Policies that are not Ready: {_value()}.",
        ),
    )


def _writing(alerts: Alerts) -> tuple[Alert, ...]:
    failed = _counted("workflow_audit_write_errors_total", "error_type")
    committed = _counted("workflow_audit_batch_rows_count")
    rate, ratio = _number(alerts.write_error_rate), _number(alerts.write_error_ratio)
    slow = _number(alerts.write_p95_seconds)
    return (
        Alert(
            name="WorkflowAuditWriteErrorRate",
            expression=f"{failed} > {rate}",
            holds=alerts.for_,
            severity="warning",
            summary="Writes of audit events fail",
            description=(
                f"{_value(SHORT)} writes a second fail; more than {rate} are too many. They are"
                " tried again."
            ),
        ),
        Alert(
            name="WorkflowAuditWriteErrorRatio",
            # The comparison with 0 drops times without writes, whose share would be 0/0.
            expression=f"{failed} / ({failed} + {committed} > 0) > {ratio}",
            holds=alerts.for_,
            severity="critical",
            summary="A large share of the writes of audit events fails",
            description=(
                f"{_value('humanizePercentage')} of the writes fail; more than"
                f" {_percentage(alerts.write_error_ratio)} are too many."
            ),
        ),
        Alert(
            name="WorkflowAuditWriteSlow",
            expression=f"{_p95('workflow_audit_write_duration_seconds')} > {slow}",
            holds=alerts.for_,
            severity="warning",
            summary="Audit events are written slowly",
            description=(
                f"One write in twenty takes {_value('humanizeDuration')} or longer until its"
                f" COMMIT; more than {slow} s are too long."
            ),
        ),
    )


def _reading(alerts: Alerts) -> tuple[Alert, ...]:
    slow = _number(alerts.query_p95_seconds)
    # Statistics may take seconds, and have a bound of their own: AUDIT_APISERVER_ANSWER_SECONDS.
    of_events = '{endpoint!="statistics"}'
    # Who serves nothing says 0; of several replicas the one whose certificate ends first counts.
    ends = f"min without ({REPLICAS}) ({CERTIFICATE_END} > 0)"
    return (
        Alert(
            name="WorkflowAuditQuerySlow",
            expression=f"{_p95('workflow_audit_query_duration_seconds', of_events)} > {slow}",
            holds=alerts.for_,
            severity="warning",
            summary="Audit events are read slowly",
            description=(
                f"One read in twenty takes {_value('humanizeDuration')} or longer; more than"
                f" {slow} s are too long."
            ),
        ),
        Alert(
            name="WorkflowAuditCertificateEnds",
            expression=f"{ends} - time() < {span_seconds(CERTIFICATE_ENDS)}",
            holds=alerts.for_,
            severity="warning",
            summary="The certificate of the server of readers is not renewed",
            description=(
                "The certificate that the server of readers serves {{ if lt $value 0.0 }}has ended"
                f"{{{{ else }}}}ends in {_value('humanizeDuration')}{{{{ end }}}}; it should have"
                " been renewed by now."
            ),
        ),
    )


def _keeping(alerts: Alerts) -> tuple[Alert, ...]:
    now = _seen("workflow_audit_table_bytes")
    # An operator that has just started says 0 until it has measured.
    day_ago = _seen("max_over_time(workflow_audit_table_bytes[1h] offset 1d) > 0")
    success = "workflow_audit_retention_last_success_timestamp_seconds"
    last_success = _seen(f"max_over_time({success}[{RETENTION_OVERDUE}])")
    # A program that only reads says 0 for ever, and so does a young operator before its first run.
    tends_the_table = f"{_seen('workflow_audit_partitions')} > 0"
    not_new = f"{_seen(f'max_over_time({success}[1h] offset {RETENTION_OVERDUE})')} >= 0"
    missing = _seen("workflow_audit_verify_missing")
    different = _seen("workflow_audit_verify_different")
    return (
        Alert(
            name="WorkflowAuditIncomplete",
            expression=f"{missing} + {different} > 0",
            holds=alerts.for_,
            severity="critical",
            summary="Audit events are missing, or say something else than their searches",
            description=(
                f"{_value()} recorded searches are without their audit event or disagree with it;"
                " `workflow-audit verify` names them."
            ),
        ),
        Alert(
            name="WorkflowAuditGrowth",
            expression=f"{now} - {day_ago} > {_number(alerts.growth_bytes_per_day)}",
            holds=alerts.for_,
            severity="warning",
            summary="The table of audit events grows fast",
            description=(
                f"audit_events has grown by {_value('humanize1024')}B in a day; more than"
                f" {_size(alerts.growth_bytes_per_day)} are too much."
            ),
        ),
        Alert(
            name="WorkflowAuditRetentionOverdue",
            expression=(
                f"{last_success} < time() - {span_seconds(RETENTION_OVERDUE)}"
                f" and {tends_the_table} and {not_new}"
            ),
            holds=alerts.for_,
            severity="warning",
            summary="Expired audit events are not removed",
            description=(
                "Retention has {{ if eq $value 0.0 }}never succeeded{{ else }}not succeeded since"
                f" {_value('humanizeTimestamp')}{{{{ end }}}}; two days are too long."
            ),
        ),
    )


def _rule(alert: Alert, runbooks: str, policy: str) -> Json:
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.holds,
        "labels": {"severity": alert.severity, "policy": policy},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{runbooks}#{alert.name.lower()}",
        },
    }


def _counted(counter: str, *labels: str) -> str:
    """Give how often a second something happens, over all replicas and given labels."""
    return f"sum without ({', '.join([*labels, REPLICAS])}) (rate({counter}[{WINDOW}]))"


def _seen(gauge: str, *labels: str) -> str:
    """Give what at least one replica sees."""
    return f"max without ({', '.join([*labels, REPLICAS])}) ({gauge})"


def _p95(histogram: str, selector: str = "") -> str:
    return f"histogram_quantile(0.95, {_counted(f'{histogram}_bucket{selector}')})"


def _value(form: str = "") -> str:
    """Give the place of the expression's value in a text."""
    return f"{{{{ $value | {form} }}}}" if form else "{{ $value }}"


def _number(value: float) -> str:
    """Give a number as PromQL and people read it: 300 and not 300.0."""
    return str(int(value)) if value == int(value) else repr(value)


def _percentage(fraction: float) -> str:
    return f"{fraction * 100:.4g} %"


def _size(number: float) -> str:
    power = next((p for p in reversed(range(1, 5)) if number >= KIBI**p), 0)
    return f"{number / KIBI**power:.4g} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"
