"""The built-in patterns, by the names that policies use."""

from collections.abc import Mapping
from types import MappingProxyType

from workflow_audit.domain.redaction import credentials, personal_data
from workflow_audit.domain.redaction.expressions import Expression
from workflow_audit.models.policy import BuiltinPattern

BUILTIN: Mapping[BuiltinPattern, tuple[Expression, ...]] = MappingProxyType(
    {
        BuiltinPattern.PRIVATE_KEY: credentials.PRIVATE_KEY,
        BuiltinPattern.PASSWORD: credentials.PASSWORD,
        BuiltinPattern.BEARER_TOKEN: credentials.BEARER_TOKEN,
        BuiltinPattern.JWT: credentials.JWT,
        BuiltinPattern.EMAIL: personal_data.EMAIL,
        BuiltinPattern.CREDIT_CARD: personal_data.CREDIT_CARD,
        BuiltinPattern.IPV6: personal_data.IPV6,
        BuiltinPattern.IPV4: personal_data.IPV4,
        BuiltinPattern.PHONE: personal_data.PHONE,
    }
)
"""Expressions by pattern, in the order of search; where two match the same, the first names it."""

BEFORE_EMAIL = frozenset({BuiltinPattern.PASSWORD, BuiltinPattern.BEARER_TOKEN})
"""Patterns whose matches hide text from `email`, to which `secret@host.example` looks like one."""
