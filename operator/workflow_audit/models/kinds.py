"""Our resources as the API server sees them: names, columns, selectable fields."""

from dataclasses import dataclass

from workflow_audit.models.base import CelRule, Model
from workflow_audit.models.policy import ClusterPolicySpec, PolicySpec
from workflow_audit.models.policy_status import PolicyStatus
from workflow_audit.models.resource import Resource
from workflow_audit.models.search import SearchSpec
from workflow_audit.models.status import SearchStatus

GROUP = "audit.kubernaut.ai"
VERSION = "v1alpha1"


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`; priority 1 shows with `-o wide` only."""

    name: str
    json_path: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True)
class Kind:
    """A custom resource, from which its definition is generated."""

    name: str
    plural: str
    short_names: tuple[str, ...]
    description: str
    spec: type[Model]
    status: type[Model]
    columns: tuple[Column, ...]
    selectable: tuple[str, ...] = ()
    rules: tuple[CelRule, ...] = ()
    """What the API server makes sure of for the object as a whole."""

    scope: str = "Namespaced"

    @property
    def resource(self) -> Resource:
        """Give where its objects are."""
        return Resource(GROUP, VERSION, self.plural, self.name, self.scope == "Namespaced")


_PHASE_CHANGES = (
    "has(self.status) && has(self.status.phase) && (!has(oldSelf.status)"
    " || !has(oldSelf.status.phase) || self.status.phase != oldSelf.status.phase)"
)
SPEC_IS_A_FACT: CelRule = (
    f"{_PHASE_CHANGES} || self.spec == oldSelf.spec",
    "a search is a fact, its spec must not change",
    ".spec",
)
"""A write to the object leaves its status as it was, and a write to the status its spec: the API
server sees to both. So where the phase changes there is nothing to compare; comparing all the same
took a tenth of the API server's time for a status."""

WORKFLOW_SEARCH = Kind(
    name="WorkflowSearch",
    plural="workflowsearches",
    short_names=("wfs",),
    description=(
        "One search of the workflow catalogue and its answer. Each becomes exactly one immutable"
        " audit event; status shows who won and with what confidence."
    ),
    spec=SearchSpec,
    status=SearchStatus,
    columns=(
        Column("Correlation", ".spec.correlationId"),
        Column("Query", ".status.summary.query"),
        Column("Workflow", ".status.summary.topWorkflow"),
        Column("Confidence", ".status.summary.topConfidence", "number"),
        Column("Found", ".status.summary.totalFound", "integer"),
        Column("Outcome", ".status.outcome"),
        Column("Phase", ".status.phase"),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("Event", ".status.eventId", priority=1),
        Column("Policy", ".status.policy", priority=1),
        Column("Service", ".spec.service", priority=1),
    ),
    selectable=(".status.phase", ".spec.correlationId"),
    rules=(SPEC_IS_A_FACT,),
)

_POLICY_COLUMNS = (
    Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
    Column("Enabled", ".spec.enabled", "boolean"),
    Column("Readers", ".status.readers", "integer"),
    Column("Retention", ".spec.retention.days", "integer"),
    Column("Alerts", ".status.conditions[?(@.type=='Alerts')].reason"),
    Column("Next Retention", ".status.retention.nextRun"),
    Column("Age", ".metadata.creationTimestamp", "date"),
    Column("Priority", ".spec.priority", "integer", priority=1),
    Column("Reason", ".status.conditions[?(@.type=='Ready')].message", priority=1),
)

AUDIT_POLICY = Kind(
    name="AuditPolicy",
    plural="auditpolicies",
    short_names=("apol",),
    description=(
        "How searches of this namespace are audited: who may read, alert rules, dashboard,"
        " retention, scoring weights, redaction, on and off. Goes before every ClusterAuditPolicy."
    ),
    spec=PolicySpec,
    status=PolicyStatus,
    columns=_POLICY_COLUMNS,
)

CLUSTER_AUDIT_POLICY = Kind(
    name="ClusterAuditPolicy",
    plural="clusterauditpolicies",
    short_names=("capol",),
    description=(
        "How searches are audited where no AuditPolicy of their namespace says it: who may read,"
        " alert rules, dashboard, retention, scoring weights, redaction, on and off."
    ),
    spec=ClusterPolicySpec,
    status=PolicyStatus,
    columns=_POLICY_COLUMNS,
    scope="Cluster",
)

KINDS = (WORKFLOW_SEARCH, AUDIT_POLICY, CLUSTER_AUDIT_POLICY)
