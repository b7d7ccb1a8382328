"""Which legal holds the policies want, and what has to change for them to be in force."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from workflow_audit.domain.policies import KnownPolicies
from workflow_audit.models.policy import AnyPolicy, InvalidPolicy, Policy, PolicyKey
from workflow_audit.models.removal import Hold, PlacedHold


@dataclass(frozen=True)
class Release:
    """A hold that its policy does not have any more."""

    placed: PlacedHold
    policy: AnyPolicy | None
    """The policy as it is now; None when it is gone."""

    @property
    def why(self) -> str:
        """Give the reason, as the trace shows it."""
        if self.policy is None:
            return "its policy is gone"
        return f"generation {self.policy.generation} of its policy does not have it any more"


@dataclass(frozen=True)
class HoldChanges:
    """What has to be done; placing goes first."""

    place: Sequence[Hold]
    release: Sequence[Release]


def wanted_holds(policies: Iterable[AnyPolicy]) -> list[Hold]:
    """Give all holds of the policies that can be used."""
    return [
        Hold(
            policy=policy.key,
            uid=policy.uid,
            generation=policy.generation,
            name=hold.name,
            reason=hold.reason,
            correlation_ids=tuple(hold.correlation_ids),
            workflow_ids=tuple(hold.workflow_ids),
            held_from=hold.from_,
            held_to=hold.to,
        )
        for policy in policies
        if isinstance(policy, Policy)
        for hold in policy.spec.retention.legal_holds
    ]


def hold_changes(known: KnownPolicies, placed: Iterable[PlacedHold]) -> HoldChanges:
    """Give what has to change.

    The holds of a policy that cannot be used stay as they are: what it wants is not known.
    """
    present = {_identity(each.hold): each for each in placed}
    wanted = {_identity(hold): hold for hold in wanted_holds(known.policies)}
    policies: Mapping[PolicyKey, AnyPolicy] = {policy.key: policy for policy in known.policies}
    return HoldChanges(
        place=[
            hold
            for identity, hold in wanted.items()
            if identity not in present or not _same(present[identity].hold, hold)
        ],
        release=[
            Release(each, policies.get(each.hold.policy))
            for identity, each in present.items()
            if identity not in wanted
            and not isinstance(policies.get(each.hold.policy), InvalidPolicy)
        ],
    )


def _identity(hold: Hold) -> tuple[PolicyKey, str]:
    return hold.policy, hold.name


def _same(one: Hold, other: Hold) -> bool:
    return replace(one, generation=other.generation) == other
