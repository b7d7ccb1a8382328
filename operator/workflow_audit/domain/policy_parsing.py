"""A policy object, as the API server gives it -> a policy that can be used, or why it cannot.

The API server enforces the definition, so what is refused here was let pass by another version of
it: an unknown value of an enumeration, or an expression that only one of two RE2s understands.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from workflow_audit.domain.redaction import redactor
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.kinds import CLUSTER_AUDIT_POLICY
from workflow_audit.models.policy import (
    AnyPolicy,
    ClusterPolicySpec,
    InvalidPolicy,
    Policy,
    PolicyKey,
    PolicySpec,
)

SCOPE = ("priority", "selector", "namespaceSelector")
"""What says which searches a policy is about."""


def parse_policy(body: Mapping[str, Any]) -> AnyPolicy:
    """Give the policy; never raises for what the API server could deliver.

    Returns:
        An InvalidPolicy keeps its scope, so that its searches wait instead of being recorded by
        rules that nobody wanted for them; where the scope itself is broken, it is about all that
        it could be about.
    """
    metadata = body["metadata"]
    kind = body["kind"]
    model = ClusterPolicySpec if kind == CLUSTER_AUDIT_POLICY.name else PolicySpec
    key = PolicyKey(kind, metadata.get("namespace"), metadata["name"])
    uid, generation = UUID(metadata["uid"]), int(metadata["generation"])
    given = body.get("spec") or {}
    try:
        spec = model.model_validate(given)
        redactor(spec.redaction)
    except (ValidationError, InvalidFieldError) as error:
        return InvalidPolicy(key, uid, generation, _scope(model, given), _finding(error))
    return Policy(key, uid, generation, spec)


def _scope(model: type[PolicySpec], given: Mapping[str, Any]) -> PolicySpec:
    try:
        return model.model_validate({name: given[name] for name in SCOPE if name in given})
    except ValidationError:
        return model(priority=1000)


def _finding(error: ValidationError | InvalidFieldError) -> InvalidFieldError:
    if isinstance(error, InvalidFieldError):
        return error
    first = error.errors(include_url=False)[0]
    path = "spec"
    for part in first["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    rule = f"is refused: {first['msg'][0].lower()}{first['msg'][1:]}"
    return InvalidFieldError(path, first["input"], rule, "see `kubectl explain` for what it may be")
