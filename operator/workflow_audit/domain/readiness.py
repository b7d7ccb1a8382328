"""Whether all that a policy asks for is in place, and if not, why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from workflow_audit.models.policy import AnyPolicy, InvalidPolicy

State = Literal["InPlace", "Conflict", "Refused", "NotInstalled", "Unreachable"]
Aspect = Literal["Access", "Alerts", "Dashboard"]


@dataclass(frozen=True)
class ChildState:
    """How one object of a policy stands."""

    aspect: Aspect
    kind: str
    namespace: str | None
    name: str
    state: State
    message: str = ""

    @property
    def place(self) -> str:
        """Give kind, namespace and name as people write them."""
        within = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {within}{self.name}"


@dataclass(frozen=True)
class CatalogueState:
    """Why the catalogue of a policy cannot be asked, as far as that shows without asking it."""

    reason: Literal["CatalogueInvalid", "CredentialsMissing", "Unreachable"]
    message: str


Finding = tuple[str, str]
"""Reason and message."""


@dataclass(frozen=True)
class PolicyState:
    """A policy and how its objects stand."""

    policy: AnyPolicy
    children: Sequence[ChildState] = ()

    catalogue: CatalogueState | None = None
    """Why its catalogue cannot be asked, if that is known."""


Check = Callable[[PolicyState], Finding | None]


def _spec_is_invalid(state: PolicyState) -> Finding | None:
    if isinstance(state.policy, InvalidPolicy):
        return "Invalid", f"{state.policy.finding}; its searches wait until then"
    return None


def _first(state: PolicyState, wanted: State) -> Finding | None:
    for child in state.children:
        if child.state == wanted:
            return wanted, f"{child.place}: {child.message}"
    return None


def _child_is_refused(state: PolicyState) -> Finding | None:
    return _first(state, "Refused")


def _child_belongs_to_others(state: PolicyState) -> Finding | None:
    return _first(state, "Conflict")


def _kind_is_not_installed(state: PolicyState) -> Finding | None:
    return _first(state, "NotInstalled")


def _cluster_does_not_answer(state: PolicyState) -> Finding | None:
    return _first(state, "Unreachable")


def _catalogue_cannot_be_asked(state: PolicyState) -> Finding | None:
    found = state.catalogue
    return (found.reason, found.message) if found and found.reason != "Unreachable" else None


def _secret_is_not_told(state: PolicyState) -> Finding | None:
    found = state.catalogue
    return (found.reason, found.message) if found and found.reason == "Unreachable" else None


NEEDS_SOMEBODY: tuple[Check, ...] = (
    _spec_is_invalid,
    _child_is_refused,
    _child_belongs_to_others,
    _catalogue_cannot_be_asked,
)
"""What does not pass without somebody who changes something; causes before effects."""

PASSES: tuple[Check, ...] = (
    _kind_is_not_installed,
    _cluster_does_not_answer,
    _secret_is_not_told,
)
"""What passes by itself, once another thing is there."""


def stalled(state: PolicyState) -> Finding | None:
    """Give the first finding that needs somebody."""
    return _found(NEEDS_SOMEBODY, state)


def reconciling(state: PolicyState) -> Finding | None:
    """Give the first finding that passes by itself, where nothing needs somebody."""
    return None if stalled(state) else _found(PASSES, state)


def _found(checks: Sequence[Check], state: PolicyState) -> Finding | None:
    return next((finding for check in checks if (finding := check(state))), None)
