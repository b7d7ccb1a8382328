"""Which holds are placed and released when policies change."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import pytest

from unit.policies import any_policy
from workflow_audit.domain.holds import hold_changes, wanted_holds
from workflow_audit.domain.policies import KnownPolicies
from workflow_audit.models.policy import AnyPolicy
from workflow_audit.models.removal import Hold, PlacedHold

CASE = {"name": "case-1", "reason": "asked by the court", "correlationIds": ["rr-1"]}
OTHER = {"name": "case-2", "reason": "asked by the auditor"}
IDS = UUID(int=1)


def policy(*holds: dict[str, Any], generation: int = 1, **metadata: Any) -> AnyPolicy:
    spec = {"retention": {"legalHolds": list(holds)}}
    return any_policy("p", spec, generation=generation, **metadata)


def placed(*policies: AnyPolicy) -> list[PlacedHold]:
    return [PlacedHold(uuid5(IDS, repr(hold)), hold) for hold in wanted_holds(policies)]


BROKEN = any_policy("p", {"retention": {"days": 0, "legalHolds": []}})

CASES: dict[str, tuple[list[AnyPolicy], list[AnyPolicy], list[str], list[str]]] = {
    "nothing-at-all": ([], [], [], []),
    "a-new-one": ([], [policy(CASE)], ["case-1"], []),
    "the-same": ([policy(CASE)], [policy(CASE)], [], []),
    "the-same-of-a-later-generation": ([policy(CASE)], [policy(CASE, generation=9)], [], []),
    "one-more": ([policy(CASE)], [policy(CASE, OTHER)], ["case-2"], []),
    "another-criterion": (
        [policy(CASE)],
        [policy(CASE | {"correlationIds": ["rr-2"]})],
        ["case-1"],
        [],
    ),
    "another-reason": ([policy(CASE)], [policy(CASE | {"reason": "x"})], ["case-1"], []),
    "one-less": ([policy(CASE, OTHER)], [policy(CASE)], [], ["case-2"]),
    "the-policy-is-gone": ([policy(CASE)], [], [], ["case-1"]),
    "of-another-namespace": (
        [policy(CASE, namespace="a")],
        [policy(CASE, namespace="b")],
        ["case-1"],
        ["case-1"],
    ),
    "its-policy-cannot-be-used": ([policy(CASE)], [BROKEN], [], []),
}


@pytest.mark.parametrize(("before", "now", "place", "release"), CASES.values(), ids=CASES)
def test_changes(
    before: list[AnyPolicy], now: list[AnyPolicy], place: list[str], release: list[str]
) -> None:
    changes = hold_changes(KnownPolicies(now), placed(*before))
    assert [hold.name for hold in changes.place] == place
    assert [each.placed.hold.name for each in changes.release] == release


def test_a_release_says_why() -> None:
    gone = hold_changes(KnownPolicies([]), placed(policy(CASE)))
    assert [each.why for each in gone.release] == ["its policy is gone"]
    changed = hold_changes(KnownPolicies([policy(generation=4)]), placed(policy(CASE)))
    assert [each.why for each in changed.release] == [
        "generation 4 of its policy does not have it any more"
    ]


def test_a_hold_has_everything_that_its_policy_says() -> None:
    given = CASE | {
        "workflowIds": ["w"],
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-02-01T00:00:00Z",
    }
    owner = policy(given, generation=3, namespace="team-a")
    assert wanted_holds([owner]) == [
        Hold(
            policy=owner.key,
            uid=owner.uid,
            generation=3,
            name="case-1",
            reason="asked by the court",
            correlation_ids=("rr-1",),
            workflow_ids=("w",),
            held_from=datetime(2026, 1, 1, tzinfo=UTC),
            held_to=datetime(2026, 2, 1, tzinfo=UTC),
        )
    ]
