"""AuditPolicy and ClusterAuditPolicy; without any arguments a spec is the default policy.

This is the one place of the default values: where no policy applies to a search, `PolicySpec()`
does.
"""

import enum
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import Field, WithJsonSchema

from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.access import Access
from workflow_audit.models.alerting import Alerts, Dashboard
from workflow_audit.models.base import KEY_RULE, Fraction, Model, cel_rules
from workflow_audit.models.catalogue import Catalogue
from workflow_audit.models.quantities import Size, size_schema
from workflow_audit.models.retention import Retention
from workflow_audit.models.scoring import Weight
from workflow_audit.models.selector import LabelSelector


class BuiltinPattern(enum.StrEnum):
    """Personal data and secrets that the product knows how to find."""

    EMAIL = "email"
    IPV4 = "ipv4"
    IPV6 = "ipv6"
    BEARER_TOKEN = "bearer-token"  # noqa: S105 - a name, no secret
    JWT = "jwt"
    PASSWORD = "password"  # noqa: S105 - a name, no secret
    PRIVATE_KEY = "private-key"
    PHONE = "phone"
    CREDIT_CARD = "credit-card"


class RedactionPattern(Model):
    """An expression of one's own for what must not be stored."""

    name: str = Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")
    """Name that stands in the replacement and in the counts."""

    regex: str = Field(
        min_length=1,
        max_length=1024,
        # What cannot be compiled is an error of the rule, and the API server says which.
        json_schema_extra=cel_rules(
            ("''.matches(self) in [true, false]", "this is no valid expression in RE2 syntax")
        ),
    )
    """Expression in RE2 syntax; everything that it matches is replaced."""


class Redaction(Model):
    """What is replaced before anything is stored, logged or shown."""

    enabled: bool = True
    """Whether anything is replaced at all."""

    builtin: tuple[BuiltinPattern, ...] = Field(
        tuple(BuiltinPattern), max_length=32, json_schema_extra={"x-kubernetes-list-type": "set"}
    )
    """Built-in patterns in use."""

    patterns: tuple[RedactionPattern, ...] = Field(
        (),
        max_length=32,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    )
    """Patterns of one's own, applied after the built-in ones."""

    replacement: str = Field("[redacted:{name}]", max_length=63)
    """What stands in the place of a match; `{name}` becomes the pattern's name."""


EventBytes = Annotated[
    Size, Field(ge=8192, le=2**20), WithJsonSchema(size_schema(least=8192, most=2**20))
]


class Limits(Model):
    """How much of a search an event keeps."""

    max_workflows: int = Field(10, ge=1, le=100)
    """Most workflows in an event, by rank; how many were left out is said."""

    max_event_bytes: EventBytes = 16 * 1024
    """Most bytes of event_data as JSON, as a number or as 16Ki; lower ranks go first, then the end
    of long texts."""


def _default_weights() -> dict[str, Weight]:
    return {
        "resource-management": Weight(boost=0.10, penalty=0.10),
        "gitops-tool": Weight(boost=0.10, penalty=0.10),
        "environment": Weight(boost=0.08),
        "business-category": Weight(boost=0.08),
        "priority": Weight(boost=0.05),
        "risk-tolerance": Weight(boost=0.05),
    }


MAX_WEIGHTS = 16


class ScoringRules(Model):
    """How missing breakdowns are derived, and what counts as low confidence."""

    weights: Annotated[
        dict[str, Weight], Field(max_length=MAX_WEIGHTS, json_schema_extra=KEY_RULE)
    ] = Field(default_factory=_default_weights)
    """Boost and penalty by label key, all that count; without any, those of the catalogue's version
    1.0."""

    low_confidence: Fraction = 0.5
    """A search whose winner is below this has low confidence."""


class PolicySpec(Model):
    """What the audit is to do with the searches that it selects."""

    enabled: bool = True
    """The rollback switch: false lets searches in scope become Skipped; nothing is written."""

    priority: int = Field(0, ge=-1000, le=1000)
    """Where several policies of a kind select a search, the highest priority applies, then the
    first name. An AuditPolicy goes before every ClusterAuditPolicy."""

    selector: LabelSelector = LabelSelector()
    """Searches in scope, by their labels; all without any."""

    access: Access = Access()
    """Who may read the audit events."""

    retention: Retention = Retention()
    """How long events and searches are kept."""

    alerts: Alerts = Alerts()
    """Alert rules."""

    dashboard: Dashboard = Dashboard()
    """Dashboard."""

    scoring: ScoringRules = ScoringRules()
    """How missing breakdowns are derived, and what counts as low confidence."""

    redaction: Redaction = Redaction()
    """What is replaced before anything is stored."""

    limits: Limits = Limits()
    """How much of a search an event keeps."""


class ClusterPolicySpec(PolicySpec):
    """What the audit is to do with the searches that it selects, in all namespaces."""

    namespace_selector: LabelSelector = LabelSelector()
    """Namespaces in scope, by their labels; all without any."""

    catalogue: Catalogue | None = None
    """Where the operator runs searches in scope that come without an answer, also those to which
    an AuditPolicy applies; of several such policies the first one with a catalogue counts."""


DEFAULT_POLICY_NAME = "default"
"""What status.policy says where no policy resource applies."""


@dataclass(frozen=True)
class PolicyKey:
    """Which policy; a cluster policy has no namespace."""

    kind: str
    namespace: str | None
    name: str

    def __str__(self) -> str:
        """Give it as `status.policy` names it; its namespace is that of the search."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class Policy:
    """A policy resource that keeps all rules."""

    key: PolicyKey
    uid: UUID
    generation: int
    spec: PolicySpec


@dataclass(frozen=True)
class InvalidPolicy:
    """A policy that breaks a rule which the API server did not enforce.

    Its searches wait: what they are to be recorded like is not known.
    """

    key: PolicyKey
    uid: UUID
    generation: int
    spec: PolicySpec
    """Its scope; all else in it means nothing."""

    finding: InvalidFieldError


AnyPolicy = Policy | InvalidPolicy
