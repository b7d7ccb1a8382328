"""Replaces personal data and secrets before anything is stored, logged or shown."""

from workflow_audit.domain.redaction.redactor import Redacted, Redactor, redactor

__all__ = ["Redacted", "Redactor", "redactor"]
