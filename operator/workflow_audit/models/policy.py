"""What a policy says about recording, and the default policy: the one place of these values.

The resources AuditPolicy and ClusterAuditPolicy will carry these models as their spec.
"""

import enum
from typing import Annotated

from pydantic import Field

from workflow_audit.models.base import Fraction, Model
from workflow_audit.models.scoring import Weight


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

    regex: str = Field(min_length=1, max_length=1024)
    """Expression in RE2 syntax; everything that it matches is replaced."""


class Redaction(Model):
    """What is replaced before anything is stored, logged or shown."""

    enabled: bool = True
    """Whether anything is replaced at all."""

    builtin: tuple[BuiltinPattern, ...] = tuple(BuiltinPattern)
    """Built-in patterns in use."""

    patterns: Annotated[tuple[RedactionPattern, ...], Field(max_length=32)] = ()
    """Patterns of one's own, applied after the built-in ones."""

    replacement: str = Field("[redacted:{name}]", max_length=63)
    """What stands in the place of a match; `{name}` becomes the pattern's name."""


class Limits(Model):
    """How much of a search an event keeps."""

    max_workflows: int = Field(10, ge=1, le=100)
    """Most workflows in an event, by rank; how many were left out is said."""

    max_event_bytes: int = Field(16 * 1024, ge=8192, le=1024 * 1024)
    """Most bytes of event_data as JSON; lower ranks go first, then the end of long texts."""


def _default_weights() -> dict[str, Weight]:
    return {
        "resource-management": Weight(boost=0.10, penalty=0.10),
        "gitops-tool": Weight(boost=0.10, penalty=0.10),
        "environment": Weight(boost=0.08),
        "business-category": Weight(boost=0.08),
        "priority": Weight(boost=0.05),
        "risk-tolerance": Weight(boost=0.05),
    }


class ScoringRules(Model):
    """How missing breakdowns are derived, and what counts as low confidence."""

    weights: Annotated[dict[str, Weight], Field(max_length=16)] = Field(
        default_factory=_default_weights
    )
    """Boost and penalty by label key; the defaults are those of the catalogue's version 1.0."""

    low_confidence: Fraction = 0.5
    """A search whose winner is below this has low confidence."""


class Retention(Model):
    """How long events are kept."""

    days: int = Field(2555, ge=1, le=2555)
    """Days from the event's time; seven years by default."""


class RecordingPolicy(Model):
    """What decides about one search; without any arguments, the default policy."""

    enabled: bool = True
    """The rollback switch: false lets searches in scope become Skipped."""

    redaction: Redaction = Redaction()
    """What is replaced before anything is stored."""

    limits: Limits = Limits()
    """How much of a search an event keeps."""

    scoring: ScoringRules = ScoringRules()
    """How missing breakdowns are derived."""

    retention: Retention = Retention()
    """How long events are kept."""


DEFAULT_POLICY_NAME = "default"
"""What status.policy says where no policy resource applies."""
