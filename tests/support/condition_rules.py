"""What any status must keep, by Kubernetes' API conventions (after fluxcd's conditions/check)."""

import re
from datetime import datetime
from typing import Any

CAMEL_CASE = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?")
"""The form that metav1.Condition demands of a reason."""


def broken_condition_rules(resource: dict[str, Any]) -> list[str]:
    """Give every convention that a resource's conditions break, in words."""
    status = resource.get("status", {})
    conditions = status.get("conditions", [])
    generation = resource["metadata"]["generation"]
    broken = [problem for c in conditions for problem in _broken_by(c, generation)]
    types = [condition["type"] for condition in conditions]
    if len(types) != len(set(types)):
        broken.append(f"types are not unique: {types}")
    if "Ready" not in types:
        broken.append(f"Ready is not there: {types}")
    if status.get("observedGeneration", generation) > generation:
        broken.append("status.observedGeneration is of the future")
    return broken


def _broken_by(condition: dict[str, Any], generation: int) -> list[str]:
    name = condition.get("type")
    broken = []
    if not CAMEL_CASE.fullmatch(name or ""):
        broken.append(f"{name}: the type is not CamelCase")
    if condition.get("status") not in {"True", "False", "Unknown"}:
        broken.append(f"{name}: status {condition.get('status')!r}")
    if not CAMEL_CASE.fullmatch(condition.get("reason", "")):
        broken.append(f"{name}: reason {condition.get('reason')!r}")
    if "message" not in condition:
        broken.append(f"{name}: no message")
    if not 1 <= condition.get("observedGeneration", 0) <= generation:
        broken.append(f"{name}: observedGeneration {condition.get('observedGeneration')}")
    try:
        datetime.fromisoformat(condition["lastTransitionTime"])
    except (KeyError, ValueError):
        broken.append(f"{name}: lastTransitionTime {condition.get('lastTransitionTime')!r}")
    return broken


def condition_of(resource: dict[str, Any], type_: str) -> dict[str, Any]:
    """Give one condition; empty when it is not there."""
    conditions = resource.get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == type_), {})
