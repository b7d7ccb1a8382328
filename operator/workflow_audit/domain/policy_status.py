"""What status says of a policy."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic import ValidationError

from workflow_audit.domain.conditions import READY, condition
from workflow_audit.domain.readiness import (
    Aspect,
    ChildState,
    Finding,
    PolicyState,
    reconciling,
    stalled,
)
from workflow_audit.models.policy import ClusterPolicySpec, Policy
from workflow_audit.models.policy_status import ChildStatus, PolicyStatus, RetentionStatus
from workflow_audit.models.status import Condition

Json = dict[str, Any]

RECONCILING = "Reconciling"
STALLED = "Stalled"

IN_FORCE = "InForce"
OFF = "Off"
IN_PLACE = "InPlace"

CATALOGUE, CONFIGURED = "Catalogue", "Configured"

RETENTION = "Retention"
SCHEDULED, NOT_CONFIGURED, FAILED = "Scheduled", "NotConfigured", "Failed"


def policy_status(
    state: PolicyState,
    retention: RetentionStatus | None,
    before: Mapping[str, Any],
    *,
    now: datetime,
) -> Json:
    """Give the status of a policy, as JSON for the API server.

    Args:
        state: the policy and its objects.
        retention: how retention stands, None where it does not run.
        before: the present status; conditions that have not changed keep their times.
        now: time of those that have.
    """
    policy = state.policy
    stated = partial(condition, generation=policy.generation, at=now)
    conditions = [stated(*each) for each in _conditions(state, retention)]
    status = PolicyStatus(
        observed_generation=policy.generation,
        readers=len(policy.spec.access.readers) if isinstance(policy, Policy) else None,
        children=[_child_status(child) for child in state.children],
        retention=retention,
        conditions=with_kept_times(conditions, before.get("conditions", [])),
    )
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


def _conditions(
    state: PolicyState, retention: RetentionStatus | None
) -> list[tuple[str, Any, str, str]]:
    """Give type, status, reason and message of each condition, Ready first."""
    needs, passes = stalled(state), reconciling(state)
    finding: Finding | None = needs or passes
    if finding is None:
        ready = (READY, "True", IN_FORCE, "everything that the policy asks for is in place")
        return [ready, *_aspects(state, retention)]
    found = [(READY, "False", *finding)]
    found.append((STALLED if needs else RECONCILING, "True", *finding))
    return [*found, *_aspects(state, retention)]


def _aspects(
    state: PolicyState, retention: RetentionStatus | None
) -> list[tuple[str, Any, str, str]]:
    if not isinstance(state.policy, Policy):
        return []
    spec = state.policy.spec
    readers = "" if spec.access.readers else "spec.access.readers names nobody"
    alerts = "" if spec.alerts.enabled else "spec.alerts.enabled is false"
    dashboard = "" if spec.dashboard.enabled else "spec.dashboard.enabled is false"
    return [
        _aspect(state, "Access", readers),
        _aspect(state, "Alerts", alerts),
        _aspect(state, "Dashboard", dashboard),
        (RETENTION, *_retention(retention)),
        *_catalogue(state),
    ]


def _catalogue(state: PolicyState) -> list[tuple[str, Any, str, str]]:
    """Give the condition of a cluster policy alone: others cannot name a catalogue."""
    spec = state.policy.spec
    if not isinstance(spec, ClusterPolicySpec):
        return []
    if spec.catalogue is None:
        return [(CATALOGUE, "False", OFF, "spec.catalogue is not given")]
    if state.catalogue:
        return [(CATALOGUE, "False", state.catalogue.reason, state.catalogue.message)]
    return [(CATALOGUE, "True", CONFIGURED, f"searches may be run against {spec.catalogue.url}")]


def _aspect(state: PolicyState, aspect: Aspect, why_off: str) -> tuple[str, Any, str, str]:
    if why_off:
        return aspect, "False", OFF, why_off
    own = [child for child in state.children if child.aspect == aspect]
    for child in own:
        if child.state != IN_PLACE:
            return aspect, "False", child.state, f"{child.place}: {child.message}"
    return aspect, "True", IN_PLACE, ", ".join(child.place for child in own)


def _retention(retention: RetentionStatus | None) -> tuple[str, str, str]:
    """Give status, reason and message; a policy is in force also where retention does not run."""
    if retention is None:
        return "False", NOT_CONFIGURED, "nothing is removed: AUDIT_RETENTION_DATABASE_URL is empty"
    next_run = f"next run {_time(retention.next_run)}" if retention.next_run else "it runs soon"
    if retention.failure is not None:
        return "False", FAILED, f"{retention.failure}; {next_run}"
    last_run = f"last run {_time(retention.last_run)}" if retention.last_run else "no run yet"
    return "True", SCHEDULED, f"{next_run}, {last_run}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def latest_retention(
    ours: RetentionStatus | None, before: Mapping[str, Any], *, dry_run: bool
) -> RetentionStatus | None:
    """Give how retention stands by the operator that knows more.

    Of two operators one may know of a run, or of a failure, of which the other does not know yet.
    If each wrote what it knows, they would undo each other's status without end.

    Args:
        ours: None where retention does not run; then nobody else's word counts.
        before: the present status of the policy.
        dry_run: of the policy as it is now; without it, what was counted before is of no interest.
    """
    if ours is None:
        return None
    known = [ours]
    with suppress(ValidationError):
        known.append(RetentionStatus.model_validate(before.get("retention")))
    if not dry_run:
        known = [each.model_copy(update={"would_remove": None}) for each in known]
    return max(known, key=_known_at)


def _known_at(retention: RetentionStatus) -> tuple[float, ...]:
    """Order by the last run, the last count, then a failure since; their clocks may differ."""
    counted_at = retention.would_remove.at if retention.would_remove else None
    times = (retention.last_run, counted_at, retention.failed_at)
    return tuple(at.timestamp() if at else 0.0 for at in times)


def _child_status(child: ChildState) -> ChildStatus:
    return ChildStatus(
        kind=child.kind,
        namespace=child.namespace,
        name=child.name,
        state=child.state,
        message=child.message or None,
    )


def with_kept_times(
    conditions: Sequence[Condition], before: Sequence[Mapping[str, Any]]
) -> list[Condition]:
    """Give the conditions with the times of those that say the same as before."""
    known = {each.get("type"): each for each in before}
    return [_kept(each, known.get(each.type, {})) for each in conditions]


def _kept(present: Condition, before: Mapping[str, Any]) -> Condition:
    same = ("status", "reason", "message")
    if any(getattr(present, name) != before.get(name) for name in same):
        return present
    try:
        since = datetime.fromisoformat(before["lastTransitionTime"])
    except (KeyError, TypeError, ValueError):
        return present
    return present.model_copy(update={"last_transition_time": since})


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> Json:
    """Give what turns one JSON object into another (RFC 7386); empty where they are the same."""
    patch: Json = {key: None for key in before if key not in after}
    for key, value in after.items():
        present = before.get(key)
        if isinstance(value, Mapping) and isinstance(present, Mapping):
            if inner := merge_patch(present, value):
                patch[key] = inner
        elif value != present:
            patch[key] = value
    return patch
