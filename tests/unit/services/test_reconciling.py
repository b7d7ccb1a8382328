"""What a policy asks for is brought into place, and nothing of anybody else is touched."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from unit.policies import a_policy, a_policy_body
from workflow_audit.domain.children import Child, access_children
from workflow_audit.domain.children.child import owner_uid
from workflow_audit.domain.policy_parsing import parse_policy
from workflow_audit.domain.readiness import Aspect, CatalogueState
from workflow_audit.errors import ClusterError
from workflow_audit.models.policy import Policy, PolicyKey
from workflow_audit.models.policy_status import RetentionStatus
from workflow_audit.models.resource import ROLE, ROLE_BINDING, Resource
from workflow_audit.services.reconciling import AGAIN_SECONDS, SOON_SECONDS, PolicyReconciler

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
READERS = {"access": {"readers": [{"kind": "Group", "name": "sre"}]}}
NAME = "audit-policy-own"

Json = dict[str, Any]
Place = tuple[Resource, str | None, str]


@dataclass
class Cluster:
    """Objects by place, and what was asked."""

    bodies: dict[PolicyKey, Json] = field(default_factory=dict)
    objects: dict[Place, Json] = field(default_factory=dict)
    unknown: set[Place] = field(default_factory=set)
    """Objects of which no watch has told."""

    not_served: set[Resource] = field(default_factory=set)
    refusals: dict[Resource, ClusterError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    catalogue_state: CatalogueState | None = None

    def served(self, resource: Resource) -> bool:
        return resource not in self.not_served

    def known(self, resource: Resource, namespace: str | None, name: str) -> Json | None:
        place = resource, namespace, name
        return None if place in self.unknown else self.objects.get(place)

    def owned(self, uid: str) -> list[tuple[Resource, Json]]:
        return [(place[0], o) for place, o in self.objects.items() if owner_uid(o) == uid]

    async def find(self, resource: Resource, namespace: str | None, name: str) -> Json | None:
        self.asked.append(f"find {resource.kind}")
        self._refuse(resource)
        return self.objects.get((resource, namespace, name))

    async def apply(self, resource: Resource, manifest: Json) -> Json:
        self.asked.append(f"apply {resource.kind}")
        self._refuse(resource)
        metadata = manifest["metadata"]
        self.objects[resource, metadata.get("namespace"), metadata["name"]] = manifest
        return manifest

    async def remove(self, resource: Resource, item: Json) -> bool:
        self.asked.append(f"remove {resource.kind}")
        metadata = item["metadata"]
        return bool(self.objects.pop((resource, metadata.get("namespace"), metadata["name"])))

    def body(self, key: PolicyKey) -> Json | None:
        return self.bodies.get(key)

    async def write_status(self, key: PolicyKey, patch: Json) -> None:
        self.asked.append("status")
        status = self.bodies[key].setdefault("status", {})
        for name, value in patch.items():
            status[name] = value

    async def catalogue(self, policy: Policy) -> CatalogueState | None:
        return self.catalogue_state

    def _refuse(self, resource: Resource) -> None:
        if error := self.refusals.get(resource):
            raise error


def children(policy: Policy) -> Iterable[tuple[Aspect, Child]]:
    for child in access_children(policy):
        yield "Access", child


def reconciler(cluster: Cluster, retention: RetentionStatus | None = None) -> PolicyReconciler:
    def policy(key: PolicyKey) -> Any:
        body = cluster.bodies.get(key)
        return parse_policy(body) if body else None

    return PolicyReconciler(
        policy=policy,
        objects=cluster,
        policies=cluster,
        wanted=children,
        retention=lambda _: retention,
        catalogue=cluster.catalogue,
        clock=lambda: NOW,
    )


OWN = a_policy("own", READERS, namespace="team-a")


def a_cluster(spec: Any = READERS) -> Cluster:
    return Cluster({OWN.key: a_policy_body("own", spec, namespace="team-a")})


async def reconciled(cluster: Cluster) -> float | None:
    cluster.asked.clear()
    return await reconciler(cluster).reconcile(OWN.key)


def conditions(cluster: Cluster) -> dict[str, tuple[str, str]]:
    found = cluster.bodies[OWN.key]["status"]["conditions"]
    return {each["type"]: (each["status"], each["reason"]) for each in found}


async def test_two_operators_do_not_undo_each_others_word_on_retention() -> None:
    cluster = a_cluster()
    early, late = (RetentionStatus(last_run=NOW + timedelta(days=day)) for day in (0, 1))
    knows_late, knows_early = reconciler(cluster, late), reconciler(cluster, early)
    await knows_late.reconcile(OWN.key)
    cluster.asked.clear()
    for _ in range(3):
        await knows_early.reconcile(OWN.key)
        await knows_late.reconcile(OWN.key)
    assert cluster.asked == []
    assert cluster.bodies[OWN.key]["status"]["retention"] == {"lastRun": "2026-11-25T12:00:00Z"}


ROLE_PLACE: Place = (ROLE, "team-a", NAME)


async def test_everything_is_brought_into_place_once() -> None:
    cluster = a_cluster()
    assert await reconciled(cluster) is None
    assert cluster.asked == [
        "find Role",
        "apply Role",
        "find RoleBinding",
        "apply RoleBinding",
        "status",
    ]
    assert conditions(cluster)["Ready"] == ("True", "InForce")
    await reconciled(cluster)
    assert cluster.asked == []


@pytest.mark.parametrize("drift", [{"rules": []}, {"rules": None}])
async def test_what_was_changed_by_hand_is_restored(drift: Json) -> None:
    cluster = a_cluster()
    await reconciled(cluster)
    wanted = copy.deepcopy(cluster.objects[ROLE_PLACE])
    cluster.objects[ROLE_PLACE] |= drift
    await reconciled(cluster)
    assert cluster.asked == ["apply Role"]
    assert cluster.objects[ROLE_PLACE] == wanted


async def test_what_was_deleted_by_hand_is_restored() -> None:
    cluster = a_cluster()
    await reconciled(cluster)
    del cluster.objects[ROLE_PLACE]
    await reconciled(cluster)
    assert cluster.asked == ["find Role", "apply Role"]


async def test_what_is_not_asked_for_any_more_goes() -> None:
    cluster = a_cluster()
    await reconciled(cluster)
    cluster.bodies[OWN.key]["spec"] = {}
    await reconciled(cluster)
    assert cluster.asked == ["remove Role", "remove RoleBinding", "status"]
    assert cluster.objects == {}
    assert conditions(cluster)["Access"] == ("False", "Off")


@pytest.mark.parametrize(
    "owners",
    [
        pytest.param([], id="nobodys"),
        pytest.param([{"uid": "another", "controller": True}], id="another-controllers"),
        pytest.param([{"uid": str(OWN.uid)}], id="ours-but-not-controlled"),
    ],
)
async def test_an_object_of_somebody_else_is_left_alone(owners: list[Json]) -> None:
    cluster = a_cluster()
    theirs = {"metadata": {"name": NAME, "namespace": "team-a", "ownerReferences": owners}}
    cluster.objects[ROLE_PLACE] = copy.deepcopy(theirs)
    cluster.unknown.add(ROLE_PLACE)
    assert await reconciled(cluster) == AGAIN_SECONDS
    assert cluster.objects[ROLE_PLACE] == theirs
    assert conditions(cluster)["Ready"] == ("False", "Conflict")
    assert (ROLE_BINDING, "team-a", NAME) in cluster.objects


async def test_one_that_no_watch_told_of_is_not_applied_again() -> None:
    cluster = a_cluster()
    await reconciled(cluster)
    cluster.unknown.add(ROLE_PLACE)
    await reconciled(cluster)
    assert cluster.asked == ["find Role"]


@pytest.mark.parametrize(
    ("error", "state", "again"),
    [
        pytest.param(ClusterError("no", 403), "Refused", AGAIN_SECONDS, id="forbidden"),
        pytest.param(ClusterError("bad", 422), "Refused", AGAIN_SECONDS, id="invalid"),
        pytest.param(ClusterError("changed", 409), "Unreachable", SOON_SECONDS, id="conflict"),
        pytest.param(ClusterError("busy", 429), "Unreachable", SOON_SECONDS, id="too-many"),
        pytest.param(ClusterError("down", 503), "Unreachable", SOON_SECONDS, id="unavailable"),
        pytest.param(ClusterError("gone"), "Unreachable", SOON_SECONDS, id="no-answer"),
    ],
)
async def test_refusals(error: ClusterError, state: str, again: float) -> None:
    cluster = a_cluster()
    cluster.refusals[ROLE] = error
    assert await reconciled(cluster) == again
    assert conditions(cluster)["Access"] == ("False", state)
    assert (ROLE_BINDING, "team-a", NAME) in cluster.objects, "one must not hold up the other"
    cluster.refusals.clear()
    assert await reconciled(cluster) is None
    assert conditions(cluster)["Ready"] == ("True", "InForce")


async def test_a_kind_that_is_not_installed_is_not_asked_for() -> None:
    cluster = a_cluster()
    cluster.not_served.add(ROLE)
    assert await reconciled(cluster) is None
    assert "find Role" not in cluster.asked
    assert conditions(cluster)["Reconciling"] == ("True", "NotInstalled")


async def test_an_invalid_policy_keeps_what_it_has() -> None:
    cluster = a_cluster()
    await reconciled(cluster)
    cluster.bodies[OWN.key]["spec"] = READERS | {"limits": {"maxWorkflows": 0}}
    await reconciled(cluster)
    assert cluster.asked == ["status"]
    assert len(cluster.objects) == 2
    assert conditions(cluster) == {"Ready": ("False", "Invalid"), "Stalled": ("True", "Invalid")}


async def test_a_policy_that_is_gone_is_nobodys_business() -> None:
    cluster = a_cluster()
    del cluster.bodies[OWN.key]
    assert await reconciled(cluster) is None
    assert cluster.asked == []


async def test_a_status_that_somebody_spoiled_is_mended() -> None:
    cluster = a_cluster()
    await reconciled(cluster)
    good = copy.deepcopy(cluster.bodies[OWN.key]["status"])
    cluster.bodies[OWN.key]["status"]["readers"] = 99
    await reconciled(cluster)
    assert cluster.asked == ["status"]
    assert cluster.bodies[OWN.key]["status"] == good


@pytest.mark.parametrize(
    ("state", "again"),
    [
        (CatalogueState("CatalogueInvalid", "no certificate"), None),
        (CatalogueState("CredentialsMissing", "no Secret"), AGAIN_SECONDS),
        (CatalogueState("Unreachable", "no answer"), SOON_SECONDS),
    ],
)
async def test_a_catalogue_that_cannot_be_asked_is_told_and_looked_at_again(
    state: CatalogueState, again: float | None
) -> None:
    cluster = a_cluster()
    cluster.catalogue_state = state
    assert await reconciled(cluster) == again
    assert conditions(cluster)["Ready"] == ("False", state.reason)
